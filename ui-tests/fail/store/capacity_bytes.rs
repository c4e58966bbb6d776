use cachekit::cache;

#[cache(capacity = "64MiB")]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
