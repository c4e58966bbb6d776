//! The first step of a call: look in memory.

use super::{
    Cache, Core,
    entry::Worth,
    miss::{Miss, Plan},
    refresh::{Kind, Stale},
};
use crate::{
    key::{Key, Parts},
    memory::Glance,
    outcome::{Outcome, OutcomeKind},
    output::Value,
    scope::{self, View},
    stats::{Bypass, Miss as Why},
};
use std::sync::Arc;

/// What a look found. Owns its key, so that the body may move every argument of the call.
pub enum Look<K, V> {
    /// A fresh value.
    Hit(V),
    /// A value that is past its refresh point or its ttl, within an allowance.
    Stale(Stale<K, V>),
    /// Nothing: the call has to load, or to join who does.
    Miss(Miss<K, V>),
}

impl<K, V> Look<K, V> {
    /// Itself, out of the memory where a call returned it: that memory would otherwise be the one in which a hit is built too.
    #[inline(always)]
    fn moved(self) -> Self {
        match self {
            Look::Hit(value) => Look::Hit(value),
            Look::Stale(stale) => Look::Stale(stale),
            Look::Miss(miss) => Look::Miss(miss),
        }
    }
}

/// What a glance knows of what it did not find.
#[derive(Debug, Clone, Copy)]
pub struct Unfound {
    hash: u64,
    is_absent: bool,
}

/// Looks for the key that the parts stand for, on the path of a hit alone; [`look_on`] goes on from there.
///
/// Always inlined, and hands the parts to nobody: a caller that makes others for what is not a hit, out of the way (see
/// [`apart`](crate::private::apart)), has its hits in registers.
///
/// # Errors
/// It takes a closer look.
#[inline(always)]
pub fn glance<P: Parts, V: Value>(cache: &Cache<P::Key, V>, parts: &P) -> Result<V, Unfound> {
    let hash = cache.hash_parts(parts);
    match cache.core.fast_hit(hash, |key| parts.matches_key(key)) {
        Glance::Hit(value) => Ok(value),
        Glance::Absent => Err(Unfound { hash, is_absent: true }),
        Glance::Unsure => Err(Unfound { hash, is_absent: false }),
    }
}

/// Looks for the key that the parts stand for.
///
/// Always inlined, so that a hit builds no [`Look`] in memory. What is not a hit is behind a call that never is, so that a caller's frame is that of
/// the hit.
#[inline(always)]
pub fn look<P: Parts, V: Value>(cache: &Cache<P::Key, V>, parts: &P) -> Look<P::Key, V> {
    match glance(cache, parts) {
        Ok(value) => Look::Hit(value),
        Err(unfound) => look_on(cache, parts, unfound).moved(),
    }
}

/// As [`look`], and says how it ended.
pub fn look_traced<P: Parts, V: Value>(cache: &Cache<P::Key, V>, parts: &P, trace: &mut Outcome) -> Look<P::Key, V> {
    if scope::is_special() {
        return look_closer(cache, parts, trace);
    }
    let hash = cache.core.hash(parts);
    cache.core.saw(hash);
    look_slowly(&cache.core, hash, parts, trace)
}

/// A miss whatever is there: its load replaces it, and loads under way are not stored.
pub fn look_refresh<P: Parts, V: Value>(cache: &Cache<P::Key, V>, parts: &P, trace: &mut Outcome) -> Miss<P::Key, V> {
    let cache = match scope::view(cache) {
        View::Disabled(cache) => {
            cache.core.counters.bypass(Bypass::Disabled);
            trace.computed(OutcomeKind::Bypassed);
            return Miss::new(cache.core.clone(), 0, None, Plan::Bypass);
        }
        View::Cached(cache) | View::DryRun(cache, _) => cache,
    };
    let core = &cache.core;
    if !core.live.is_enabled() {
        core.counters.bypass(Bypass::Disabled);
        trace.computed(OutcomeKind::Bypassed);
        return Miss::new(core.clone(), 0, None, Plan::Bypass);
    }
    let hash = core.hash(parts);
    core.counters.miss(match core.find(hash, |key| parts.matches_key(key), false) {
        None => Why::Absent,
        Some(_) => Why::Invalidated,
    });
    Miss::new(core.clone(), hash, parts.to_key(), Plan::Refresh)
}

/// The rest of a look whose glance found no hit beyond doubt, or no fast way to it.
#[cold]
#[inline(never)]
pub fn look_on<P: Parts, V: Value>(cache: &Cache<P::Key, V>, parts: &P, unfound: Unfound) -> Look<P::Key, V> {
    let core = &cache.core;
    let Unfound { hash, is_absent } = unfound;
    if is_absent {
        core.count_absent();
        return Look::Miss(Miss::new(core.clone(), hash, parts.to_key(), Plan::Load));
    }
    if scope::is_special() {
        return look_closer(cache, parts, &mut Outcome::new());
    }
    if !core.hasher.is_own() {
        return look_slowly(core, hash, parts, &mut Outcome::new());
    }
    let hash = core.hash(parts);
    match core.fast_own_hit(hash, |key| parts.matches_key(key)) {
        Glance::Hit(value) => Look::Hit(value),
        _ => look_slowly(core, hash, parts, &mut Outcome::new()),
    }
}

fn look_closer<P: Parts, V: Value>(cache: &Cache<P::Key, V>, parts: &P, trace: &mut Outcome) -> Look<P::Key, V> {
    match scope::view(cache) {
        View::Cached(cache) => {
            let hash = cache.core.hash(parts);
            cache.core.saw(hash);
            look_slowly(&cache.core, hash, parts, trace)
        }
        View::Disabled(cache) => {
            cache.core.counters.bypass(Bypass::Disabled);
            trace.computed(OutcomeKind::Bypassed);
            Look::Miss(Miss::new(cache.core.clone(), 0, None, Plan::Bypass))
        }
        View::DryRun(cache, scope) => {
            let report = scope.report().clone();
            let hash = cache.core.hash(parts);
            cache.core.saw(hash);
            match look_slowly(&cache.core, hash, parts, trace) {
                Look::Hit(value) => {
                    Look::Miss(Miss::new(cache.core.clone(), hash, parts.to_key(), Plan::Compare(value, report)))
                }
                Look::Stale(stale) => Look::Miss(stale.compared(report)),
                // The places of a scope are in memory, and do not block.
                Look::Miss(miss) => match parts.to_key().and_then(|key| cache.far_value(&key)) {
                    Some(value) => {
                        Look::Miss(Miss::new(cache.core.clone(), hash, parts.to_key(), Plan::Compare(value, report)))
                    }
                    None => Look::Miss(miss),
                },
            }
        }
    }
}

/// The look of a cache in use whose every call computes.
#[cold]
fn look_dry<P: Parts, V: Value>(
    core: &Arc<Core<P::Key, V>>,
    hash: u64,
    parts: &P,
    trace: &mut Outcome,
) -> Look<P::Key, V> {
    let report = core.live.dry_run_report();
    match look_precisely(core, hash, parts, trace) {
        Look::Hit(value) => Look::Miss(Miss::new(core.clone(), hash, parts.to_key(), Plan::Compare(value, report))),
        Look::Stale(stale) => Look::Miss(stale.compared(report)),
        #[cfg(feature = "backend")]
        Look::Miss(miss) if core.settings.far.is_far() && matches!(miss.inner.plan, Plan::Load) => {
            Look::Miss(Miss::new(core.clone(), hash, parts.to_key(), Plan::CompareFar(report)))
        }
        Look::Miss(miss) => Look::Miss(miss),
    }
}

/// The precise look, for everything that is not a hit beyond doubt; the simulations know of it.
fn look_slowly<P: Parts, V: Value>(
    core: &Arc<Core<P::Key, V>>,
    hash: u64,
    parts: &P,
    trace: &mut Outcome,
) -> Look<P::Key, V> {
    if core.live.is_dry_run() { look_dry(core, hash, parts, trace) } else { look_precisely(core, hash, parts, trace) }
}

fn look_precisely<P: Parts, V: Value>(
    core: &Arc<Core<P::Key, V>>,
    hash: u64,
    parts: &P,
    trace: &mut Outcome,
) -> Look<P::Key, V> {
    if !core.live.is_enabled() {
        core.counters.bypass(Bypass::Disabled);
        trace.computed(OutcomeKind::Bypassed);
        return Look::Miss(Miss::new(core.clone(), 0, None, Plan::Bypass));
    }
    let is_key = |key: &P::Key| parts.matches_key(key);
    let found = core.find(hash, is_key, true);
    let why = match found {
        None => Why::Absent,
        Some(found) => match (found.worth, found.value) {
            (Worth::Fresh, Some(value)) => {
                core.counters.hit();
                trace.found_in_memory(OutcomeKind::Hit, found.age);
                return Look::Hit(value);
            }
            (worth @ (Worth::Ahead | Worth::Stale), Some(value)) => {
                let kind = if worth == Worth::Ahead { Kind::Ahead } else { Kind::Stale };
                match kind {
                    Kind::Ahead => {
                        core.counters.hit();
                        trace.found_in_memory(OutcomeKind::Hit, found.age);
                    }
                    Kind::Stale => {
                        core.counters.stale_hit();
                        trace.found_in_memory(OutcomeKind::StaleHit, found.age);
                    }
                }
                let Some(key) = parts.to_key() else { return Look::Hit(value) };
                let stale = Stale::new(core.clone(), hash, key, value);
                if core.settings.refreshes() {
                    return Look::Stale(stale);
                }
                // The allowance is not of the code, which therefore knows of no refresh.
                return stale.claim_inline().map_or_else(Look::Miss, Look::Hit);
            }
            (Worth::Invalidated, _) => Why::Invalidated,
            (Worth::Unsure, _) => Why::Unsure,
            _ => Why::Expired,
        },
    };
    if why != Why::Absent {
        core.remove_spent(hash, is_key);
    }
    core.counters.miss(why);
    Look::Miss(Miss::new(core.clone(), hash, parts.to_key(), Plan::Load))
}

/// Counts a call that `bypass_if` sent past the cache.
pub(crate) fn count_bypass<K: Key, V: Value>(cache: &Cache<K, V>, trace: &mut Outcome) {
    cache.here().core.counters.bypass(Bypass::Asked);
    trace.computed(OutcomeKind::Bypassed);
}
