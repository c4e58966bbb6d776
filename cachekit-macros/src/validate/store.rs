//! Which cache.

use crate::diagnostics::{Errors, store as say};
use crate::model::{Capacity, Given, Model, Store};

/// What is said once, where a cache is built.
const OF_THE_CACHE: &[&str] = &[
    "backend",
    "strategy",
    "capacity",
    "name",
    "version",
    "ttl",
    "idle",
    "jitter",
    "refresh_ahead",
    "stale_while_revalidate",
    "stale_if_error",
    "refresh",
    "max_loads",
    "single_flight",
    "load_timeout",
    "errors",
    "none",
    "cache_if",
    "on_removal",
];

pub(super) fn strategy_evicts(model: &Model, given: &Given, errors: &mut Errors) {
    if let Store::Own(store) = &model.store
        && matches!(store.capacity, Some(Capacity::Unbounded))
        && let Some(name) = given.get("strategy")
    {
        errors.push(say::unbounded_strategy(name));
    }
}

pub(super) fn configured_elsewhere(_: &Model, given: &Given, errors: &mut Errors) {
    if !given.has("cache") {
        return;
    }
    for name in OF_THE_CACHE.iter().filter_map(|name| given.get(name)) {
        errors.push(say::cache_elsewhere(name));
    }
}
