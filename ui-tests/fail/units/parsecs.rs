use cachekit::cache;

#[cache(ttl = "30 parsecs")]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
