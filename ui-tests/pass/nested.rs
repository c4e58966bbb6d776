//! Functions in functions, also in generic ones, with the same name.
use cachekit::cache;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

static COMPUTED: AtomicU64 = AtomicU64::new(0);

fn computed() -> u64 {
    COMPUTED.fetch_add(1, SeqCst) + 1
}

fn outer<T>(id: u64) -> u64 {
    #[cache]
    fn inner(id: u64) -> u64 {
        computed() + id
    }
    inner(id)
}

fn other(id: u64) -> u64 {
    fn helper() -> u64 {
        computed()
    }
    #[cache]
    fn inner(id: u64) -> u64 {
        helper() + id
    }
    inner::get(id).unwrap_or_default() + inner(id)
}

fn main() {
    assert_eq!((outer::<u8>(1), outer::<u16>(1)), (2, 2));
    assert_eq!((other(1), other(1)), (3, 6));
}
