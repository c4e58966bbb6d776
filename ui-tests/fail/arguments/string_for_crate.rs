use cachekit::cache;

#[cache(crate = "cachekit")]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
