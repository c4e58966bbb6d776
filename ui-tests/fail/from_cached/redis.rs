use cachekit::cache;

#[cache(redis = true)]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
