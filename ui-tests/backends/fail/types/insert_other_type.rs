use cachekit::{backend::MemoryBytes, cache};
use std::sync::LazyLock;

static BYTES: LazyLock<MemoryBytes> = LazyLock::new(MemoryBytes::new);

#[cache(backend = BYTES)]
async fn user(id: u64) -> String {
    id.to_string()
}

async fn put() {
    user::insert(1, 2).await;
    user::invalidate("1").await;
}

fn main() {
    let _ = put();
}
