use cachekit::cache;

#[cache(ttl = "5M", jitter = "10%", idle = "1h 30 M")]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
