use cachekit::{backend::MemoryBytes, cache};
use std::sync::LazyLock;

static BYTES: LazyLock<MemoryBytes> = LazyLock::new(MemoryBytes::new);

#[cache(backend = BYTES, name = "shown")]
fn shown<T: cachekit::Key + std::fmt::Debug>(value: T) -> String {
    format!("{value:?}")
}

struct Repo;

impl Repo {
    #[cache(method, backend = BYTES, name = "made", key = (key,))]
    fn made<K: cachekit::Key + std::fmt::Debug>(key: &K) -> String {
        format!("{key:?}")
    }
}

fn main() {
    shown(1);
}
