use cachekit::cache;

#[cache(ttl = "30", capacity = 0)]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
