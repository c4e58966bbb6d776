use cachekit::cache;

#[cache(tags = [""])]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
