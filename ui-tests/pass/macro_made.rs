//! Functions that macro_rules! makes, names given or not.
use cachekit::cache;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

static COMPUTED: AtomicU64 = AtomicU64::new(0);

fn computed() -> u64 {
    COMPUTED.fetch_add(1, SeqCst) + 1
}

macro_rules! given {
    ($name:ident, $arg:ident: $type:ty, $body:expr) => {
        #[cache]
        fn $name($arg: $type) -> $type {
            computed();
            $body
        }
    };
}

macro_rules! fixed {
    () => {
        #[cache(key = (id % 2,))]
        fn fixed(id: u64) -> u64 {
            computed() + id
        }
    };
}

given!(double, x: u32, x * 2);
fixed!();

fn main() {
    assert_eq!((double(2), double(2)), (4, 4));
    assert_eq!(double::get(2), Some(4));
    assert_eq!((fixed(1), fixed(3)), (3, 3));
}
