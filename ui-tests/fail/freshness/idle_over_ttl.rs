use cachekit::cache;

#[cache(ttl = "30s", idle = "1m")]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
