use cachekit::cache;

#[cache(backend = [])]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
