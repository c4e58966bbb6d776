use cachekit::cache;

#[cache(backend = "redis://:secret@localhost:6379")]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
