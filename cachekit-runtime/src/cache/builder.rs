//! The builder: everything that the attribute can say.

use super::{
    Cache,
    settings::{Exceptional, Jitter, Settings, Ttl},
};
use crate::{
    adaptive::Stepping,
    hashing::HasherType,
    key::Key,
    outcome::RemovalCause,
    output::{OptionLike, Value},
    policy::{Policy, Strategy},
    time::Clock,
    weigh::{Weigh, weight_of_key},
};
use std::{borrow::Cow, hash::BuildHasher, sync::Arc, time::Duration};

/// Builds a [`Cache`].
///
/// ```
/// # use cachekit_runtime as cachekit;
/// use cachekit::Cache;
/// use std::time::Duration;
///
/// let squares: Cache<u64, u64> = Cache::builder().name("squares").capacity(1_000).ttl(Duration::from_secs(30)).build();
/// assert_eq!(squares.get_or_compute(&12, || 144), 144);
/// assert_eq!(squares.get(&12), Some(144));
/// ```
#[must_use = "a builder does nothing until `build`"]
pub struct Builder<K, V> {
    pub(super) settings: Settings<K, V>,
}

impl<K: Key, V: Value> Default for Builder<K, V> {
    fn default() -> Self {
        Builder { settings: Settings::new() }
    }
}

impl<K: Key, V: Value> Builder<K, V> {
    /// As `Builder::default().name(name)`.
    pub fn named(name: impl Into<Cow<'static, str>>) -> Self {
        Self::default().name(name)
    }
}

// Bounds are those of the methods: in generated code an unmet one of an impl is another error, about a method that is not there.
impl<K, V> Builder<K, V> {
    /// The name under which statistics and messages speak of the cache. Default: `"cache"`; for `#[cache]`, module path and function.
    pub fn name(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.settings.name = name.into();
        #[cfg(feature = "registry")]
        {
            self.settings.registry.is_named = true;
        }
        self
    }

    /// A number to raise when the meaning of the values changes while their type stays. Default: 0.
    pub fn version(mut self, version: u64) -> Self {
        self.settings.version = version;
        self
    }

    /// The most entries it holds; never more, at no time. Default: 10 000. With 0 nothing is ever stored.
    ///
    /// From 2 048 on it is divided among shards, so that an entry may be evicted shortly before the cache is full.
    ///
    /// The bounds replace one another: the last of `capacity`, [`unbounded`](Self::unbounded), [`max_bytes`](Self::max_bytes) and
    /// [`max_bytes_with`](Self::max_bytes_with) counts.
    pub fn capacity(mut self, entries: usize) -> Self {
        self.settings.capacity = Some(entries);
        self.unweighed()
    }

    /// No bound, and so no policy: the fastest hit, for key sets that are bounded by themselves.
    pub fn unbounded(mut self) -> Self {
        self.settings.capacity = None;
        self.unweighed()
    }

    fn unweighed(mut self) -> Self {
        (self.settings.max_weight, self.settings.weigher) = (None, None);
        self
    }

    /// The most bytes that all entries weigh together; never more, at no time. In place of a bound on entries.
    ///
    /// An entry weighs what its value says ([`Weigh`]) and its key: the key's size and, if it owns anything, the bytes that it feeds to a hasher,
    /// which for strings are their contents. The table's own bytes for an entry come on top. A value heavier than all of it is given to its callers
    /// and not stored.
    ///
    /// ```
    /// # use cachekit_runtime as cachekit;
    /// use cachekit::Cache;
    ///
    /// let pages: Cache<u64, String> = Cache::builder().max_bytes(64 * 1024 * 1024).build();
    /// assert_eq!(pages.get_or_compute(&1, || "one".into()), "one");
    /// ```
    pub fn max_bytes(self, bytes: u64) -> Self
    where
        K: Key,
        V: Weigh,
    {
        self.max_bytes_with(bytes, |key, value| weight_of_key(key).saturating_add(value.weight()))
    }

    /// As [`max_bytes`](Self::max_bytes) with a weigher: what an entry weighs, from its key and its value, in bytes or in another unit, the one of
    /// `bytes`. It is called once for each entry, when it is stored, outside of locks. An entry of weight 0 is never in another's way.
    ///
    /// ```
    /// # use cachekit_runtime as cachekit;
    /// use cachekit::Cache;
    ///
    /// let rows = |_: &u64, table: &Vec<[u64; 8]>| table.len() as u64;
    /// let tables: Cache<u64, Vec<[u64; 8]>> = Cache::builder().max_bytes_with(1_000_000, rows).build();
    /// assert_eq!(tables.get_or_compute(&1, || vec![[0; 8]; 10]).len(), 10);
    /// ```
    pub fn max_bytes_with(mut self, bytes: u64, weigher: impl Fn(&K, &V) -> u64 + Send + Sync + 'static) -> Self {
        self.settings.max_weight = Some(bytes);
        self.settings.weigher = Some(Arc::new(weigher));
        self
    }

    /// What hashes the keys. Default: foldhash with a seed of the cache's own, which is faster than anything passed here. `RandomState` of the
    /// standard library is for keys that an attacker chooses. The 64 bits that come out are mixed once more, so that a hasher need not spread them.
    ///
    /// ```
    /// # use cachekit_runtime as cachekit;
    /// use cachekit::Cache;
    /// use std::hash::RandomState;
    ///
    /// let sessions: Cache<String, u64> = Cache::builder().hasher(RandomState::new()).build();
    /// assert_eq!(sessions.get_or_compute("token", || 7), 7);
    /// ```
    pub fn hasher(mut self, hasher: impl BuildHasher + Send + Sync + 'static) -> Self {
        self.settings.hasher = Some(Arc::new(hasher));
        self
    }

    /// As [`hasher`](Self::hasher), by its type.
    #[doc(hidden)]
    pub fn hasher_type<S: HasherType>(self) -> Self {
        self.hasher(S::default())
    }

    /// Which entry makes room for a new one. Default: that of [`Strategy`].
    pub fn strategy(mut self, strategy: Strategy) -> Self {
        self.settings.strategy = strategy;
        self
    }

    /// A [`Policy`] of one's own; [`Policy::with_capacity`] makes one per shard.
    pub fn policy<P: Policy>(self) -> Self {
        self.strategy(Strategy::of::<P>())
    }

    /// Who runs the simulations of [`Strategy::Adaptive`]. Default: the background thread of the process. [`Stepping::Inline`] makes every run of the
    /// same calls alike, for benchmarks, simulations and tests; with a test clock it is always so.
    pub fn stepping(mut self, stepping: Stepping) -> Self {
        self.settings.stepping = stepping;
        self
    }

    /// How long a value is fresh. Zero: never stored. Default: for ever.
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.settings.ttl = Ttl::Fixed(ttl);
        self
    }

    /// How long this value is fresh. Zero: not stored.
    pub fn ttl_with(mut self, ttl: impl Fn(&V) -> Duration + Send + Sync + 'static) -> Self {
        self.settings.ttl = Ttl::ByValue(Arc::new(ttl));
        self
    }

    /// An entry goes when it has not been used for so long, however stale it may be. Default: never.
    pub fn idle(mut self, idle: Duration) -> Self {
        self.settings.idle = Some(idle);
        self
    }

    /// Up to so many percent (0 to 100) are taken off each ttl at random, so that entries stored together do not expire together.
    pub fn jitter_percent(mut self, percent: f64) -> Self {
        self.settings.jitter = Jitter::Percent(percent.clamp(0.0, 100.0));
        self
    }

    /// Up to so much time is taken off each ttl at random.
    pub fn jitter(mut self, time: Duration) -> Self {
        self.settings.jitter = Jitter::Time(time);
        self
    }

    /// A hit past so many percent (0 to 100) of the effective ttl has the value refreshed: in the background by annotated functions and by
    /// [`Cache::get_or_refresh`] and its kin, inline, by one caller at a time, by [`Cache::get_or_compute`] and its kin.
    pub fn refresh_ahead(mut self, percent: f64) -> Self {
        self.settings.refresh_ahead = Some(percent.clamp(0.0, 100.0));
        self
    }

    /// How long past its ttl a value may be given while one refresh is under way. Default: zero.
    pub fn stale_while_revalidate(mut self, time: Duration) -> Self {
        self.settings.stale_while_revalidate = time;
        self
    }

    /// What [`invalidate_tag_soft`](crate::invalidate_tag_soft) made stale may be given to the end of its ttl, whatever `stale_while_revalidate` says: for caches whose values say
    /// themselves for how long, see [`Cache::get_softened_async`].
    #[cfg(feature = "backend")]
    pub fn give_softened(mut self) -> Self {
        self.settings.gives_softened = true;
        self
    }

    /// How long past its ttl a value may be given when the loader fails. Default: zero.
    pub fn stale_if_error(mut self, time: Duration) -> Self {
        self.settings.stale_if_error = time;
        self
    }

    /// Stores only the values for which this holds; the others go to those who wait already. Default: all.
    pub fn cache_if(mut self, test: impl Fn(&V) -> bool + Send + Sync + 'static) -> Self {
        self.settings.cache_if = Some(Arc::new(test));
        self
    }

    /// The most loaders of this cache at once, at least 1; further callers wait. A nested load that would wait for itself goes over it, and is
    /// counted. Default: no limit.
    pub fn max_loads(mut self, loads: usize) -> Self {
        self.settings.max_loads = Some(loads.max(1));
        self
    }

    /// Whether concurrent callers of one missing key share one load. Default: true.
    pub fn single_flight(mut self, on: bool) -> Self {
        self.settings.single_flight = on;
        self
    }

    /// After so long a stale value, if there is one, is given while the load goes on. For annotated async functions and the async forms of
    /// [`Cache::get_or_refresh`].
    pub fn load_timeout_soft(mut self, time: Duration) -> Self {
        self.settings.load_timeout_soft = Some(time);
        self
    }

    /// After so long the call fails with [`Error::LoadTimeout`](crate::Error::LoadTimeout). For annotated async functions and
    /// [`Cache::try_get_or_refresh_async`].
    pub fn load_timeout_hard(mut self, time: Duration) -> Self {
        self.settings.load_timeout_hard = Some(time);
        self
    }

    /// Called for each entry that leaves, outside of all locks, by the thread whose operation removed it. A panic in it is logged.
    pub fn on_removal(mut self, listener: impl Fn(&K, &V, RemovalCause) + Send + Sync + 'static) -> Self {
        self.settings.on_removal = Some(Arc::new(listener));
        self
    }

    /// The tags of an entry, from its key; at most 16, with more it is not kept. Invalidating one ([`crate::invalidate_tag`]) invalidates the entry.
    pub fn tags_with(mut self, tags: impl Fn(&K) -> Vec<String> + Send + Sync + 'static) -> Self {
        self.settings.tags_of = Some(Arc::new(tags));
        self
    }

    /// What time it is for the cache: in a test that moves time itself, a [`TestClock`](crate::time::TestClock)'s. Default: that of the process, or of the
    /// test's scope.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.settings.clock = Some(clock);
        self
    }

    /// Builds it.
    #[must_use]
    #[cfg_attr(feature = "registry", track_caller)]
    pub fn build(self) -> Cache<K, V>
    where
        K: Key,
        V: Value,
    {
        let cache = Cache::from_settings(self.settings);
        #[cfg(feature = "registry")]
        cache.register(std::panic::Location::caller());
        cache
    }
}

impl<K, T: 'static, E: 'static> Builder<K, Result<T, E>> {
    /// How long an `Err` is stored, in a cache that holds whole `Result`s. Zero: not stored.
    pub fn errors(mut self, ttl: Duration) -> Self {
        self.settings
            .exceptional
            .push(Arc::new(move |value: &Result<T, E>| value.is_err().then_some(Exceptional::For(ttl))));
        self
    }
}

/// An error about the output has been reported elsewhere.
#[doc(hidden)]
impl<K> Builder<K, crate::key::Unusable> {
    #[doc(hidden)]
    pub fn errors(self, _: Duration) -> Self {
        self
    }
}

impl<K, V: OptionLike + 'static> Builder<K, V> {
    /// How long a `None` is stored, a negative entry. Default: like any value.
    pub fn none_ttl(mut self, ttl: Duration) -> Self {
        self.settings.exceptional.push(Arc::new(move |value: &V| value.is_none().then_some(Exceptional::For(ttl))));
        self
    }

    /// Whether a `None` is stored. Default: true.
    pub fn store_none(mut self, stored: bool) -> Self {
        if !stored {
            self.settings.exceptional.push(Arc::new(|value: &V| value.is_none().then_some(Exceptional::NotStored)));
        }
        self
    }
}

/// Serves caches of values without a `None`, about which an error has been reported elsewhere: a method that applies is found before these.
#[doc(hidden)]
pub trait NoneFallback: Sized {
    #[doc(hidden)]
    fn none_ttl(self, _: Duration) -> Self {
        self
    }
    #[doc(hidden)]
    fn store_none(self, _: bool) -> Self {
        self
    }
}

impl<K, V> NoneFallback for Builder<K, V> {}
