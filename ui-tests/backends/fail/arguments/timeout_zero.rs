use cachekit::cache;

#[cache(backend = "redis", timeout = "0ms")]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
