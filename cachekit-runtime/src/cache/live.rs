//! What can be changed while a cache is in use.

#[cfg(feature = "backend")]
use super::setting::Whereabouts;
use super::{Cache, Core, Setting, levels::Levels, setting::Change, settings::Settings};
#[cfg(feature = "backend")]
use crate::{Error, outcome::Tier};
use crate::{
    key::Key,
    memory::Bound,
    output::Value,
    policy::Strategy,
    scope::{self, DryRunReport, Report},
    sync::lock,
    time::{NEVER, Ticks, duration, nanos},
};
use std::{
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

/// The ttl is that of the settings.
pub(super) const AS_BUILT: u64 = NEVER - 1;

/// As it stands in an atomic: in nanoseconds, `NEVER` for none.
pub(super) fn stored(time: Option<Duration>) -> u64 {
    time.map_or(NEVER, |time| nanos(time).min(AS_BUILT - 1))
}

pub(crate) struct Live {
    pub(super) is_enabled: AtomicBool,
    pub(super) is_dry_run: AtomicBool,
    pub(super) ttl: AtomicU64,
    pub(super) soft_load_timeout: AtomicU64,
    pub(super) hard_load_timeout: AtomicU64,
    dry_run: Mutex<Option<Arc<Report>>>,
    /// Who has said what. Held while something is put in force, so that of two changes the later one is.
    pub(super) levels: Mutex<Levels>,
    strategy: Mutex<Strategy>,
    /// Set once entries carry times.
    is_timed: AtomicBool,
    ticks: Mutex<Option<Ticks>>,
}

impl Live {
    pub(super) fn new<K, V>(settings: &Settings<K, V>) -> Self {
        Live {
            is_enabled: AtomicBool::new(true),
            is_dry_run: AtomicBool::new(false),
            ttl: AtomicU64::new(AS_BUILT),
            soft_load_timeout: AtomicU64::new(stored(settings.load_timeout_soft)),
            hard_load_timeout: AtomicU64::new(stored(settings.load_timeout_hard)),
            dry_run: Mutex::default(),
            levels: Mutex::default(),
            strategy: Mutex::new(settings.strategy.clone()),
            is_timed: AtomicBool::new(false),
            ticks: Mutex::new(None),
        }
    }

    pub(crate) fn is_enabled(&self) -> bool {
        self.is_enabled.load(Ordering::Acquire)
    }

    /// Does every call compute?
    pub(super) fn is_dry_run(&self) -> bool {
        self.is_dry_run.load(Ordering::Acquire)
    }

    /// Where its dry run is noted.
    pub(super) fn dry_run_report(&self) -> Arc<Report> {
        lock(&self.dry_run).get_or_insert_with(Report::of_live).clone()
    }

    /// Begins another one, or ends it.
    pub(super) fn set_dry_run(&self, on: bool) {
        if on && !self.is_dry_run() {
            *lock(&self.dry_run) = None;
        }
        self.is_dry_run.store(on, Ordering::Release);
    }

    pub(super) fn soft_load_timeout(&self) -> Option<Duration> {
        said(&self.soft_load_timeout)
    }

    pub(super) fn hard_load_timeout(&self) -> Option<Duration> {
        said(&self.hard_load_timeout)
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

fn said(time: &AtomicU64) -> Option<Duration> {
    let nanos = time.load(Ordering::Relaxed);
    (nanos != NEVER).then(|| duration(nanos))
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
        let is_closed = !self.live.is_enabled() || self.live.is_dry_run() || !is_ticking || scope::is_disabled();
        self.table.set_closed(is_closed);
    }
}

#[cfg(feature = "backend")]
impl<K, V> Core<K, V> {
    fn is_tier_off(&self, tier: Tier) -> bool {
        self.is_off(&lock(&self.live.levels), tier)
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
        self.here().core.change(Change::Strategy(strategy));
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
        core.change(match core.table.bound() {
            Bound::Weight(_) => Change::MaxBytes(most),
            Bound::Entries(_) | Bound::Unbounded => Change::Capacity(Some(most)),
        });
    }

    /// Another ttl for what is stored from now on; `None`: for ever. Takes the place of the ttl that the cache was built with, a function of the value
    /// included; rules for errors and for `None` stay. Entries keep the times that they were stored with. Zero: nothing is stored.
    pub fn set_ttl(&self, ttl: Option<Duration>) {
        self.here().core.change(Change::Ttl(ttl));
    }

    /// Switches the cache off or on. While it is off every call computes and is counted as a bypass, nothing is given or stored, and what a caller
    /// inserts invalidates the entry instead; invalidations reach the entries, which stay.
    pub fn set_enabled(&self, enabled: bool) {
        self.here().core.change(Change::Enabled(enabled));
    }

    /// Another idle time from now on; `None`: none. Entries that were stored without one go by it no earlier than if nobody had used them since they were
    /// stored, or not at all.
    pub fn set_idle(&self, idle: Option<Duration>) {
        self.here().core.change(Change::Idle(idle));
    }

    /// How long past its ttl a value is given from now on while one caller refreshes it, also what is there already; zero: not at all.
    ///
    /// The refresh is what the code asks for; a function whose attribute asks for none has one caller compute and wait, while the others get the stale
    /// value. What waits in backends keeps the allowance that it was stored with.
    ///
    /// ```
    /// # use cachekit_runtime as cachekit;
    /// use cachekit::{Cache, Setting, testing};
    /// use std::time::Duration;
    ///
    /// let scope = testing::scope();
    /// let minute = Duration::from_secs(60);
    /// let rates: Cache<u32, u32> = Cache::builder().ttl(minute).build();
    /// rates.insert(1, 10);
    /// rates.set_stale_while_revalidate(minute);
    /// scope.advance(minute);
    /// assert_eq!(rates.get(&1), Some(10), "stale");
    /// rates.take_back(Setting::StaleWhileRevalidate);
    /// assert_eq!(rates.get(&1), None);
    /// ```
    pub fn set_stale_while_revalidate(&self, time: Duration) {
        self.here().core.change(Change::StaleWhileRevalidate(time));
    }

    /// How long past its ttl a value is given from now on in place of an error; zero: not at all.
    pub fn set_stale_if_error(&self, time: Duration) {
        self.here().core.change(Change::StaleIfError(time));
    }

    /// After how long a stale value is given while a load goes on, in calls that begin from now on; `None`: not before it has ended. Where the code asks for a
    /// soft load timeout, and nowhere else.
    pub fn set_soft_load_timeout(&self, time: Option<Duration>) {
        self.here().core.change(Change::SoftLoadTimeout(time));
    }

    /// After how long a load fails, in calls that begin from now on; `None`: never. Where the code asks for a hard load timeout, and nowhere else.
    pub fn set_hard_load_timeout(&self, time: Option<Duration>) {
        self.here().core.change(Change::HardLoadTimeout(time));
    }

    /// How long all waits of one call for backends of bytes take together from now on.
    #[cfg(feature = "backend")]
    pub fn set_timeout(&self, timeout: Duration) {
        self.here().core.change(Change::Timeout(timeout));
    }

    /// Whether every call computes from now on, and what would have been a hit is compared with that: divergences are counted, and the first of them, then ever
    /// fewer, are warnings in the log, without keys and values. Misses are stored as ever. A call over several keys takes what backends have.
    ///
    /// ```
    /// # use cachekit_runtime as cachekit;
    /// use cachekit::{Cache, Setting};
    ///
    /// let cache: Cache<u32, u32> = Cache::builder().build();
    /// cache.insert(1, 10);
    /// cache.set_dry_run(true);
    /// assert_eq!(cache.get_or_compute(&1, || 11), 11, "computed, although there is a value");
    /// cache.take_back(Setting::DryRun);
    /// assert_eq!(cache.get_or_compute(&1, || 12), 10);
    /// ```
    pub fn set_dry_run(&self, on: bool) {
        self.here().core.change(Change::DryRun(on));
    }

    /// What the dry run that is under way, or was last, has found.
    #[must_use]
    pub fn dry_run_report(&self) -> DryRunReport {
        self.here().core.live.dry_run_report().found()
    }

    /// Switches a tier off or on that the cache has by its code. While it is off no call looks or stores there; invalidations are told to it all the same, in
    /// the background. What is in memory is dropped by the change.
    ///
    /// # Errors
    /// [`Error::Configuration`]: the cache has no such tier, or no other one.
    #[cfg(feature = "backend")]
    pub fn set_tier(&self, tier: Tier, used: bool) -> Result<(), Error> {
        let core = &self.here().core;
        let refused = |message: String| Err(Error::configuration("a live change", message));
        let all: Vec<Tier> = core.declared_tiers().collect();
        if !all.contains(&tier) {
            return refused(format!(
                "`{}` has no tier {tier:?}: add it to the `backend` of its attribute",
                self.name()
            ));
        }
        if !used && all.iter().all(|other| *other == tier || core.is_tier_off(*other)) {
            return refused(format!("this is the last tier of `{}`: switch the cache off instead", self.name()));
        }
        core.change(Change::Tier(tier, if used { Whereabouts::Declared } else { Whereabouts::Off }));
        Ok(())
    }

    /// Takes back what was changed of the setting in use: what the configuration says of it is in force again, or what the code does. Where that would
    /// leave a cache without any tier, other tiers that were switched off in use are in force again too.
    ///
    /// ```
    /// # use cachekit_runtime as cachekit;
    /// use cachekit::{Cache, Setting};
    ///
    /// let cache: Cache<u32, u32> = Cache::builder().capacity(100).build();
    /// cache.set_capacity(7);
    /// assert_eq!(cache.stats().capacity, Some(7));
    /// cache.take_back(Setting::Capacity);
    /// assert_eq!(cache.stats().capacity, Some(100));
    /// ```
    pub fn take_back(&self, setting: Setting) {
        self.here().core.take_back(setting);
    }

    /// Whether it is switched on; scopes of tests and `CACHEKIT_DISABLED` aside.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        self.here().core.live.is_enabled()
    }
}
