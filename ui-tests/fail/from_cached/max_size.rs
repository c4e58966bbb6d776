use cachekit::cache;

#[cache(max_size = 100)]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
