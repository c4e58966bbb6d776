use cachekit::{backend::MemoryBytes, cache};
use std::sync::LazyLock;

static BYTES: LazyLock<MemoryBytes> = LazyLock::new(MemoryBytes::new);

#[cache(backend = ["memory", BYTES], near_ttl = 5 * 60)]
fn user(id: u64) -> u64 {
    id
}

#[cache(backend = ["memory", BYTES], near_ttl = |value: &u64| *value)]
fn post(id: u64) -> u64 {
    id
}

fn main() {}
