use cachekit::cache;

#[cache(name = "")]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
