use cachekit::cache;

#[cache(strategy = Lru::new())]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
