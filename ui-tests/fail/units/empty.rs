use cachekit::cache;

#[cache(ttl = "")]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
