use cachekit::cache;

#[cache(backend = "redis", codec = "bson")]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
