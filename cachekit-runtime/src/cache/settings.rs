//! What a cache is told when it is built.

use crate::{
    adaptive::Stepping,
    hashing::AnyHasher,
    outcome::RemovalCause,
    policy::Strategy,
    time::{Clock, NEVER, nanos},
};
use std::{borrow::Cow, sync::Arc, time::Duration};

pub(crate) type ByValue<V, R> = Arc<dyn Fn(&V) -> R + Send + Sync>;
pub(crate) type TagsOf<K> = Arc<dyn Fn(&K) -> Vec<String> + Send + Sync>;
pub(crate) type Weigher<K, V> = Arc<dyn Fn(&K, &V) -> u64 + Send + Sync>;
pub(crate) type OnRemoval<K, V> = Arc<dyn Fn(&K, &V, RemovalCause) + Send + Sync>;

pub(crate) enum Ttl<V> {
    Never,
    Fixed(Duration),
    ByValue(ByValue<V, Duration>),
}

#[derive(Clone, Copy)]
pub(crate) enum Jitter {
    None,
    /// Of the ttl, 0 to 100.
    Percent(f64),
    Time(Duration),
}

/// What to do with an exceptional value, an `Err` or a `None`.
pub(crate) enum Exceptional {
    NotStored,
    For(Duration),
}

pub(crate) struct Settings<K, V> {
    /// `None`: that of the process.
    pub(crate) clock: Option<Clock>,
    pub(crate) name: Cow<'static, str>,
    pub(crate) version: u64,
    pub(crate) strategy: Strategy,
    /// `None`: unbounded. Nothing is bounded by it beside a `max_weight`.
    pub(crate) capacity: Option<usize>,
    /// The most that all entries weigh together, as `weigher` has it: both or none.
    pub(crate) max_weight: Option<u64>,
    pub(crate) weigher: Option<Weigher<K, V>>,
    /// `None`: foldhash, with a seed of the cache's own.
    pub(crate) hasher: Option<Arc<dyn AnyHasher>>,
    /// Who runs the simulations of `Strategy::Adaptive`.
    pub(crate) stepping: Stepping,
    pub(crate) ttl: Ttl<V>,
    pub(crate) idle: Option<Duration>,
    pub(crate) jitter: Jitter,
    /// Percent of the effective ttl.
    pub(crate) refresh_ahead: Option<f64>,
    pub(crate) stale_while_revalidate: Duration,
    /// What was made stale by a tag is given to the end of its ttl.
    pub(crate) gives_softened: bool,
    pub(crate) stale_if_error: Duration,
    /// A value that has a rule of its own, if this one does: `errors` and `none`.
    pub(crate) exceptional: Vec<ByValue<V, Option<Exceptional>>>,
    pub(crate) cache_if: Option<ByValue<V, bool>>,
    pub(crate) max_loads: Option<usize>,
    pub(crate) single_flight: bool,
    pub(crate) load_timeout_soft: Option<Duration>,
    pub(crate) load_timeout_hard: Option<Duration>,
    pub(crate) on_removal: Option<OnRemoval<K, V>>,
    pub(crate) tags_of: Option<TagsOf<K>>,
    #[cfg(feature = "backend")]
    pub(crate) far: crate::far::FarSettings<K, V>,
    #[cfg(feature = "registry")]
    pub(super) registry: super::managed::Named<K, V>,
}

impl<K, V> Settings<K, V> {
    pub(crate) fn new() -> Self {
        Settings {
            name: Cow::Borrowed("cache"),
            version: 0,
            strategy: Strategy::default(),
            capacity: Some(super::DEFAULT_CAPACITY),
            max_weight: None,
            weigher: None,
            hasher: None,
            stepping: Stepping::default(),
            ttl: Ttl::Never,
            idle: None,
            jitter: Jitter::None,
            refresh_ahead: None,
            stale_while_revalidate: Duration::ZERO,
            gives_softened: false,
            stale_if_error: Duration::ZERO,
            exceptional: Vec::new(),
            cache_if: None,
            max_loads: None,
            single_flight: true,
            load_timeout_soft: None,
            load_timeout_hard: None,
            on_removal: None,
            tags_of: None,
            clock: None,
            #[cfg(feature = "backend")]
            far: crate::far::FarSettings::new(),
            #[cfg(feature = "registry")]
            registry: super::managed::Named::NOT,
        }
    }

    /// The ttl of each value that a caller inserts, in nanoseconds, `NEVER` for none, if nothing else is to be asked about one: no function of the user's, no
    /// tier but memory.
    pub(super) fn plain_ttl(&self) -> Option<u64> {
        #[cfg(feature = "backend")]
        let is_far = self.far.is_far() || !self.far.near || self.far.near_ttl.is_some();
        #[cfg(not(feature = "backend"))]
        let is_far = false;
        let asks_key = self.tags_of.is_some() || self.weigher.is_some();
        let asks_value = self.cache_if.is_some() || !self.exceptional.is_empty();
        if is_far || asks_key || asks_value || !matches!(self.jitter, Jitter::None) {
            return None;
        }
        match self.ttl {
            Ttl::Never => Some(NEVER),
            Ttl::Fixed(ttl) => Some(nanos(ttl)),
            Ttl::ByValue(_) => None,
        }
    }

    /// Do entries carry times?
    pub(crate) fn is_timed(&self) -> bool {
        // Without a ttl an entry can still be made stale, for so long.
        self.may_expire() || self.idle.is_some() || !self.stale_window().is_zero()
    }

    pub(crate) fn may_expire(&self) -> bool {
        !matches!(self.ttl, Ttl::Never) || !self.exceptional.is_empty()
    }

    /// Does it expect callers to refresh what is due?
    pub(crate) fn refreshes(&self) -> bool {
        self.refresh_ahead.is_some() || self.gives_softened || !self.stale_while_revalidate.is_zero()
    }

    /// How long past its ttl an entry is kept, for any of the stale allowances.
    pub(crate) fn stale_window(&self) -> Duration {
        self.stale_while_revalidate.max(self.stale_if_error)
    }
}
