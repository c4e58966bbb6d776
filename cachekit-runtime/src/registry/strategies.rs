//! Strategies by name: those of the crate, and those that the program has named.

use crate::{
    policy::{Strategy, UnknownStrategy},
    sync::lock,
};
use std::{collections::BTreeMap, sync::Mutex};

static ADDED: Mutex<BTreeMap<String, Strategy>> = Mutex::new(BTreeMap::new());

/// From now on [`AnyCache::set_strategy`](super::AnyCache::set_strategy) knows a strategy of the program's own by its [name](Strategy::name), which must not
/// be one of the crate's: those come first.
///
/// ```
/// # use cachekit_runtime as cachekit;
/// use cachekit::{Cache, policy::{Lru, Strategy}, registry};
///
/// registry::add_strategy(Strategy::of::<Lru>());
/// let cache: Cache<u64, u64> = Cache::builder().name("by-name").capacity(100).build();
/// registry::find("by-name").ok_or("it is there")?.set_strategy("Lru")?;
/// assert_eq!(cache.strategy().name(), "Lru");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn add_strategy(strategy: Strategy) {
    lock(&ADDED).insert(strategy.name().to_owned(), strategy);
    // It may have been waited for.
    #[cfg(feature = "config")]
    crate::config::apply_to_all();
}

/// The one of that name, and no error.
#[cfg(feature = "config")]
pub(crate) fn strategy_named(name: &str) -> Option<Strategy> {
    named(name).ok()
}

/// The names of all, the crate's first.
#[cfg(feature = "config")]
pub(crate) fn strategy_names() -> Vec<String> {
    let own: Vec<String> = lock(&ADDED).keys().cloned().collect();
    let fixed = Strategy::fixed();
    fixed.iter().chain([&Strategy::Adaptive]).map(|strategy| strategy.name().to_owned()).chain(own).collect()
}

pub(super) fn named(name: &str) -> Result<Strategy, UnknownStrategy> {
    name.parse().or_else(|unknown| lock(&ADDED).get(name).cloned().ok_or(unknown))
}
