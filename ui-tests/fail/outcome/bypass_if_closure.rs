use cachekit::cache;

#[cache(bypass_if = |id| id == 0)]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
