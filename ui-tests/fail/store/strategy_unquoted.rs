use cachekit::cache;

#[cache(strategy = lru)]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
