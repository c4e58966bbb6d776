use cachekit::cache;

#[cache(option = true)]
fn user(id: u64) -> Option<u64> {
    Some(id)
}

fn main() {}
