use cachekit::cache;

#[cache(ttl = "30s", refresh = "inline")]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
