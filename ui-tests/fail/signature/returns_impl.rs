use cachekit::cache;

#[cache]
fn numbers(to: u64) -> impl Iterator<Item = u64> {
    0..to
}

fn main() {}
