use cachekit::cache;

#[cache(none = true)]
fn user(id: u64) -> Option<u64> {
    Some(id)
}

fn main() {}
