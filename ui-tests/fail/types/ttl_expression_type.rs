use cachekit::cache;

const TTL: u64 = 30;

#[cache(ttl = TTL)]
fn user(id: u64) -> u64 {
    id
}

fn main() {
    user(1);
}
