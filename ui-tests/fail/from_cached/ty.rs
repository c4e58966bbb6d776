use cachekit::cache;

#[cache(ty = "SizedCache<u64, u64>")]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
