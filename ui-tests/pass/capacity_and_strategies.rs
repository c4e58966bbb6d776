//! Bounds and strategies, own policies by path included in the builder.
use cachekit::cache;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

static COMPUTED: AtomicU64 = AtomicU64::new(0);

fn computed() -> u64 {
    COMPUTED.fetch_add(1, SeqCst) + 1
}

#[cache(strategy = "lru", capacity = 2)]
fn lru(id: u64) -> u64 {
    computed() + id
}

const SIZE: usize = 3;

#[cache(strategy = "s3-fifo")]
fn s3_fifo(id: u64) -> u64 {
    computed() + id
}

#[cache(strategy = "fifo", capacity = SIZE + 1)]
fn fifo(id: u64) -> u64 {
    computed() + id
}

#[cache(capacity = "unbounded")]
fn unbounded(id: u64) -> u64 {
    computed() + id
}

fn main() {
    for id in 0..100 {
        (lru(id), fifo(id), s3_fifo(id), unbounded(id));
    }
    assert_eq!((lru::cache().len(), fifo::cache().len(), unbounded::cache().len()), (2, 4, 100));
    assert!(lru::get(99).is_some() && lru::get(98).is_some());
}
