//! What a cache counts of its far tiers.

#[cfg(feature = "backend")]
use std::sync::atomic::{AtomicU64, Ordering};

/// What a cache has counted of the backends of bytes behind its memory. A call asks them after it has found nothing in memory, and so was counted as
/// a miss.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FarStats {
    /// Fresh values that one of them had; so many of the cache's misses loaded nothing.
    pub hits: u64,
    /// Looks at one of them that found nothing fresh.
    pub misses: u64,
    /// Looks and invalidations that failed, or took too long.
    pub errors: u64,
    /// Looks and invalidations that were left out: its breaker was open.
    pub skipped: u64,
    /// Entries that were none of this program's (corrupt, truncated, too large, of another key), which counted as missing and were removed.
    pub rejected: u64,
    /// Values that were stored.
    pub stores: u64,
    /// Values that were not stored because an invalidation had come in between.
    pub outdated: u64,
    /// Values that could not be stored.
    pub store_errors: u64,
    /// Calls that waited for the fill of another process.
    pub lock_waits: u64,
}

/// Monotonic. Beside a look at a backend an addition that others contend for is nothing.
#[cfg(feature = "backend")]
#[derive(Debug, Default)]
pub(crate) struct FarCounters {
    hits: AtomicU64,
    misses: AtomicU64,
    errors: AtomicU64,
    skipped: AtomicU64,
    rejected: AtomicU64,
    stores: AtomicU64,
    outdated: AtomicU64,
    store_errors: AtomicU64,
    lock_waits: AtomicU64,
}

#[cfg(feature = "backend")]
fn add(count: &AtomicU64) {
    count.fetch_add(1, Ordering::Relaxed);
}

#[cfg(feature = "backend")]
impl FarCounters {
    pub(crate) fn hit(&self) {
        add(&self.hits);
    }
    pub(crate) fn miss(&self) {
        add(&self.misses);
    }
    pub(crate) fn unanswered(&self, skipped: bool) {
        add(if skipped { &self.skipped } else { &self.errors });
    }
    pub(crate) fn rejected(&self) {
        add(&self.rejected);
    }
    pub(crate) fn stored(&self) {
        add(&self.stores);
    }
    pub(crate) fn outdated(&self) {
        add(&self.outdated);
    }
    pub(crate) fn store_failed(&self) {
        add(&self.store_errors);
    }
    pub(crate) fn lock_wait(&self) {
        add(&self.lock_waits);
    }

    pub(crate) fn snapshot(&self) -> FarStats {
        let get = |count: &AtomicU64| count.load(Ordering::Relaxed);
        FarStats {
            hits: get(&self.hits),
            misses: get(&self.misses),
            errors: get(&self.errors),
            skipped: get(&self.skipped),
            rejected: get(&self.rejected),
            stores: get(&self.stores),
            outdated: get(&self.outdated),
            store_errors: get(&self.store_errors),
            lock_waits: get(&self.lock_waits),
        }
    }
}
