use cachekit::cache;

#[cache]
const fn twice(id: u64) -> u64 {
    id * 2
}

fn main() {}
