use cachekit::cache;

#[cache(backend = "memroy")]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
