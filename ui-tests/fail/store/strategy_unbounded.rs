use cachekit::cache;

#[cache(capacity = "unbounded", strategy = "lru")]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
