use cachekit::cache;

#[cache(backend = "redis", lock = "10s", single_flight = false)]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
