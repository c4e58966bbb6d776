use cachekit::cache;

#[cache(force_refresh = { id == 0 })]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
