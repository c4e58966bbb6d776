use cachekit::cache;

#[cache(key = "{id}", skip(id))]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
