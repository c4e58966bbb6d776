use cachekit::cache;

#[cache(ttl = 30_000u64)]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
