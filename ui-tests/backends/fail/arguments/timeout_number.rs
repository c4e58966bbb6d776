use cachekit::cache;

#[cache(backend = "redis", timeout = 250)]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
