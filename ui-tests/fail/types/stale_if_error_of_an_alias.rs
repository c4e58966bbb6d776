use cachekit::cache;

type Answer = Vec<u64>;

#[cache(ttl = "1m", stale_if_error = "1h")]
fn find(id: u64) -> Answer {
    vec![id]
}

fn main() {
    find(1);
}
