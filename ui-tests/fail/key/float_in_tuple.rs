use cachekit::cache;

#[cache]
fn area(size: (f64, u64)) -> u64 {
    size.0 as u64 * size.1
}

fn main() {}
