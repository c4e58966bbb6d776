use cachekit::{backend::MemoryBytes, cache};
use std::sync::LazyLock;

static BYTES: LazyLock<MemoryBytes> = LazyLock::new(MemoryBytes::new);

// Neither can it be cached nor stored in a backend: each is said once.
struct User {
    id: u64,
}

#[cache(backend = BYTES)]
fn user(id: u64) -> User {
    User { id }
}

fn main() {}
