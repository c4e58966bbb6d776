use cachekit::cache;

#[cache(version = "1")]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
