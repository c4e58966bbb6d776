//! A cache: typed memory, its flights, and all that can be done with them.

mod adapt;
#[cfg(feature = "advice")]
mod advise;
mod allowed;
#[cfg(feature = "backend")]
mod alone;
#[cfg(feature = "backend")]
mod arrangement;
mod batch;
mod besides;
mod bond;
mod builder;
#[cfg(feature = "backend")]
mod builder_far;
#[cfg(feature = "registry")]
mod builder_registry;
mod call;
#[cfg(feature = "backend")]
mod captured;
#[cfg(feature = "backend")]
mod confirm;
mod core;
mod detach;
mod entry;
mod explain;
#[cfg(feature = "backend")]
mod far_operations;
#[cfg(feature = "backend")]
mod far_tiers;
#[cfg(not(feature = "backend"))]
#[path = "near_only.rs"]
mod far_tiers;
mod follow;
#[cfg(feature = "backend")]
mod keys_met;
mod lead;
mod levels;
mod live;
mod look;
#[cfg(feature = "registry")]
mod managed;
mod map;
mod miss;
mod miss_async;
#[cfg(feature = "backend")]
mod near;
#[cfg(feature = "backend")]
mod near_index;
mod read_through;
mod refresh;
mod refreshing;
mod setting;
mod settings;
#[cfg(feature = "backend")]
mod snapshot;
#[cfg(feature = "backend")]
mod softened;
mod store;
mod timeout;
mod traced;
#[cfg(feature = "backend")]
mod turn;
mod upkeep;

pub use batch::{Batch, SameKey, SharesValue, batch, batch_of, batch_of_options};
pub use builder::{Builder, NoneFallback};
pub use call::Call;
#[cfg(feature = "backend")]
pub use captured::Captured;
pub(crate) use explain::explain;
#[cfg(feature = "backend")]
pub(crate) use explain::explain_async;
pub use explain::{Bypassed, Explain, FarPlaces, State};
#[cfg(all(feature = "config", feature = "registry"))]
pub(crate) use levels::Configured;
pub(crate) use look::count_bypass;
pub use look::{Look, Unfound, glance, look, look_on, look_refresh, look_traced};
#[cfg(feature = "registry")]
pub(crate) use managed::{SeenEntry, WeakCache};
pub use map::{Compute, EntryRef};
pub(crate) use map::{get, get_far, insert, invalidate};
pub use miss::Miss;
pub use refresh::{Refresh, Stale};
pub use setting::Setting;
#[cfg(feature = "config")]
pub(crate) use setting::{Change, Whereabouts};

pub(crate) use self::core::Core;
use crate::{
    hashing::hash_parts_by,
    key::{Key, Parts},
    output::Value,
    scope,
    stats::Stats,
    tags::{self, TagRegistry},
    time::Clock,
};
use adapt::Adapt;
use far_tiers::FarTiers;
use foldhash::fast::RandomState;
use settings::Settings;
use std::{
    borrow::Cow,
    fmt,
    sync::{Arc, Weak},
};
use upkeep::Upkeep;

/// Entries that a cache holds at most unless told otherwise.
pub(crate) const DEFAULT_CAPACITY: usize = 10_000;

/// A cache in the memory of this process, with single flight.
///
/// Handles are cheap to clone and stand for the same cache. All operations can be called from any thread, inside and outside of async runtimes.
/// None of them panics, but for panics of the user's own `Hash`, `Eq`, `Clone` and loaders, which pass through and leave the cache usable.
///
/// `Clone`, `Hash` and `Eq` of keys and values run under a lock of the cache and must not call it.
///
/// ```
/// # use cachekit_runtime as cachekit;
/// use cachekit::Cache;
///
/// let lengths: Cache<String, usize> = Cache::builder().capacity(100).build();
/// assert_eq!(lengths.get_or_compute("four", || 4), 4);
/// assert_eq!(lengths.get("four"), Some(4));
/// lengths.invalidate("four");
/// assert_eq!(lengths.get("four"), None);
/// ```
pub struct Cache<K, V> {
    core: Arc<Core<K, V>>,
    /// The core's, once more: in a static its seed is read while the core's address is still on its way.
    fold: RandomState,
}

impl<K, V> Clone for Cache<K, V> {
    fn clone(&self) -> Self {
        Cache { core: self.core.clone(), fold: self.fold.clone() }
    }
}

impl<K, V> fmt::Debug for Cache<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache").field("name", &self.name()).field("entries", &self.core.len()).finish_non_exhaustive()
    }
}

impl<K: Key, V: Value> Cache<K, V> {
    /// Starts a builder with the defaults: 10 000 entries, the default strategy, no expiry.
    pub fn builder() -> Builder<K, V> {
        Builder::default()
    }

    pub(crate) fn from_settings(settings: Settings<K, V>) -> Self {
        scope::read_environment();
        let clock = settings.clock.clone().unwrap_or_else(Clock::system);
        Self::with(Arc::new(settings), clock, tags::global().clone(), FarTiers::new())
    }

    /// An empty cache of the same settings.
    pub(crate) fn with_environment(&self, clock: Clock, tags: Arc<TagRegistry>) -> Self {
        Self::with(self.core.settings.clone(), clock, tags, FarTiers::of_scope())
    }

    fn with(settings: Arc<Settings<K, V>>, clock: Clock, tags: Arc<TagRegistry>, far_tiers: FarTiers<K, V>) -> Self {
        let core = Arc::new_cyclic(|core: &Weak<Core<K, V>>| {
            Core::new(
                settings,
                clock,
                tags,
                Upkeep::of(core.clone()),
                Adapt::of(core.clone()),
                #[cfg(feature = "advice")]
                advise::Advise::of(core.clone()),
                far_tiers.of(core.clone()),
            )
        });
        Cache { fold: core.hasher.fold(), core }
    }

    #[inline]
    fn hash_parts<P: Parts>(&self, parts: &P) -> u64 {
        hash_parts_by(&self.fold, parts)
    }

    /// What this thread's scope makes of the cache.
    #[inline]
    fn here(&self) -> Cow<'_, Cache<K, V>> {
        if scope::is_special() { Cow::Owned(self.in_scope()) } else { Cow::Borrowed(self) }
    }

    #[cold]
    fn in_scope(&self) -> Cache<K, V> {
        match scope::view(self) {
            scope::View::Cached(cache) | scope::View::Disabled(cache) | scope::View::DryRun(cache, _) => cache,
        }
    }
}

impl<K, V> Cache<K, V> {
    pub(crate) fn identity(&self) -> usize {
        Arc::as_ptr(&self.core).cast::<()>() as usize
    }

    /// The name it was built with.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.core.settings.name
    }

    /// The version it was built with.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.core.settings.version
    }
}

impl<K: Key, V: Value> Cache<K, V> {
    /// What has happened so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.here().core.stats()
    }

    /// Loads under way that later callers would join.
    #[must_use]
    pub fn loads_in_flight(&self) -> usize {
        self.here().core.flights.len()
    }
}

#[cfg(test)]
mod tests;
