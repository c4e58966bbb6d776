use cachekit::cache;

#[cache(capacity = -1)]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
