use cachekit::cache;

#[cache(backend = ["memory", "redis"], ttl = "30s", near_ttl = "1m")]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
