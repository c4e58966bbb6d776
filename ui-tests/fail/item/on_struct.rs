use cachekit::cache;

#[cache]
struct User {
    id: u64,
}

fn main() {}
