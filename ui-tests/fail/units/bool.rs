use cachekit::cache;

#[cache(ttl = true)]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
