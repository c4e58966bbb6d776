use cachekit::cache;

#[cache(strategy = "adaptve")]
fn page(id: u64) -> String {
    id.to_string()
}

fn main() {}
