use cachekit::cache;

#[cache(capacity = 100)]
fn settings() -> u64 {
    1
}

fn main() {}
