//! Attributes go where they belong: must_use to both, lints to the body, inline to the body.
#![deny(unused_variables, unused_must_use)]

use cachekit::cache;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

static COMPUTED: AtomicU64 = AtomicU64::new(0);

fn computed() -> u64 {
    COMPUTED.fetch_add(1, SeqCst) + 1
}

/// Documented.
#[cache]
#[must_use = "why else compute it"]
#[inline]
#[allow(unused_variables)]
fn user(id: u64) -> u64 {
    let unused = 1;
    computed() + id
}

#[cache]
#[expect(unused_variables)]
fn expecting(id: u64) -> u64 {
    let unused = 1;
    computed() + id
}

fn main() {
    assert_eq!((user(1), user(1), expecting(1)), (2, 2, 3));
}
