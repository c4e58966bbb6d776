//! None is stored like any value, for a while, or not at all.
use cachekit::cache;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

static COMPUTED: AtomicU64 = AtomicU64::new(0);

fn computed() -> u64 {
    COMPUTED.fetch_add(1, SeqCst) + 1
}

use std::time::Duration;

#[cache]
fn stored(id: u64) -> Option<u64> {
    computed();
    (id > 0).then_some(id)
}

#[cache(none = false)]
fn not_stored(id: u64) -> Option<u64> {
    computed();
    (id > 0).then_some(id)
}

#[cache(none = "1s", ttl = "1h")]
fn briefly(id: u64) -> Result<Option<u64>, String> {
    computed();
    Ok((id > 0).then_some(id))
}

// The defaults, said aloud.
#[cache(none = true, single_flight = true, backend = "memory")]
fn said(id: u64) -> Option<u64> {
    id.checked_sub(computed())
}

fn main() {
    assert_eq!((said(0), said(0)), (None, None));
    assert_eq!((said::get(0), said::stats().entries), (Some(None), 1));
    COMPUTED.store(0, SeqCst);
    let scope = cachekit::testing::scope();
    assert_eq!((stored(0), stored(0), stored::get(0)), (None, None, Some(None)));
    assert_eq!(COMPUTED.load(SeqCst), 1);
    assert_eq!((not_stored(0), not_stored(0)), (None, None));
    assert_eq!(COMPUTED.load(SeqCst), 3);
    assert_eq!((briefly(0), briefly(0)), (Ok(None), Ok(None)));
    assert_eq!(COMPUTED.load(SeqCst), 4);
    scope.advance(Duration::from_secs(2));
    assert_eq!(briefly(0), Ok(None));
    assert_eq!(COMPUTED.load(SeqCst), 5);
}
