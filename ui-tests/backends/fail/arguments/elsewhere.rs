use cachekit::{Cache, cache};
use std::sync::LazyLock;

static USERS: LazyLock<Cache<u64, u64>> = LazyLock::new(|| Cache::builder().build());

#[cache(cache = &USERS, backend = ["memory", "redis"], codec = "postcard", timeout = "100ms")]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
