use cachekit::cache;

#[cache(capacity = "10_000")]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
