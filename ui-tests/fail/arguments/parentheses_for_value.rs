use cachekit::cache;

#[cache(ttl("30s"))]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
