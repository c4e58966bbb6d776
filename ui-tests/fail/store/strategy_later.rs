use cachekit::cache;

#[cache(strategy = "lfu")]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
