use cachekit::cache;

#[cache(companion = "users")]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
