//! What can be changed while a cache is in use.

use super::{Cache, Core};
use crate::{
    key::Key,
    memory::Removed,
    output::Value,
    policy::Strategy,
    scope,
    sync::lock,
    time::{NEVER, Ticks, nanos},
};
use std::{
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

/// The ttl is that of the settings.
const AS_BUILT: u64 = NEVER - 1;

pub(crate) struct Live {
    is_enabled: AtomicBool,
    ttl: AtomicU64,
    strategy: Mutex<Strategy>,
    /// Set once entries carry times.
    is_timed: AtomicBool,
    ticks: Mutex<Option<Ticks>>,
}

impl Live {
    pub(super) fn new(strategy: Strategy) -> Self {
        Live {
            is_enabled: AtomicBool::new(true),
            ttl: AtomicU64::new(AS_BUILT),
            strategy: Mutex::new(strategy),
            is_timed: AtomicBool::new(false),
            ticks: Mutex::new(None),
        }
    }

    pub(crate) fn is_enabled(&self) -> bool {
        self.is_enabled.load(Ordering::Acquire)
    }

    #[inline]
    pub(super) fn is_timed(&self) -> bool {
        self.is_timed.load(Ordering::Relaxed)
    }

    /// In nanoseconds, `NEVER` for none; `None`: as built.
    pub(super) fn ttl(&self) -> Option<u64> {
        match self.ttl.load(Ordering::Acquire) {
            AS_BUILT => None,
            ttl => Some(ttl),
        }
    }

    pub(crate) fn strategy(&self) -> Strategy {
        self.lock_strategy().clone()
    }

    pub(super) fn lock_strategy(&self) -> MutexGuard<'_, Strategy> {
        lock(&self.strategy)
    }
}

impl<K, V> Core<K, V> {
    /// From now on entries carry times, and hits ask the coarse clock.
    pub(super) fn become_timed(&self) {
        let mut ticks = lock(&self.live.ticks);
        if ticks.is_none() {
            *ticks = Some(self.clock.need_coarse());
            // Before the lock is released: whoever then sets a ttl stores entries with times.
            self.live.is_timed.store(true, Ordering::Release);
            drop(ticks);
            // If nothing ticks, nobody moves the clock that a hit reads, and every look has to ask the precise one.
            self.close_or_open();
        }
    }

    /// Is there a fast path for hits?
    pub(super) fn close_or_open(&self) {
        // Held to the end: of two changes at the same time, the later one sees what both have set.
        let ticks = lock(&self.live.ticks);
        let is_ticking = ticks.as_ref().is_none_or(Ticks::are_ticking);
        self.table.set_closed(!self.live.is_enabled() || !is_ticking || scope::is_disabled());
    }
}

impl<K: Key, V: Value> Cache<K, V> {
    /// Another strategy for the cache as it is: the entries stay, and the new policy begins with what the old one knew of them, as far as it can use
    /// it. Calls go on meanwhile, but those of one shard after the other wait while its entries are handed over, for a
    /// time that grows with their number. No effect on a cache without a bound until it gets one.
    ///
    /// ```
    /// # use cachekit_runtime as cachekit;
    /// use cachekit::{Cache, policy::Strategy};
    ///
    /// let cache: Cache<u32, u32> = Cache::builder().capacity(100).strategy(Strategy::Lru).build();
    /// cache.insert(1, 10);
    /// cache.set_strategy("s3-fifo".parse()?);
    /// assert_eq!((cache.get(&1), cache.strategy().name()), (Some(10), "s3-fifo"));
    /// # Ok::<(), cachekit::policy::UnknownStrategy>(())
    /// ```
    pub fn set_strategy(&self, strategy: Strategy) {
        let cache = self.here();
        let mut current = lock(&cache.core.live.strategy);
        let first = cache.core.adapt_to(&strategy);
        cache.core.table.set_policy(first.factory());
        *current = strategy;
    }

    /// The strategy of now.
    #[must_use]
    pub fn strategy(&self) -> Strategy {
        self.here().core.live.strategy()
    }

    /// Another bound: a number of entries, or bytes for a cache that was built with a bound in bytes. What is over it is evicted before this returns;
    /// a cache that had no bound gets this one.
    ///
    /// The number of shards stays what it was built with. So a cache that was large and gets a capacity below some dozens holds fewer entries than
    /// that, and one that was small and gets a large capacity lets its writers wait for each other more often than one that is built large.
    pub fn set_capacity(&self, most: u64) {
        let core = &self.here().core;
        let mut out = Removed::new();
        core.table.set_bound(most, &mut out);
        core.all_gone(out);
        core.adapt_capacity();
    }

    /// Another ttl for what is stored from now on; `None`: for ever. Takes the place of the ttl that the cache was built with, a function of the value
    /// included; rules for errors and for `None` stay. Entries keep the times that they were stored with. Zero: nothing is stored.
    pub fn set_ttl(&self, ttl: Option<Duration>) {
        let core = &self.here().core;
        if ttl.is_some() {
            core.become_timed();
        }
        core.live.ttl.store(ttl.map_or(NEVER, |ttl| nanos(ttl).min(AS_BUILT - 1)), Ordering::Release);
    }

    /// Switches the cache off or on. While it is off every call computes and is counted as a bypass, nothing is given or stored, and what a caller
    /// inserts invalidates the entry instead; invalidations reach the entries, which stay.
    pub fn set_enabled(&self, enabled: bool) {
        let core = &self.here().core;
        core.live.is_enabled.store(enabled, Ordering::Release);
        core.close_or_open();
    }

    /// Whether it is switched on; scopes of tests and `CACHEKIT_DISABLED` aside.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        self.here().core.live.is_enabled()
    }
}
