use cachekit::cache;

#[cache(method = true)]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
