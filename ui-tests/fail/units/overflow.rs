use cachekit::cache;

#[cache(ttl = "1000 years")]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
