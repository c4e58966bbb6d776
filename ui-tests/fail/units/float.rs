use cachekit::cache;

#[cache(ttl = 1.5)]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
