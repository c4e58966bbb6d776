use cachekit::cache;

#[cache(method())]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
