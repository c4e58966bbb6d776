use cachekit::cache;

#[cache(hasher = std::hash::RandomState)]
fn config() -> String {
    "defaults".to_owned()
}

fn main() {}
