//! The companion is visible as far as the function, and comes with it by one `use`.
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

static COMPUTED: AtomicU64 = AtomicU64::new(0);

fn computed() -> u64 {
    COMPUTED.fetch_add(1, SeqCst) + 1
}

mod inner {
    #[cachekit::cache]
    pub(super) fn near(id: u64) -> u64 {
        super::computed() + id
    }
    #[cachekit::cache]
    pub(in crate::inner) fn own(id: u64) -> u64 {
        super::computed() + id
    }
    pub fn through(id: u64) -> (u64, Option<u64>) {
        (own(id), own::get(id))
    }
}

use inner::near;

fn main() {
    assert_eq!((near(1), near::get(1)), (2, Some(2)));
    assert_eq!(inner::through(1), (3, Some(3)));
}
