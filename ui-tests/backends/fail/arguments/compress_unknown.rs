use cachekit::cache;

#[cache(backend = "redis", compress = "zstd")]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
