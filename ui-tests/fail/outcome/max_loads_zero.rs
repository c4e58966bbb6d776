use cachekit::cache;

#[cache(max_loads = 0)]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
