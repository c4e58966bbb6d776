use cachekit::cache;

#[cache(key = "{0}")]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
