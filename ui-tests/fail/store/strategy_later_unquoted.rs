use cachekit::cache;

#[cache(strategy = sieve)]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
