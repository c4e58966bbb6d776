use cachekit::{backend::MemoryBytes, cache};
use std::sync::LazyLock;

static BYTES: LazyLock<MemoryBytes> = LazyLock::new(MemoryBytes::new);

#[cache(backend = BYTES, codec = cachekit::codec::Raw)]
fn user(id: u64) -> Vec<u64> {
    vec![id]
}

fn main() {}
