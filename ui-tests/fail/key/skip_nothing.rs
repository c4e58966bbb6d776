use cachekit::cache;

#[cache(skip())]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
