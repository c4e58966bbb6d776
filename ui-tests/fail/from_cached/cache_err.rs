use cachekit::cache;

#[cache(cache_err = true)]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
