use cachekit::cache;

#[cache(key = (id,))]
fn user(id: u64, b: u64) -> u64 {
    id + b
}

fn main() {}
