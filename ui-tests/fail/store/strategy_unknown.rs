use cachekit::cache;

#[cache(strategy = "random")]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
