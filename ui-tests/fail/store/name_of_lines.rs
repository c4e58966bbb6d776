use cachekit::cache;

#[cache(name = "users\nby id")]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
