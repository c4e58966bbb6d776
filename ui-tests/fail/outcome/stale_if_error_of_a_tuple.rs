use cachekit::cache;

#[cache(ttl = "30s", stale_if_error = "1h")]
fn pair(id: u64) -> (u64, u64) {
    (id, id)
}

fn main() {}
