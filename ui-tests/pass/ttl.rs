//! Three forms of ttl.
use cachekit::cache;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

static COMPUTED: AtomicU64 = AtomicU64::new(0);

fn computed() -> u64 {
    COMPUTED.fetch_add(1, SeqCst) + 1
}

use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);

#[cache(ttl = "30s")]
fn literal() -> u64 {
    computed()
}

#[cache(ttl = HOUR * 2)]
fn expression() -> u64 {
    computed()
}

#[cache(ttl = |value: &u64| Duration::from_secs(*value))]
fn by_value(seconds: u64) -> u64 {
    computed();
    seconds
}

fn main() {
    let scope = cachekit::testing::scope();
    assert_eq!((literal(), expression()), (1, 2));
    scope.advance(Duration::from_secs(29));
    assert_eq!(literal(), 1);
    scope.advance(Duration::from_secs(2));
    assert_eq!((literal(), expression()), (3, 2));
    scope.advance(HOUR * 2);
    assert_eq!(expression(), 4);
    (by_value(10), by_value(1000));
    scope.advance(Duration::from_secs(20));
    (by_value(10), by_value(1000));
    assert_eq!(COMPUTED.load(SeqCst), 7);
}
