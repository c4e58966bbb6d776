//! The counters of one cache.
//!
//! A hit must not write what other threads write. Each of the first [`EXCLUSIVE`] threads has a cell to itself (4 KiB per cache), in which adding one is a load and
//! a store; all further threads share one more cell, atomically. Everything that is not a hit costs far more than one contended addition.

use std::sync::atomic::{AtomicU64, Ordering};

use super::histogram::Histogram;
use super::snapshot::{Bypasses, Misses, Refusals, Removals, Stats, Takeovers};
use crate::stripe::{EXCLUSIVE, known_thread_index, thread_index};

/// Why a look found nothing usable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Miss {
    Absent,
    Expired,
    Invalidated,
    Unsure,
}

/// What had happened to the leader that a follower replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Takeover {
    Dropped,
    Panicked,
    Stalled,
}

/// Why a call ran its loader beside the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bypass {
    /// `bypass_if` said so; counted instead of a look.
    Asked,
    /// The cache is switched off; counted instead of a look.
    Disabled,
    /// The call would have waited for itself; it was counted as a miss before.
    Cycle,
    /// A sync caller met an async leader on a runtime's thread; it was counted as a miss before.
    SyncBesideAsync,
    /// A follower whose leader got an error that cannot be cloned; it was counted as a miss before.
    Released,
}

/// How a load that had been counted by [`Counters::load_started`] ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LoadEnd {
    Value,
    Error,
    Panic,
    Timeout,
    /// The caller was dropped; its time tells nothing about the loader and is not recorded.
    Cancelled,
}

/// Why a loaded value was not stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    NotCacheable,
    Invalidated,
    /// It weighs more than the whole cache may.
    TooHeavy,
}

#[derive(Debug, Default)]
#[repr(align(64))]
struct Stripe {
    hits: AtomicU64,
    stale_hits: AtomicU64,
    absent: AtomicU64,
    loads: AtomicU64,
    evicted: AtomicU64,
    replaced: AtomicU64,
}

/// Monotonic counters of one cache.
#[derive(Debug)]
pub(crate) struct Counters {
    stripes: [Stripe; EXCLUSIVE + 1],
    rare: Box<Rare>,
}

#[derive(Debug, Default)]
struct Rare {
    expired: Count,
    invalidated: Count,
    unsure: Count,
    joins: Count,
    leader_dropped: Count,
    leader_panicked: Count,
    leader_stalled: Count,
    asked: Count,
    disabled: Count,
    cycle: Count,
    sync_beside_async: Count,
    released: Count,
    load_errors: Count,
    load_panics: Count,
    load_timeouts: Count,
    load_cancels: Count,
    refreshes: Count,
    not_cacheable: Count,
    invalidated_during_load: Count,
    too_heavy: Count,
    removed_expired: Count,
    removed_invalidated: Count,
    over_limit: Count,
    stale_instead: Count,
    batches: Count,
    load_time: Histogram,
}

/// Ordered, so that a snapshot that reads a part before its whole never shows a part that is larger.
#[derive(Debug, Default)]
struct Count(AtomicU64);

impl Count {
    fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Release);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }
}

/// Exact without an atomic addition: no other thread has the index of this cell.
#[inline(always)]
fn add(count: &AtomicU64, more: u64) {
    count.store(count.load(Ordering::Relaxed).wrapping_add(more), Ordering::Relaxed);
}

impl Counters {
    pub(crate) fn new() -> Self {
        Self { stripes: std::array::from_fn(|_| Stripe::default()), rare: Box::default() }
    }

    /// A call got a fresh value at its look.
    #[inline]
    pub(crate) fn hit(&self) {
        self.count_striped(|stripe| &stripe.hits);
    }

    /// As [`Self::hit`], of the thread with that index, which has a cell of its own. Without the statistics (`--cfg cachekit_no_statistics`), what they cost is
    /// measured: `cargo xtask hit-cost`.
    #[inline(always)]
    pub(crate) fn hit_of(&self, thread: usize) {
        if cfg!(cachekit_no_statistics) {
            return;
        }
        add(&self.stripes[thread % EXCLUSIVE].hits, 1);
    }

    /// A call got a value past its ttl, within an allowance.
    #[inline]
    pub(crate) fn stale_hit(&self) {
        self.count_striped(|stripe| &stripe.stale_hits);
    }

    #[inline]
    fn count_striped(&self, field: impl FnOnce(&Stripe) -> &AtomicU64) {
        self.count_in(known_thread_index(), 1, field);
    }

    #[inline(always)]
    fn count_in(&self, index: usize, count: u64, field: impl FnOnce(&Stripe) -> &AtomicU64) {
        if index < EXCLUSIVE {
            add(field(&self.stripes[index]), count);
        } else {
            self.count_elsewhere(count, field);
        }
    }

    /// The first time that this thread counts, and for threads without a cell.
    #[cold]
    #[inline(never)]
    fn count_elsewhere(&self, count: u64, field: impl FnOnce(&Stripe) -> &AtomicU64) {
        // Atomically also in a cell that is this thread's alone: it is the first time only.
        field(&self.stripes[thread_index().min(EXCLUSIVE)]).fetch_add(count, Ordering::Relaxed);
    }

    /// A call found nothing at its look, whether it then leads, joins or runs alone.
    pub(crate) fn miss(&self, why: Miss) {
        let rare = &self.rare;
        match why {
            Miss::Absent => self.count_striped(|stripe| &stripe.absent),
            Miss::Expired => rare.expired.add(1),
            Miss::Invalidated => rare.invalidated.add(1),
            Miss::Unsure => rare.unsure.add(1),
        }
    }

    /// A call that was counted as a miss became a follower. Once per call.
    pub(crate) fn join(&self) {
        self.rare.joins.add(1);
    }

    /// A follower became the leader.
    pub(crate) fn takeover(&self, after: Takeover) {
        let rare = &self.rare;
        match after {
            Takeover::Dropped => rare.leader_dropped.add(1),
            Takeover::Panicked => rare.leader_panicked.add(1),
            Takeover::Stalled => rare.leader_stalled.add(1),
        }
    }

    /// A call runs beside the cache.
    pub(crate) fn bypass(&self, why: Bypass) {
        let rare = &self.rare;
        match why {
            Bypass::Asked => rare.asked.add(1),
            Bypass::Disabled => rare.disabled.add(1),
            Bypass::Cycle => rare.cycle.add(1),
            Bypass::SyncBesideAsync => rare.sync_beside_async.add(1),
            Bypass::Released => rare.released.add(1),
        }
    }

    /// A loader begins, of a leader, a bypass or a refresh.
    pub(crate) fn load_started(&self) {
        self.count_striped(|stripe| &stripe.loads);
    }

    /// A batch function runs, for elements that are counted as loads one by one.
    pub(crate) fn batch(&self) {
        self.rare.batches.add(1);
    }

    /// A loader that [`load_started`](Self::load_started) counted has ended after `nanos` nanoseconds.
    pub(crate) fn load_ended(&self, end: LoadEnd, nanos: u64) {
        let rare = &self.rare;
        match end {
            LoadEnd::Value => {}
            LoadEnd::Error => rare.load_errors.add(1),
            LoadEnd::Panic => rare.load_panics.add(1),
            LoadEnd::Timeout => rare.load_timeouts.add(1),
            LoadEnd::Cancelled => return rare.load_cancels.add(1),
        }
        rare.load_time.record(nanos);
    }

    /// A refresh has been started.
    pub(crate) fn refresh(&self) {
        self.rare.refreshes.add(1);
    }

    /// A stale value answers a miss whose load failed, or took too long.
    pub(crate) fn stale_instead(&self) {
        self.rare.stale_instead.add(1);
    }

    /// A loaded value is not stored.
    pub(crate) fn store_refused(&self, why: Refusal) {
        match why {
            Refusal::NotCacheable => self.rare.not_cacheable.add(1),
            Refusal::Invalidated => self.rare.invalidated_during_load.add(1),
            Refusal::TooHeavy => self.rare.too_heavy.add(1),
        }
    }

    /// The policy removed so many entries.
    #[inline]
    pub(crate) fn evicted(&self, count: u64) {
        self.count_in(known_thread_index(), count, |stripe| &stripe.evicted);
    }

    /// Time removed `count` entries.
    pub(crate) fn expired(&self, count: u64) {
        self.rare.removed_expired.add(count);
    }

    /// Callers removed `count` entries.
    pub(crate) fn invalidated(&self, count: u64) {
        self.rare.removed_invalidated.add(count);
    }

    /// A new value took the place of one.
    pub(crate) fn replaced(&self) {
        self.count_striped(|stripe| &stripe.replaced);
    }

    /// A nested load ran over `max_loads`, because waiting for a turn could have been for ever.
    pub(crate) fn over_limit(&self) {
        self.rare.over_limit.add(1);
    }

    /// What has been counted so far. `entries`, `weight` and `capacity` are the caller's to fill in.
    ///
    /// Counters that change meanwhile may be seen before or after their change, but parts (joins, ends of loads) never exceed their wholes.
    pub(crate) fn snapshot(&self) -> Stats {
        let rare = &self.rare;
        // Parts first: what is read later can only have grown.
        let load_time = rare.load_time.snapshot();
        let [load_errors, load_panics, load_timeouts, load_cancels] =
            [&rare.load_errors, &rare.load_panics, &rare.load_timeouts, &rare.load_cancels].map(Count::get);
        let sum = |field: fn(&Stripe) -> &AtomicU64| {
            self.stripes.iter().map(|stripe| field(stripe).load(Ordering::Relaxed)).fold(0, u64::wrapping_add)
        };
        let loads = sum(|stripe| &stripe.loads);
        let takeovers = Takeovers {
            after_drop: rare.leader_dropped.get(),
            after_panic: rare.leader_panicked.get(),
            after_stall: rare.leader_stalled.get(),
        };
        let (joins, batches, stale_instead) = (rare.joins.get(), rare.batches.get(), rare.stale_instead.get());
        let bypasses = Bypasses {
            cycle: rare.cycle.get(),
            sync_beside_async: rare.sync_beside_async.get(),
            released: rare.released.get(),
            asked: rare.asked.get(),
            disabled: rare.disabled.get(),
        };
        Stats {
            hits: sum(|stripe| &stripe.hits),
            stale_hits: sum(|stripe| &stripe.stale_hits),
            misses: Misses {
                absent: sum(|stripe| &stripe.absent),
                expired: rare.expired.get(),
                invalidated: rare.invalidated.get(),
                unsure: rare.unsure.get(),
            },
            joins,
            stale_instead,
            takeovers,
            bypasses,
            loads,
            batches,
            load_errors,
            load_panics,
            load_timeouts,
            load_cancels,
            load_time,
            over_limit: rare.over_limit.get(),
            refreshes: rare.refreshes.get(),
            refusals: Refusals {
                not_cacheable: rare.not_cacheable.get(),
                invalidated: rare.invalidated_during_load.get(),
                too_heavy: rare.too_heavy.get(),
            },
            removals: Removals {
                evicted: sum(|stripe| &stripe.evicted),
                expired: rare.removed_expired.get(),
                invalidated: rare.removed_invalidated.get(),
                replaced: sum(|stripe| &stripe.replaced),
            },
            entries: 0,
            weight: 0,
            capacity: None,
            far: super::FarStats::default(),
        }
    }
}

impl Default for Counters {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Barrier;
    use std::sync::atomic::AtomicBool;
    use std::thread;
    use std::time::Duration;

    #[test]
    fn more_threads_than_stripes_count_exactly() {
        const THREADS: usize = 128;
        let (counters, barrier) = (Counters::new(), Barrier::new(THREADS));
        // Twice, so that the second half inherits the stripes of threads that have ended.
        for _ in 0..2 {
            thread::scope(|scope| {
                for _ in 0..THREADS {
                    scope.spawn(|| {
                        // Takes the index; from the barrier on all threads hold one.
                        counters.hit();
                        barrier.wait();
                        (1..5_000).for_each(|_| counters.hit());
                        (0..1_000).for_each(|_| counters.stale_hit());
                        counters.miss(Miss::Absent);
                        counters.bypass(Bypass::Asked);
                    });
                }
            });
        }
        let stats = counters.snapshot();
        let threads = 2 * THREADS as u64;
        assert_eq!((stats.hits, stats.stale_hits), (threads * 5_000, threads * 1_000));
        assert_eq!(stats.calls(), threads * 6_002);
        let shared = &counters.stripes[EXCLUSIVE];
        assert!(shared.hits.load(Ordering::Relaxed) >= 2 * 64 * 4_999, "at least half of the threads share");
    }

    #[test]
    fn cells_do_not_share_cache_lines() {
        assert_eq!((align_of::<Stripe>(), size_of::<Stripe>()), (64, 64));
    }

    #[test]
    fn a_snapshot_while_counting_is_monotonic_and_has_no_part_above_its_whole() {
        let (counters, stop) = (Counters::new(), AtomicBool::new(false));
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while !stop.load(Ordering::Relaxed) {
                        counters.hit();
                        counters.miss(Miss::Expired);
                        counters.join();
                        counters.load_started();
                        counters.load_ended(LoadEnd::Error, 5_000);
                    }
                });
            }
            let mut last = counters.snapshot();
            for _ in 0..2_000 {
                let stats = counters.snapshot();
                assert!(stats.hits >= last.hits && stats.calls() >= last.calls());
                assert!(stats.joins <= stats.misses.total());
                assert!(stats.load_errors <= stats.loads && stats.load_time.count() <= stats.loads);
                last = stats;
            }
            stop.store(true, Ordering::Relaxed);
        });
    }

    #[test]
    fn every_counter_is_its_own() {
        let counters = Counters::new();
        assert_eq!(counters.snapshot(), Stats::default());
        [Miss::Absent, Miss::Expired, Miss::Expired, Miss::Invalidated, Miss::Unsure]
            .into_iter()
            .for_each(|why| counters.miss(why));
        counters.join();
        [Takeover::Dropped, Takeover::Panicked, Takeover::Panicked, Takeover::Stalled]
            .into_iter()
            .for_each(|after| counters.takeover(after));
        [Bypass::Asked, Bypass::Disabled, Bypass::Disabled, Bypass::Cycle, Bypass::SyncBesideAsync, Bypass::Released]
            .into_iter()
            .for_each(|why| counters.bypass(why));
        for end in [LoadEnd::Value, LoadEnd::Error, LoadEnd::Panic, LoadEnd::Timeout, LoadEnd::Cancelled] {
            counters.load_started();
            counters.load_ended(end, 2_000_000);
        }
        counters.refresh();
        [Refusal::NotCacheable, Refusal::Invalidated, Refusal::Invalidated]
            .into_iter()
            .for_each(|why| counters.store_refused(why));
        (0..2).for_each(|_| counters.evicted(1));
        counters.expired(3);
        counters.invalidated(4);
        counters.replaced();
        counters.over_limit();

        let stats = counters.snapshot();
        assert_eq!(stats.misses, Misses { absent: 1, expired: 2, invalidated: 1, unsure: 1 });
        assert_eq!(stats.takeovers, Takeovers { after_drop: 1, after_panic: 2, after_stall: 1 });
        let bypasses = Bypasses { asked: 1, disabled: 2, cycle: 1, sync_beside_async: 1, released: 1 };
        assert_eq!(stats.bypasses, bypasses);
        assert_eq!(stats.calls(), 5 + 3, "a bypass after a miss is not a second call");
        assert_eq!((stats.loads, stats.load_errors, stats.load_panics), (5, 1, 1));
        assert_eq!((stats.load_timeouts, stats.load_cancels, stats.joins), (1, 1, 1));
        assert_eq!((stats.load_time.count(), stats.load_time.mean()), (4, Duration::from_millis(2)));
        assert_eq!(stats.refusals, Refusals { not_cacheable: 1, invalidated: 2, too_heavy: 0 });
        assert_eq!(stats.removals, Removals { evicted: 2, expired: 3, invalidated: 4, replaced: 1 });
        assert_eq!((stats.refreshes, stats.over_limit), (1, 1));
    }
}
