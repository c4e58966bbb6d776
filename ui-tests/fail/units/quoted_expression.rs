use cachekit::cache;

#[cache(ttl = "Duration::from_secs(30)")]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
