use cachekit::cache;

#[cache(key = "{id}:{id}")]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
