use cachekit::cache;

#[cache(ttl = "30s", refresh_ahead = "20s")]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
