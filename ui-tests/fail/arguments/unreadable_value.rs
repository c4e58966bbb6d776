use cachekit::cache;

#[cache(ttl = %, capacity = 10)]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
