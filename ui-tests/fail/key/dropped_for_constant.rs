use cachekit::cache;

const TENANT: u64 = 1;

#[cache(key = TENANT)]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
