use cachekit::cache;

#[cache(capacity = 1e4)]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
