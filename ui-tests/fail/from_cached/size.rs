use cachekit::cache;

#[cache(size = 100)]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
