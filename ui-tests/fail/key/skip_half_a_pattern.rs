use cachekit::cache;

#[cache(skip(a))]
fn add((a, b): (u64, u64)) -> u64 {
    a + b
}

fn main() {}
