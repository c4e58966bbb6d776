//! What a cache counts of its far tiers.

#[cfg(feature = "backend")]
use crate::{envelope::Rejected, outcome::Tier};
#[cfg(feature = "backend")]
use std::sync::atomic::{AtomicU64, Ordering};

/// What a cache has counted of the backends of bytes behind its memory. A call asks them after it has found nothing in memory, and so was counted as
/// a miss.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FarStats {
    /// Values that one of them had, fresh or made stale by a tag; so many of the cache's misses loaded nothing.
    pub hits: u64,
    /// Those of them that the file store had.
    pub file_hits: u64,
    /// Those of them that Redis had.
    pub redis_hits: u64,
    /// Those of the hits that a tag had made stale, and that were given within what `stale_while_revalidate` allows.
    pub stale_hits: u64,
    /// Those of the stale ones that the file store had.
    pub file_stale_hits: u64,
    /// Those of the stale ones that Redis had.
    pub redis_stale_hits: u64,
    /// Looks at one of them that found nothing usable.
    pub misses: u64,
    /// Looks and invalidations that failed, or took too long.
    pub errors: u64,
    /// Looks and invalidations that were left out: its breaker was open.
    pub skipped: u64,
    /// Entries that were none of this program's (corrupt, truncated, too large, of another key), which counted as missing and were removed.
    pub rejected: u64,
    /// Those of them that were whole, and of another key, another codec or a later cachekit.
    pub other_shape: u64,
    /// Those of them that were larger than the configuration allows.
    pub oversized: u64,
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
    file_hits: AtomicU64,
    redis_hits: AtomicU64,
    stale_hits: AtomicU64,
    file_stale_hits: AtomicU64,
    redis_stale_hits: AtomicU64,
    misses: AtomicU64,
    errors: AtomicU64,
    skipped: AtomicU64,
    rejected: AtomicU64,
    other_shape: AtomicU64,
    oversized: AtomicU64,
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
    pub(crate) fn hit(&self, tier: Tier, is_stale: bool) {
        // The part after the whole: a snapshot reads it before.
        add(&self.hits);
        let of_tier = match tier {
            Tier::File => Some((&self.file_hits, &self.file_stale_hits)),
            Tier::Redis => Some((&self.redis_hits, &self.redis_stale_hits)),
            Tier::Memory | Tier::Own => None,
        };
        if let Some((all, _)) = of_tier {
            add(all);
        }
        if is_stale {
            add(&self.stale_hits);
            if let Some((_, stale)) = of_tier {
                add(stale);
            }
        }
    }
    pub(crate) fn miss(&self) {
        add(&self.misses);
    }
    pub(crate) fn unanswered(&self, skipped: bool) {
        add(if skipped { &self.skipped } else { &self.errors });
    }
    pub(crate) fn rejected(&self, rejected: &Rejected) {
        add(&self.rejected);
        match rejected {
            Rejected::OtherKey
            | Rejected::OtherCodec
            | Rejected::Compressed
            | Rejected::Undecodable(_)
            | Rejected::Future => add(&self.other_shape),
            Rejected::Oversized => add(&self.oversized),
            Rejected::Truncated | Rejected::Corrupt | Rejected::Foreign | Rejected::NoValue => {}
        }
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
        let [file_stale_hits, redis_stale_hits] = [&self.file_stale_hits, &self.redis_stale_hits].map(get);
        let [stale_hits, file_hits, redis_hits, other_shape, oversized] =
            [&self.stale_hits, &self.file_hits, &self.redis_hits, &self.other_shape, &self.oversized].map(get);
        FarStats {
            file_hits,
            redis_hits,
            stale_hits,
            file_stale_hits,
            redis_stale_hits,
            other_shape,
            oversized,
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
