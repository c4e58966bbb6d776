use cachekit::cache;

#[cache(time_refresh = true)]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
