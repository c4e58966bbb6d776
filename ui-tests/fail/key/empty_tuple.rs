use cachekit::cache;

#[cache(key = ())]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
