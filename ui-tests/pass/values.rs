//! Values of many kinds: text, closures behind an Arc.
use cachekit::cache;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

static COMPUTED: AtomicU64 = AtomicU64::new(0);

fn computed() -> u64 {
    COMPUTED.fetch_add(1, SeqCst) + 1
}

use std::sync::Arc;

#[cache]
fn text(id: u64) -> Arc<str> {
    computed();
    id.to_string().into()
}

#[cache]
fn callable(id: u64) -> Arc<dyn Fn(u64) -> u64 + Send + Sync> {
    computed();
    Arc::new(move |other| id + other)
}

fn main() {
    assert!(Arc::ptr_eq(&text(1), &text(1)));
    assert_eq!((callable(1)(2), callable(1)(3)), (3, 4));
    assert_eq!(COMPUTED.load(SeqCst), 2);
}
