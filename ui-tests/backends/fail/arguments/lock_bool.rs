use cachekit::cache;

#[cache(backend = "redis", lock = true)]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
