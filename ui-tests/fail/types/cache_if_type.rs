use cachekit::cache;

#[cache(cache_if = |value| value + 1)]
fn user(id: u64) -> u64 {
    id
}

fn main() {
    user(1);
}
