use cachekit::cache;

#[cache(companion = user)]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
