//! Caches as JSON.

use cachekit_runtime::{
    Bypassed, Delivery, Explain, State, Tier,
    breaker::BreakerState,
    registry::{self, AnyCache, Bound, Entry, Source, Ttl},
    stats::Stats,
};
use serde_json::{Value, json};
use std::time::Duration;

/// A row of the table.
pub(super) fn summary(cache: &dyn AnyCache) -> Value {
    let (stats, configuration) = (cache.stats(), cache.configuration());
    let mut row = json!({
        "name": cache.name(),
        "enabled": configuration.is_enabled,
        "strategy": configuration.strategy,
        "ttl": ttl(configuration.ttl),
        "bound": bound(configuration.bound),
        "calls": stats.calls(),
        "hits": stats.hits + stats.stale_hits + stats.far.hits,
        // Neither in memory nor in a backend; calls that went around the cache are none.
        "misses": stats.misses.total().saturating_sub(stats.far.hits),
        "hit_ratio": stats.hit_ratio(),
        "entries": stats.entries,
        "weight": stats.weight,
        "loads": stats.loads,
        "load_errors": stats.load_errors + stats.load_panics + stats.load_timeouts,
        "evicted": stats.removals.evicted,
        "load_seconds": seconds(stats.load_time.sum()),
    });
    if let Some(open) = cache
        .tiers()
        .iter()
        .find(|tier| tier.breaker.as_ref().is_some_and(|breaker| breaker.state != BreakerState::Closed))
    {
        row["backend_down"] = json!(open.name);
    }
    row
}

/// All that there is to say of one.
pub(super) fn detail(cache: &dyn AnyCache) -> Value {
    let configuration = cache.configuration();
    let tiers: Vec<Value> = cache.tiers().iter().map(|state| {
        let breaker = state.breaker.as_ref().map(|breaker| json!({
            "state": match breaker.state {
                BreakerState::Closed => "closed",
                BreakerState::HalfOpen => "half_open",
                _ => "open",
            },
            "are_fills_paused": breaker.are_fills_paused,
            "opened": breaker.opened,
            "refused": breaker.refused,
            "in_flight": breaker.in_flight,
            "last_failure": breaker.last_failure,
        }));
        json!({ "tier": tier(state.tier), "name": state.name, "used": state.is_used, "breaker": breaker, "undelivered": state.undelivered })
    }).collect();
    let adaptive = cache.adaptive_stats().map(|adaptive| {
        json!({
            "current": adaptive.current,
            "switches": adaptive.switches,
            "candidates": adaptive.candidates.iter().map(|candidate| json!({
                "name": candidate.name,
                "last_window": candidate.last_window,
                "overall": candidate.overall,
                "failed": candidate.failed,
            })).collect::<Vec<_>>(),
        })
    });
    json!({
        "name": cache.name(),
        "place": cache.place().to_string(),
        "key_type": cache.key_type(),
        "value_type": cache.value_type(),
        "loads_in_flight": cache.loads_in_flight(),
        "advised": advised(cache),
        "counts_keys": counts_keys(cache),
        "configuration": {
            "enabled": configuration.is_enabled,
            "strategy": configuration.strategy,
            "bound": bound(configuration.bound),
            "ttl": ttl(configuration.ttl),
            "idle_seconds": configuration.idle.map(seconds),
            "stale_while_revalidate_seconds": seconds(configuration.stale_while_revalidate),
            "stale_if_error_seconds": seconds(configuration.stale_if_error),
            "refresh_ahead_percent": configuration.refresh_ahead,
            "version": configuration.version,
            "max_loads": configuration.max_loads,
            "single_flight": configuration.single_flight,
            "timeout_seconds": seconds(configuration.timeout),
            "lock_seconds": configuration.lock.map(seconds),
            "soft_load_timeout_seconds": configuration.soft_load_timeout.map(seconds),
            "hard_load_timeout_seconds": configuration.hard_load_timeout.map(seconds),
            // Elsewhere they cannot be set.
            "has_soft_load_timeout": configuration.has_soft_load_timeout,
            "has_hard_load_timeout": configuration.has_hard_load_timeout,
            "dry_run": configuration.is_dry_run,
            "sources": configuration.sources.iter().map(|(setting, source)| (setting.name().to_owned(), json!(of(*source)))).collect::<serde_json::Map<_, _>>(),
        },
        "stats": stats(&cache.stats()),
        "tiers": tiers,
        "adaptive": adaptive,
    })
}

/// `None`: the service is built without advice.
fn advised(cache: &dyn AnyCache) -> Option<bool> {
    #[cfg(feature = "advice")]
    return Some(cache.is_advised());
    #[cfg(not(feature = "advice"))]
    {
        let _ = cache;
        None
    }
}

/// `None`: the service is built without advice.
fn counts_keys(cache: &dyn AnyCache) -> Option<bool> {
    #[cfg(feature = "advice")]
    return Some(cache.counts_keys());
    #[cfg(not(feature = "advice"))]
    {
        let _ = cache;
        None
    }
}

/// `keys`: they are to be seen.
#[cfg(feature = "advice")]
pub(super) fn top(top: &cachekit_runtime::advice::TopKeys<String>, keys: bool) -> Value {
    let each = top.keys.iter().map(|one| {
        json!({
            "key": one.key.as_ref().filter(|_| keys),
            "in_memory": one.key.is_some(),
            "share": one.share,
            "share_at_least": one.share_at_least,
        })
    });
    json!({
        "keys": each.collect::<Vec<_>>(),
        "sampled": top.sampled,
        "dropped": top.dropped,
        "error": top.error,
    })
}

fn stats(stats: &Stats) -> Value {
    let times = &stats.load_time;
    let quantile = |part| (times.count() > 0).then(|| seconds(times.quantile(part)));
    json!({
        "calls": stats.calls(),
        "hit_ratio": stats.hit_ratio(),
        "hits": stats.hits,
        "stale_hits": stats.stale_hits,
        "misses": {
            "absent": stats.misses.absent,
            "expired": stats.misses.expired,
            "invalidated": stats.misses.invalidated,
            "unsure": stats.misses.unsure,
        },
        "joins": stats.joins,
        "stale_instead": stats.stale_instead,
        "takeovers": stats.takeovers.total(),
        "bypasses": {
            "asked": stats.bypasses.asked,
            "disabled": stats.bypasses.disabled,
            "cycle": stats.bypasses.cycle,
            "sync_beside_async": stats.bypasses.sync_beside_async,
            "released": stats.bypasses.released,
        },
        "loads": stats.loads,
        "batches": stats.batches,
        "load_errors": stats.load_errors,
        "load_panics": stats.load_panics,
        "load_timeouts": stats.load_timeouts,
        "load_cancels": stats.load_cancels,
        "load_time": {
            "count": times.count(),
            "sum_seconds": seconds(times.sum()),
            "p50_seconds": quantile(0.5),
            "p99_seconds": quantile(0.99),
            "buckets": times.buckets().map(|(upto, count)| json!([seconds(upto), count])).collect::<Vec<_>>(),
        },
        "over_limit": stats.over_limit,
        "refreshes": stats.refreshes,
        "refusals": {
            "not_cacheable": stats.refusals.not_cacheable,
            "invalidated": stats.refusals.invalidated,
            "too_heavy": stats.refusals.too_heavy,
        },
        "removals": {
            "evicted": stats.removals.evicted,
            "expired": stats.removals.expired,
            "invalidated": stats.removals.invalidated,
            "replaced": stats.removals.replaced,
        },
        "entries": stats.entries,
        "weight": stats.weight,
        "far": {
            "hits": stats.far.hits,
            "file_hits": stats.far.file_hits,
            "redis_hits": stats.far.redis_hits,
            // Parts of the three before.
            "stale_hits": stats.far.stale_hits,
            "file_stale_hits": stats.far.file_stale_hits,
            "redis_stale_hits": stats.far.redis_stale_hits,
            "misses": stats.far.misses,
            "errors": stats.far.errors,
            "skipped": stats.far.skipped,
            // With those of another shape, and those that are too large.
            "rejected": stats.far.rejected,
            "other_shape": stats.far.other_shape,
            "oversized": stats.far.oversized,
            "stores": stats.far.stores,
            "outdated": stats.far.outdated,
            "store_errors": stats.far.store_errors,
            "lock_waits": stats.far.lock_waits,
        },
    })
}

pub(super) fn entry(entry: &Entry, keys: bool) -> Value {
    json!({
        "key": keys.then_some(&entry.key),
        "value": entry.value.as_ref().map(|value| &value.text),
        "about": entry.about,
        "is_cut": entry.value.as_ref().is_some_and(|value| value.is_cut),
        "tier": tier(entry.tier),
        "state": state(entry.state),
        "age_seconds": entry.age.map(seconds),
        "ttl_left_seconds": entry.ttl_left.map(seconds),
        "tags": entry.tags,
    })
}

/// `addresses`: where backends have it, which says its key.
pub(super) fn explain(explain: &Explain, addresses: bool) -> Value {
    json!({
        "cache": explain.cache,
        // Why a call would compute whatever there is.
        "bypassed": explain.bypassed.map(|why| match why {
            Bypassed::DryRun => "dry_run",
            _ => "disabled",
        }),
        "state": state(explain.state),
        "tier": explain.tier.map(tier),
        "age_seconds": explain.age.map(seconds),
        "ttl_left_seconds": explain.ttl_left.map(seconds),
        "tags": explain.tags,
        "loading": explain.loading,
        "strategy": explain.strategy,
        "policy": explain.policy.as_ref().map(|policy| json!({
            "queue": policy.queue,
            "facts": policy.facts.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect::<serde_json::Map<_, _>>(),
            "text": policy.to_string(),
        })),
        "backends": explain.far.backends,
        "not_asked": explain.far.not_asked,
        "asked": explain.far.are_asked,
        "address": explain.far.address.as_ref().filter(|_| addresses),
        "tied_to_build": explain.far.tied_to_build,
    })
}

/// Names that were given twice.
pub(super) fn conflicts() -> Vec<Value> {
    let all = registry::conflicts();
    all.iter().map(|conflict| json!({ "name": conflict.name, "message": conflict.to_string() })).collect()
}

pub(super) fn delivery(delivery: Delivery) -> &'static str {
    match delivery {
        Delivery::Local => "local",
        Delivery::Queued => "queued",
        _ => "shared",
    }
}

fn bound(bound: Bound) -> Value {
    match bound {
        Bound::Entries(most) => json!({ "entries": most }),
        Bound::Weight(most) => json!({ "weight": most }),
        _ => Value::Null,
    }
}

fn ttl(ttl: Ttl) -> Value {
    match ttl {
        Ttl::Fixed(ttl) => json!({ "seconds": seconds(ttl) }),
        Ttl::ByValue => json!("by value"),
        _ => Value::Null,
    }
}

/// Who says what a setting is; the code says what is not listed.
fn of(source: Source) -> &'static str {
    match source {
        Source::File => "file",
        Source::Environment => "environment",
        Source::Live => "live",
        _ => "code",
    }
}

fn seconds(time: Duration) -> f64 {
    time.as_secs_f64()
}

pub(super) fn tier(tier: Tier) -> &'static str {
    match tier {
        Tier::Memory => "memory",
        Tier::File => "file",
        Tier::Redis => "redis",
        _ => "own",
    }
}

fn state(state: State) -> &'static str {
    match state {
        State::Fresh => "fresh",
        State::RefreshDue => "refresh due",
        State::Stale => "stale",
        State::Expired => "expired",
        State::Invalidated => "invalidated",
        State::Unsure => "unsure",
        _ => "absent",
    }
}
