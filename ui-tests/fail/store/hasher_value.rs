use cachekit::cache;

#[cache(hasher = std::hash::RandomState::new())]
fn page(id: u64) -> String {
    id.to_string()
}

fn main() {}
