use cachekit::cache;

#[cache(backend = ["memory", "disk"])]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
