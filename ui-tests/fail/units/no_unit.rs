use cachekit::cache;

#[cache(ttl = "30")]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
