use cachekit::cache;

#[cache(key = "{x}")]
fn square(x: f64) -> u64 {
    (x * x) as u64
}

fn main() {}
