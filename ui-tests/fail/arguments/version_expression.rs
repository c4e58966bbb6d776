use cachekit::cache;

const VERSION: u64 = 1;

#[cache(version = VERSION)]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
