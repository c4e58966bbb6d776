use cachekit::cache;

#[cache]
fn square(x: Option<f32>) -> u64 {
    x.map_or(0, |x| (x * x) as u64)
}

fn main() {}
