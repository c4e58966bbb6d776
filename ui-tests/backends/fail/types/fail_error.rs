use cachekit::{backend::MemoryBytes, cache};
use std::sync::LazyLock;

static BYTES: LazyLock<MemoryBytes> = LazyLock::new(MemoryBytes::new);

#[derive(Clone)]
struct Failed;

#[cache(backend = BYTES, on_backend_error = "fail")]
async fn user(id: u64) -> Result<u64, Failed> {
    if id == 0 { Err(Failed) } else { Ok(id) }
}

fn main() {}
