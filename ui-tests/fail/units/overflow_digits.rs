use cachekit::cache;

#[cache(ttl = "99999999999999999999s")]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
