use cachekit::{backend::MemoryBytes, cache};
use std::sync::LazyLock;

static BYTES: LazyLock<MemoryBytes> = LazyLock::new(MemoryBytes::new);

#[derive(Clone)]
struct User {
    id: u64,
}

#[cache(backend = BYTES, codec = "postcard")]
fn user(id: u64) -> Result<User, String> {
    Ok(User { id })
}

fn main() {}
