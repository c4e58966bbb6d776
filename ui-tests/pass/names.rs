//! Names and versions: by path and function, or as given.
use cachekit::cache;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

static COMPUTED: AtomicU64 = AtomicU64::new(0);

fn computed() -> u64 {
    COMPUTED.fetch_add(1, SeqCst) + 1
}

#[cache(name = "users", version = 3)]
fn named(id: u64) -> u64 {
    computed() + id
}

mod inner {
    #[cachekit::cache]
    pub fn by_path(id: u64) -> u64 {
        super::computed() + id
    }
}

fn main() {
    (named(1), inner::by_path(1));
    assert_eq!(named::cache().name(), "users");
    assert!(inner::by_path::cache().name().ends_with("::inner::by_path"));
}
