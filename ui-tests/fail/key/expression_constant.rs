use cachekit::cache;

#[cache(key = 1)]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
