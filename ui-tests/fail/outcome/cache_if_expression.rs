use cachekit::cache;

#[cache(cache_if = id > 3)]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
