use cachekit::cache;

#[cache(backend = "redis", codec = Hex::new())]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
