//! A cache that is asked what another capacity or strategy would give, or for the stream of its accesses.

use super::{Cache, Core, besides::SAMPLED, core::looks};
use crate::{
    adaptive::Stepping,
    advice::{
        Advice, Estimator, FOLLOWED, Options, Present, Sampling, SpaceSaving, TopKey, TopKeys,
        trace::{Header, Recorder, Recording},
    },
    key::Key,
    memory::Bound,
    output::Value,
    policy::Strategy,
    sync::lock,
};
use std::{
    io::{self, Write},
    sync::{
        Arc, Mutex, OnceLock, Weak,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

/// What a bound by weight is taken for before there are entries.
const GUESS: usize = 1_024;

pub(crate) struct Advise {
    /// Made when they are asked for first.
    sampling: OnceLock<Arc<Sampling<Estimator>>>,
    top: OnceLock<Arc<Sampling<SpaceSaving>>>,
    recorder: OnceLock<Arc<Recorder>>,
    /// Looks, hits, loads and their nanoseconds before the sampling.
    before: [AtomicU64; 4],
    /// Held while hits are told what to listen for.
    listening: Mutex<()>,
    /// What is wanted has changed.
    changed: Arc<dyn Fn() + Send + Sync>,
}

impl Advise {
    pub(crate) fn of<K: Key, V: Value>(core: Weak<Core<K, V>>) -> Self {
        let changed = move || {
            if let Some(core) = core.upgrade() {
                core.listen();
            }
        };
        Advise {
            sampling: OnceLock::new(),
            top: OnceLock::new(),
            recorder: OnceLock::new(),
            before: [const { AtomicU64::new(0) }; 4],
            listening: Mutex::new(()),
            changed: Arc::new(changed),
        }
    }
}

impl<K, V> Core<K, V> {
    /// A call looked for the key of this hash.
    pub(super) fn tell_advice(&self, hash: u64) {
        if let Some(sampling) = self.advise.sampling.get() {
            sampling.saw(hash);
        }
        if let Some(top) = self.advise.top.get() {
            top.saw(hash);
        }
        if let Some(recorder) = self.advise.recorder.get() {
            recorder.saw(hash);
        }
    }

    /// Hits listen for what somebody wants to hear of.
    fn listen(&self) {
        let _listening = lock(&self.advise.listening);
        let sampled = self.advise.sampling.get().map_or(0, |sampling| sampling.limit());
        let recorded = self.advise.recorder.get().map_or(0, |recorder| recorder.limit());
        let topped = self.advise.top.get().map_or(0, |top| top.limit());
        match sampled.max(recorded).max(topped) {
            0 => self.besides.end(SAMPLED),
            limit => self.besides.listen(limit),
        }
    }

    fn is_inline(&self) -> bool {
        self.clock.is_test() || self.settings.stepping == Stepping::Inline
    }

    /// Looks, hits, loads and their nanoseconds until now.
    fn counted(&self) -> [u64; 4] {
        let stats = self.counters.snapshot();
        let nanos = u64::try_from(stats.load_time.sum().as_nanos()).unwrap_or(u64::MAX);
        [looks(&stats), stats.hits + stats.stale_hits, stats.load_time.count(), nanos]
    }

    /// Its bound as a number of entries.
    fn bound_in_entries(&self) -> usize {
        match self.table.bound() {
            Bound::Entries(entries) => entries,
            Bound::Weight(_) | Bound::Unbounded => match self.table.len() {
                0 => GUESS,
                entries => entries,
            },
        }
    }
}

impl<K: Key, V: Value> Cache<K, V> {
    /// Begins to sample the accesses, for [`advice`](Self::advice); begins anew if it does so already. All of cachekit's strategies are simulated, from an
    /// eighth to eight times the present capacity.
    ///
    /// The sample is sparing: at most one key in 25. A hit on another key costs no instruction more, one on a sampled key some 80, so that one in the mean costs 3 to 4 more. Samples
    /// are left in a queue, for one thread of all caches that takes at most a tenth of a core. What comes faster is dropped and counted. The figures of capacities below 25,000 entries are better
    /// by [`start_thorough_advice`](Self::start_thorough_advice). Takes 6 to 9 MB at most.
    pub fn start_advice(&self) {
        self.start_advice_with(&Options::sparing(self.here().core.bound_in_entries()));
    }

    /// As [`start_advice`](Self::start_advice), with as many keys in the sample as figures within two points ask for: all of them for up to 8,192 entries, where a hit then costs
    /// some 80 instructions more until it is stopped.
    pub fn start_thorough_advice(&self) {
        self.start_advice_with(&Options::for_capacity(self.here().core.bound_in_entries()));
    }

    /// As [`start_advice`](Self::start_advice), with other strategies or capacities, or within another memory.
    ///
    /// ```
    /// # use cachekit_runtime as cachekit;
    /// use cachekit::{Cache, advice::Options, policy::Strategy};
    ///
    /// let cache: Cache<u64, u64> = Cache::builder().capacity(100).strategy(Strategy::Lru).build();
    /// cache.start_advice_with(&Options::for_capacity(100).strategies([Strategy::Lru, Strategy::Lirs]));
    /// (0..10_000).for_each(|turn| _ = cache.get_or_compute(&(turn % 150), || turn));
    /// if let Some(advice) = cache.advice() {
    ///     println!("{advice}"); // LRU loses all of this loop, and with 150 entries hits all of it
    /// }
    /// cache.stop_advice();
    /// ```
    pub fn start_advice_with(&self, options: &Options) {
        let core = &self.here().core;
        let sampling = core.advise.sampling.get_or_init(|| {
            let changed = core.advise.changed.clone();
            Arc::new(Sampling::new(core.is_inline(), move || changed()))
        });
        core.advise.before.iter().zip(core.counted()).for_each(|(before, now)| before.store(now, Relaxed));
        sampling.start(Estimator::new(options));
    }

    /// Samples no longer, and forgets what it has seen.
    pub fn stop_advice(&self) {
        let core = &self.here().core;
        if let Some(sampling) = core.advise.sampling.get() {
            sampling.stop();
        }
    }

    /// Whether advice has been started, and not stopped.
    #[cfg(feature = "registry")]
    pub(crate) fn is_advised(&self) -> bool {
        let core = &self.here().core;
        core.advise.sampling.get().is_some_and(|sampling| sampling.limit() > 0)
    }

    /// What other capacities and strategies would have given since [`start_advice`](Self::start_advice); `None` if that was not called. What waits
    /// is simulated first, on this thread: some milliseconds.
    #[must_use]
    pub fn advice(&self) -> Option<Advice> {
        let core = &self.here().core;
        let sampling = core.advise.sampling.get()?;
        let mut counted = core.counted();
        counted.iter_mut().zip(&core.advise.before).for_each(|(now, before)| {
            *now = now.saturating_sub(before.load(Relaxed));
        });
        let [looks, hits, loads, nanos] = counted;
        let entries = core.table.len();
        let weighed = matches!(core.table.bound(), Bound::Weight(_)) && entries > 0;
        let strategy = core.adapted().unwrap_or_else(|| core.live.strategy());
        let strategy = if matches!(strategy, Strategy::Adaptive) { Strategy::default() } else { strategy };
        let mut present = Present::of_capacity(core.bound_in_entries() as u64, strategy.name());
        present.cache = self.name().to_owned();
        present.accesses = Some(looks);
        present.hits = Some(hits);
        present.entry_bytes = weighed.then(|| core.table.weight() as f64 / entries as f64);
        present.load_nanos = nanos.checked_div(loads).unwrap_or(0);
        sampling.advice(present)
    }

    /// Begins to count which keys are looked for most, for [`top_keys`](Self::top_keys); begins anew if it does so already.
    ///
    /// Every hit then leaves a number in a queue, some nanoseconds, for the thread that counts, which takes at most a tenth of a core; what comes faster is dropped and counted. Takes
    /// 80 KiB, and 8 KiB for each thread that calls.
    ///
    /// ```
    /// # use cachekit_runtime as cachekit;
    /// use cachekit::Cache;
    ///
    /// let cache: Cache<String, u64> = Cache::builder().build();
    /// cache.start_top_keys();
    /// (0..30).for_each(|turn| _ = cache.get_or_compute(if turn % 3 == 0 { "Eve" } else { "Ann" }, || turn));
    /// let top = cache.top_keys(10).ok_or("it was started")?;
    /// assert_eq!((top.sampled + top.dropped, top.keys.len()), (30, 2));
    /// assert_eq!(top.keys[0].key.as_deref(), Some("Ann"));
    /// assert!((top.keys[0].share - 2.0 / 3.0).abs() < 0.01);
    /// cache.stop_top_keys();
    /// # Ok::<(), &str>(())
    /// ```
    pub fn start_top_keys(&self) {
        let core = &self.here().core;
        let top = core.advise.top.get_or_init(|| {
            let changed = core.advise.changed.clone();
            Arc::new(Sampling::new(core.is_inline(), move || changed()))
        });
        top.start(SpaceSaving::new(FOLLOWED));
    }

    /// Counts no longer, and forgets what it has counted.
    pub fn stop_top_keys(&self) {
        let core = &self.here().core;
        if let Some(top) = core.advise.top.get() {
            top.stop();
        }
    }

    /// The keys that were looked for most since [`start_top_keys`](Self::start_top_keys), at most so many, and at most 1,024; `None` if that was not called.
    #[must_use]
    pub fn top_keys(&self, most: usize) -> Option<TopKeys<K>> {
        let core = &self.here().core;
        let (counts, sampled, error, dropped) = core
            .advise
            .top
            .get()?
            .with(|summary, dropped| (summary.top(most), summary.seen(), summary.error(), dropped))?;
        let share = |count: u64| if sampled == 0 { 0.0 } else { count as f64 / sampled as f64 };
        let keys = counts.iter().map(|count| TopKey {
            key: core.table.key(count.hash, |key| core.hash_one(key) == count.hash),
            ..TopKey::new(count.hash, share(count.most), share(count.least))
        });
        let keys = keys.collect();
        Some(TopKeys { keys, sampled, dropped, error: share(error) })
    }

    /// Whether keys are counted.
    #[cfg(feature = "registry")]
    pub(crate) fn counts_keys(&self) -> bool {
        let core = &self.here().core;
        core.advise.top.get().is_some_and(|top| top.limit() > 0)
    }

    /// Writes the hash of each key that is looked for from now on, and when, until the [`Recording`] is stopped or has `most` accesses. The format is in
    /// `docs/traces.md`; [`trace::Reader`](crate::advice::trace::Reader) reads it. [`Header::one_in`] leaves keys out.
    ///
    /// Keys cannot be told from their hashes, which have a seed of the cache's own; who may call the cache can tell which of its hashes is whose.
    /// Callers never wait: accesses that come faster than they can be written are dropped and counted. Of different threads the order is kept to some hundredths
    /// of a second. At most 1 MiB waits to be written.
    ///
    /// # Errors
    /// If the header cannot be written, or the cache is being recorded already.
    ///
    /// ```
    /// # use cachekit_runtime as cachekit;
    /// use cachekit::{Cache, advice::trace::Header};
    ///
    /// let cache: Cache<u64, u64> = Cache::builder().build();
    /// let recording = cache.record_trace(Vec::new(), &Header::default(), 1_000_000)?;
    /// (0..100).for_each(|turn| _ = cache.get_or_compute(&(turn % 7), || turn));
    /// assert_eq!(recording.stop()?.accesses, 100);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn record_trace(&self, to: impl Write + Send + 'static, header: &Header, most: u64) -> io::Result<Recording> {
        let core = &self.here().core;
        let recorder = core.advise.recorder.get_or_init(|| {
            let changed = core.advise.changed.clone();
            Arc::new(Recorder::new(core.clock.clone(), core.is_inline(), move || changed()))
        });
        recorder.start(Box::new(to), header, most)
    }
}

#[cfg(test)]
#[path = "advise_tests.rs"]
mod tests;
