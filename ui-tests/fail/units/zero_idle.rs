use cachekit::cache;

#[cache(idle = "0s")]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
