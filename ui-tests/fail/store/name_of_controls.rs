use cachekit::cache;

#[cache(name = "\u{1}")]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
