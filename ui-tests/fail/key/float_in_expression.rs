use cachekit::cache;

#[cache(key = (x, id))]
fn scale(x: f32, id: u64) -> u64 {
    (x as u64) * id
}

fn main() {}
