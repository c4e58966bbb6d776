use cachekit::{backend::MemoryBytes, cache};
use std::sync::LazyLock;

static BYTES: LazyLock<MemoryBytes> = LazyLock::new(MemoryBytes::new);

struct NoBackend;

#[cache(backend = NoBackend)]
fn user(id: u64) -> u64 {
    id
}

#[cache(backend = ["memory", std::sync::Arc::new(7)])]
fn post(id: u64) -> u64 {
    let _ = &BYTES;
    id
}

fn main() {}
