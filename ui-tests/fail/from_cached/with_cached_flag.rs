use cachekit::cache;

#[cache(with_cached_flag = true)]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
