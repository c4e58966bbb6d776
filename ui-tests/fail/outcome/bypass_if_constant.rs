use cachekit::cache;

#[cache(bypass_if = true)]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
