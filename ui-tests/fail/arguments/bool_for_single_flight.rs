use cachekit::cache;

#[cache(single_flight = "off")]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
