use cachekit::{backend::MemoryBytes, cache};
use std::sync::LazyLock;

static BYTES: LazyLock<MemoryBytes> = LazyLock::new(MemoryBytes::new);

#[cache(backend = [BYTES, BYTES])]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
