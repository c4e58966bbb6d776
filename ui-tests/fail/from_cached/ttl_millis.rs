use cachekit::cache;

#[cache(ttl_millis = 500)]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
