use cachekit::cache;

#[cache(key = "{tenant}")]
fn user(id: u64, name: &str) -> u64 {
    id + name.len() as u64
}

fn main() {}
