//! companion = another name, where the function's is taken in the type namespace.
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

static COMPUTED: AtomicU64 = AtomicU64::new(0);

fn computed() -> u64 {
    COMPUTED.fetch_add(1, SeqCst) + 1
}

#[allow(non_camel_case_types, dead_code)]
struct user;

mod inner {
    use super::computed;
    #[cachekit::cache(companion = users)]
    pub fn load(id: u64) -> u64 {
        computed() + id
    }
    pub mod load {}
}

use inner::{load, users};

fn main() {
    assert_eq!((load(1), load(1)), (2, 2));
    assert_eq!(users::get(1), Some(2));
}
