use cachekit::cache;

#[cache]
fn square(x: f64) -> u64 {
    (x * x) as u64
}

fn main() {}
