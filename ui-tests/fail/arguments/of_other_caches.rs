use cachekit::cache;

#[cache(time_to_live = "30s", maxsize = 100, lru)]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
