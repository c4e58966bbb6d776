use cachekit::{backend::MemoryBytes, cache};
use std::sync::LazyLock;

static BYTES: LazyLock<MemoryBytes> = LazyLock::new(MemoryBytes::new);

// Neither a key nor `Serialize`: the first is said, and once.
struct Id(u64);

#[cache(backend = BYTES)]
fn user(id: Id) -> u64 {
    id.0
}

fn main() {}
