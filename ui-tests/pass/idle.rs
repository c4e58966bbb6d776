//! Time since last use.
use cachekit::cache;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

static COMPUTED: AtomicU64 = AtomicU64::new(0);

fn computed() -> u64 {
    COMPUTED.fetch_add(1, SeqCst) + 1
}

use std::time::Duration;

#[cache(idle = "10s")]
fn value() -> u64 {
    computed()
}

fn main() {
    let scope = cachekit::testing::scope();
    for _ in 0..5 {
        assert_eq!(value(), 1);
        scope.advance(Duration::from_secs(6));
    }
    scope.advance(Duration::from_secs(11));
    assert_eq!(value(), 2);
}
