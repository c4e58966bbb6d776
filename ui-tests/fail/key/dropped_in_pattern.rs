use cachekit::cache;

#[cache(key = x)]
fn user((x, y): (u64, u64)) -> u64 {
    x + y
}

fn main() {}
