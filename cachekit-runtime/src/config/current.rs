//! What the configuration says of caches now, and having it hold for them.
//!
//! A cache is in the registry before it asks for what is said of it, and what is said is in place before all in the registry are told: so none is left out, and
//! the number of the configuration tells an old one from a new one where both are on their way.

use super::{
    grammar::{Origin, Stated, What, name_of, no_strategy},
    rules::counting,
    sources::{self, Rules},
    watch,
};
use crate::{
    Error,
    cache::{Change, Configured, Setting, Whereabouts},
    outcome::Tier,
    registry::{self, AnyCache, Bound, Source},
    sync::lock,
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, OnceLock},
};

/// One that is in force, and its number.
#[derive(Clone)]
pub(super) struct Current {
    pub(super) rules: Arc<Rules>,
    pub(super) version: u64,
}

static LATER: Mutex<Option<Current>> = Mutex::new(None);

pub(super) fn current() -> Current {
    if let Some(current) = &*lock(&LATER) {
        return current.clone();
    }
    static FIRST: OnceLock<Current> = OnceLock::new();
    let first = FIRST.get_or_init(|| {
        let Rules { file, environment } = &sources::first().rules;
        Current { rules: Arc::new(Rules { file: file.clone(), environment: environment.clone() }), version: 1 }
    });
    first.clone()
}

/// Puts rules in place, or has those that are there be looked at anew.
fn next(rules: Option<Rules>) -> Current {
    let before = current();
    let mut later = lock(&LATER);
    let before = later.as_ref().unwrap_or(&before);
    let next = Current { rules: rules.map_or_else(|| before.rules.clone(), Arc::new), version: before.version + 1 };
    later.insert(next).clone()
}

pub(super) fn replace(rules: Rules) -> Current {
    next(Some(rules))
}

/// A cache has just come into the registry.
pub(crate) fn apply_to_new(name: &str) {
    watch::begin();
    let Some((cache, slot)) = registry::find_slot(name) else { return };
    let current = current();
    let (configured, mistakes) = fit(&current.rules, &*cache);
    for mistake in mistakes {
        tracing::error!("{mistake}");
    }
    slot.configure(current.version, configured);
}

/// All caches of the registry get what is said of them. Returns what has changed.
pub(super) fn apply(current: &Current) -> Vec<(String, Vec<Setting>)> {
    let mut changed = Vec::new();
    for (cache, slot) in registry::slots() {
        let settings = slot.configure(current.version, fit(&current.rules, &*cache).0);
        if !settings.is_empty() {
            changed.push((cache.name().to_owned(), settings));
        }
    }
    changed
}

/// Something that rules name may be known now that was not.
pub(crate) fn apply_to_all() {
    if registry::has_any() {
        // A number of its own: who has found what fits before does not put that in place afterwards.
        apply(&next(None));
    }
}

/// What is said of the cache and can hold for it; and what cannot, where it is said of this very one.
pub(super) fn fit(rules: &Rules, cache: &dyn AnyCache) -> (BTreeMap<Setting, Configured>, Vec<Error>) {
    let (mut configured, mut mistakes) = (BTreeMap::new(), Vec::new());
    for (rules, source) in [(&rules.file, Source::File), (&rules.environment, Source::Environment)] {
        for (setting, counting) in counting(rules, cache.name()) {
            match fitting(counting.stated, cache) {
                Ok(change) => _ = configured.insert(setting, Configured { change, source }),
                Err(Unfit::Nowhere(message)) => mistakes.push(counting.stated.origin.mistake(message)),
                // What is said of many need not be about each.
                Err(Unfit::Here(message)) if counting.is_exact => {
                    mistakes.push(counting.stated.origin.mistake(message));
                }
                Err(Unfit::Here(_)) => {}
            }
        }
    }
    if let Some(mistake) = without_any_tier(&mut configured, rules, cache) {
        mistakes.push(mistake);
    }
    (configured, mistakes)
}

/// Why something cannot hold for a cache.
enum Unfit {
    /// It does for others.
    Here(String),
    /// Nor for any.
    Nowhere(String),
}

fn fitting(stated: &Stated, cache: &dyn AnyCache) -> Result<Change, Unfit> {
    let name = cache.name();
    let change = match &stated.what {
        What::Strategy(strategy) => {
            let known = registry::strategy_named(strategy);
            return known
                .map(Change::Strategy)
                .ok_or_else(|| Unfit::Nowhere(no_strategy(strategy, &registry::strategy_names())));
        }
        What::Change(change) => change,
    };
    let is_weighed = matches!(cache.configuration().bound, Bound::Weight(_));
    match change {
        Change::Capacity(_) if is_weighed => {
            return Err(Unfit::Here(format!("`{name}` is bounded by bytes: write `max_bytes` in place of `capacity`")));
        }
        Change::MaxBytes(_) if !is_weighed => {
            return Err(Unfit::Here(format!(
                "`{name}` is bounded by entries: write `capacity` in place of `max_bytes`"
            )));
        }
        Change::Tier(tier, _) => {
            let declared = declared(cache);
            if !declared.contains(tier) {
                let tiers: Vec<&str> = declared.iter().map(|tier| name_of(*tier)).collect();
                return Err(Unfit::Here(format!(
                    "`{name}` has no tier `{}`, and a configuration adds none: its code declares `{}`; add it to the `backend` of its attribute",
                    name_of(*tier),
                    tiers.join("`, `")
                )));
            }
        }
        _ => {}
    }
    Ok(change.clone())
}

fn declared(cache: &dyn AnyCache) -> Vec<Tier> {
    let mut tiers: Vec<Tier> = cache.tiers().iter().map(|state| state.tier).collect();
    tiers.sort();
    tiers.dedup();
    tiers
}

/// A cache keeps one tier at least.
fn without_any_tier(
    configured: &mut BTreeMap<Setting, Configured>,
    rules: &Rules,
    cache: &dyn AnyCache,
) -> Option<Error> {
    let is_off = |tier: &Tier| {
        let said = configured.get(&Setting::Tier(*tier)).map(|configured| &configured.change);
        matches!(said, Some(Change::Tier(_, Whereabouts::Off)))
    };
    let declared = declared(cache);
    let last = *declared.last()?;
    if !declared.iter().all(is_off) {
        return None;
    }
    configured.retain(|setting, _| !matches!(setting, Setting::Tier(_)));
    let said = [&rules.environment, &rules.file].map(|rules| {
        let counting = counting(rules, cache.name());
        counting.get(&Setting::Tier(last)).map(|counting| counting.stated.origin.clone())
    });
    let origin: Origin = said.into_iter().flatten().next()?;
    let name = cache.name();
    Some(origin.mistake(format!("this switches off the last tier of `{name}`: write `enabled = false` for it instead")))
}
