use cachekit::cache;

#[cache(backend = ["memory", "redis", "redis"])]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
