use cachekit::cache;

#[cache(backend = "redis")]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
