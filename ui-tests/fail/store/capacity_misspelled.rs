use cachekit::cache;

#[cache(capacity = "unbound")]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
