//! Which cache.

use crate::diagnostics::size;
use crate::diagnostics::{Errors, store as say};
use crate::model::{Bound, Given, Key, Model, Store};

/// What is said once, where a cache is built.
pub(super) const OF_THE_CACHE: &[&str] = &[
    "backend",
    "codec",
    "compress",
    "near_ttl",
    "timeout",
    "lock",
    "on_backend_error",
    "strategy",
    "capacity",
    "max_bytes",
    "weigher",
    "hasher",
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
        && matches!(store.bound, Some(Bound::Unbounded))
        && let Some(name) = given.get("strategy")
    {
        errors.push(say::unbounded_strategy(name));
    }
}

/// Entries or bytes.
pub(super) fn one_bound(_: &Model, given: &Given, errors: &mut Errors) {
    if given.has("capacity")
        && let Some(name) = given.get("max_bytes")
    {
        errors.push(size::two_bounds(name));
    }
}

pub(super) fn weigher_weighs(_: &Model, given: &Given, errors: &mut Errors) {
    if !given.has("max_bytes")
        && !given.has("cache")
        && let Some(name) = given.get("weigher")
    {
        errors.push(size::weigher_alone(name));
    }
}

/// A cache without a key has one entry, which no other one makes room for and which needs no hash to be found. It may be too heavy for `max_bytes`.
pub(super) fn several_entries(model: &Model, given: &Given, errors: &mut Errors) {
    let one = matches!(&model.key, Key::Params(params) if params.is_empty());
    if !one || given.has("cache") {
        return;
    }
    for name in ["strategy", "capacity", "hasher"].iter().filter_map(|name| given.get(name)) {
        errors.push(say::one_entry(name));
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
