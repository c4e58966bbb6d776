use cachekit::cache;

#[cache(capcity = 100)]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
