use cachekit::cache;

#[cache(max_loads = "8")]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
