//! A cache whose strategy is `"adaptive"`: feeding the simulations, and following what they say.

use super::{Cache, Core, besides::ADAPTIVE};
use crate::{
    adaptive::{Adaptive, AdaptiveStats, Driver, Rule, Stepping, candidates},
    key::Key,
    memory::Bound,
    output::Value,
    policy::Strategy,
};
use std::sync::{
    Arc, OnceLock, Weak,
    atomic::{AtomicU64, Ordering},
};

/// Looks between two estimates of how many entries a bound by weight allows.
const ESTIMATE_EVERY: u64 = 4_096;

/// What a bound by weight is taken for before there are entries.
const GUESS: usize = 1_024;

pub(crate) struct Adapt {
    /// Made when the strategy is `"adaptive"` for the first time, and kept with what it has learnt.
    adaptive: OnceLock<Arc<Adaptive>>,
    looks: AtomicU64,
    /// Puts a strategy in place that the simulations have chosen.
    follow: Arc<dyn Fn(&Strategy) + Send + Sync>,
}

impl Adapt {
    pub(crate) fn of<K: Key, V: Value>(core: Weak<Core<K, V>>) -> Self {
        let follow = move |strategy: &Strategy| {
            let Some(core) = core.upgrade() else { return };
            // Or what is put in place here could take the place of a strategy that is set meanwhile.
            let _strategy = core.live.lock_strategy();
            if core.is_adaptive() {
                core.table.set_policy(strategy.factory());
            }
        };
        Adapt { adaptive: OnceLock::new(), looks: AtomicU64::new(0), follow: Arc::new(follow) }
    }
}

impl<K, V> Core<K, V> {
    /// Is the strategy chosen by simulations?
    fn is_adaptive(&self) -> bool {
        self.besides.all() & ADAPTIVE != 0
    }

    /// The strategy in place, while it is chosen by simulations.
    pub(super) fn adapted(&self) -> Option<Strategy> {
        let adaptive = self.adapt.adaptive.get().filter(|_| self.is_adaptive())?;
        adaptive.stats().current.parse().ok()
    }

    /// A call looked for the key of this hash, whatever it found. The path of a hit has said so already.
    pub(super) fn saw(&self, hash: u64) {
        if !self.live.is_enabled() {
            return;
        }
        #[cfg(feature = "advice")]
        self.tell_advice(hash);
        if !self.is_adaptive() {
            return;
        }
        let Some(adaptive) = self.adapt.adaptive.get() else { return };
        if self.settings.max_weight.is_some()
            && self.adapt.looks.fetch_add(1, Ordering::Relaxed) % ESTIMATE_EVERY == ESTIMATE_EVERY - 1
        {
            adaptive.set_capacity(self.table.len().max(1));
        }
        adaptive.saw(hash);
    }

    /// Lets simulations choose the strategy from now on, or no longer. Gives the policies to put in place.
    pub(super) fn adapt_to(&self, strategy: &Strategy) -> Strategy {
        let entries = match self.table.bound() {
            Bound::Entries(entries) => entries,
            Bound::Weight(_) => GUESS,
            Bound::Unbounded => 0,
        };
        if !matches!(strategy, Strategy::Adaptive) || entries == 0 {
            self.besides.end(ADAPTIVE);
            return strategy.clone();
        }
        let adaptive = self.adapt.adaptive.get_or_init(|| {
            let stepping = if self.clock.is_test() { Stepping::Inline } else { self.settings.stepping };
            let follow = self.adapt.follow.clone();
            let adaptive =
                Adaptive::new(entries, &candidates(), Rule::default(), stepping, move |strategy| follow(strategy));
            let adaptive = Arc::new(adaptive);
            if stepping == Stepping::Background {
                let adaptive: Weak<Adaptive> = Arc::downgrade(&adaptive);
                Driver::global().attach(adaptive);
            }
            adaptive
        });
        adaptive.set_capacity(entries);
        self.besides.begin(ADAPTIVE);
        self.adapted().unwrap_or_default()
    }

    /// The bound has changed.
    pub(super) fn adapt_capacity(&self) {
        let entries = match self.table.bound() {
            Bound::Entries(entries) => entries,
            // There is nothing to choose any more.
            Bound::Unbounded => return self.besides.end(ADAPTIVE),
            Bound::Weight(_) => return,
        };
        // Not to be changed between the question and the answer.
        let strategy = self.live.lock_strategy();
        if entries > 0 && !self.is_adaptive() && matches!(*strategy, Strategy::Adaptive) {
            // It had no bound or no room until now, and so nothing to choose.
            self.table.set_policy(self.adapt_to(&strategy).factory());
        } else if let Some(adaptive) = self.adapt.adaptive.get().filter(|_| entries > 0) {
            adaptive.set_capacity(entries);
        }
    }
}

impl<K: Key, V: Value> Cache<K, V> {
    /// What the simulations of a cache with the strategy `"adaptive"` have seen, cost and decided; `None` for others.
    ///
    /// ```
    /// # use cachekit_runtime as cachekit;
    /// use cachekit::{Cache, policy::Strategy};
    ///
    /// let cache: Cache<u32, u32> = Cache::builder().capacity(100).strategy(Strategy::Adaptive).build();
    /// let stats = cache.adaptive_stats().ok_or("it is adaptive")?;
    /// assert_eq!((stats.current.as_str(), stats.switches), (Strategy::default().name(), 0));
    /// # Ok::<(), &str>(())
    /// ```
    #[must_use]
    pub fn adaptive_stats(&self) -> Option<AdaptiveStats> {
        let cache = self.here();
        let adaptive = cache.core.adapt.adaptive.get()?;
        cache.core.is_adaptive().then(|| adaptive.stats())
    }
}
