use cachekit::cache;

#[cache(ttl = "30s", refresh_ahead = 0.8)]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
