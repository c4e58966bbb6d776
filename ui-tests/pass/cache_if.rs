//! Only what is worth it is stored.
use cachekit::cache;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

static COMPUTED: AtomicU64 = AtomicU64::new(0);

fn computed() -> u64 {
    COMPUTED.fetch_add(1, SeqCst) + 1
}

fn is_even(value: &u64) -> bool {
    value % 2 == 0
}

#[cache(cache_if = |value| *value > 10)]
fn big(id: u64) -> u64 {
    computed();
    id
}

#[cache(cache_if = is_even)]
fn even(id: u64) -> Result<u64, String> {
    computed();
    Ok(id)
}

fn main() {
    (big(1), big(1), big(11), big(11));
    assert_eq!(COMPUTED.load(SeqCst), 3);
    assert_eq!((even(1), even(1), even(2), even(2)), (Ok(1), Ok(1), Ok(2), Ok(2)));
    assert_eq!(COMPUTED.load(SeqCst), 6);
}
