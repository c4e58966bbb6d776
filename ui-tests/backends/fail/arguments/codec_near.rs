use cachekit::cache;

#[cache(backend = "redis", codec = "mesgpack")]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
