//! No argument: one value.
use cachekit::cache;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

static COMPUTED: AtomicU64 = AtomicU64::new(0);

fn computed() -> u64 {
    COMPUTED.fetch_add(1, SeqCst) + 1
}

#[cache]
fn config() -> u64 {
    computed()
}

fn main() {
    assert_eq!((config(), config()), (1, 1));
    assert_eq!(config::get(), Some(1));
    config::invalidate();
    assert_eq!(config(), 2);
}
