use cachekit::{backend::MemoryBytes, cache};
use std::sync::LazyLock;

static BYTES: LazyLock<MemoryBytes> = LazyLock::new(MemoryBytes::new);

#[derive(Default)]
struct NoCodec;

#[cache(backend = BYTES, codec = NoCodec)]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
