use cachekit::cache;

#[cache(codec = "json")]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
