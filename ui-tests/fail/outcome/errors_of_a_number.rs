use cachekit::cache;

#[cache(errors = "5s")]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
