use cachekit::cache;

#[cache]
extern "C" fn twice(id: u64) -> u64 {
    id * 2
}

fn main() {}
