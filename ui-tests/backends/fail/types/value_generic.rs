use cachekit::{backend::MemoryBytes, cache};
use std::sync::LazyLock;

static BYTES: LazyLock<MemoryBytes> = LazyLock::new(MemoryBytes::new);

#[cache(backend = BYTES, name = "first")]
fn first<T: cachekit::Key + serde::Serialize>(values: Vec<T>) -> Option<T> {
    values.into_iter().next()
}

fn main() {
    first(vec![1]);
}
