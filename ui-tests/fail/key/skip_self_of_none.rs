use cachekit::cache;

#[cache(skip(self))]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
