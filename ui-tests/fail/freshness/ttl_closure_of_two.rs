use cachekit::cache;

#[cache(ttl = |key, value| cachekit::Duration::from_secs(1))]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
