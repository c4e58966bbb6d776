// A feature that is off hides no other mistake.
use cachekit::cache;

#[cache(backend = "file", lock = "10s", capacity = 10, tags = ["user:{id}"])]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
