//! A value past its ttl is better than an error, for a while.
use cachekit::cache;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

static COMPUTED: AtomicU64 = AtomicU64::new(0);

fn computed() -> u64 {
    COMPUTED.fetch_add(1, SeqCst) + 1
}

use std::time::Duration;

#[cache(ttl = "10s", stale_if_error = "1h")]
fn value() -> Result<u64, String> {
    let computed = computed();
    if computed == 1 { Ok(computed) } else { Err("down".into()) }
}

fn main() {
    let scope = cachekit::testing::scope();
    assert_eq!(value(), Ok(1));
    scope.advance(Duration::from_secs(60));
    assert_eq!(value(), Ok(1));
    assert_eq!(COMPUTED.load(SeqCst), 2);
    scope.advance(Duration::from_secs(7200));
    assert_eq!(value(), Err("down".into()));
}
