use cachekit::cache;

#[cache(
    backend = "redis",
    strategy = "lru",
    capacity = 100,
    hasher = std::hash::RandomState,
    idle = "1m",
    on_removal = removed,
    near_ttl = "5s"
)]
fn user(id: u64) -> u64 {
    id
}

#[cache(backend = ["file", "redis"], max_bytes = "64MiB", weigher = weigh)]
fn page(id: u64) -> String {
    id.to_string()
}

fn main() {}
