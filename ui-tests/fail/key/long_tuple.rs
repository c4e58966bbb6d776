use cachekit::cache;

#[cache]
fn sum(parts: &[(u8, u8, u8, u8, u8, u8, &str)]) -> usize {
    parts.len()
}

fn main() {}
