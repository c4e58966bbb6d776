use cachekit::cache;

#[cache(ttl = "30s", jitter = 10)]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
