use cachekit::cache;

#[cache(companion = true)]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
