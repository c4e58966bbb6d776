//! The facade under another name.
use cachekit::cache;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

static COMPUTED: AtomicU64 = AtomicU64::new(0);

fn computed() -> u64 {
    COMPUTED.fetch_add(1, SeqCst) + 1
}

mod vendored {
    pub use ::cachekit as caching;
}

#[cache(crate = crate::vendored::caching, ttl = "1s", tags = ["t"])]
fn user(id: u64) -> u64 {
    computed() + id
}

#[cachekit::invalidate(user(id), crate = vendored::caching)]
fn rename(id: u64) -> u64 {
    id
}

fn main() {
    assert_eq!((user(1), user(1)), (2, 2));
    rename(1);
    assert_eq!(user(1), 3);
}
