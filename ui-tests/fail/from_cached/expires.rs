use cachekit::cache;

#[cache(expires = true)]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
