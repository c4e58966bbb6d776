use cachekit::cache;

#[cache]
fn sum(xs: [f64; 3]) -> u64 {
    xs.iter().sum::<f64>() as u64
}

fn main() {}
