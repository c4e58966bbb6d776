use cachekit::cache;

#[cache(version = 99999999999999999999)]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
