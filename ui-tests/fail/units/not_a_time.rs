use cachekit::cache;

#[cache(ttl = "soon")]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
