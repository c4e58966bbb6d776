use cachekit::cache;

#[cache(unbound)]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
