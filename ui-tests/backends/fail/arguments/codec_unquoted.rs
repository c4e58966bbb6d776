use cachekit::cache;

#[cache(backend = "redis", codec = postcard)]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
