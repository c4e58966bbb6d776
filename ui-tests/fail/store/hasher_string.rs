use cachekit::cache;

#[cache(hasher = "siphash")]
fn page(id: u64) -> String {
    id.to_string()
}

fn main() {}
