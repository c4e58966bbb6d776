//! From the snapshots of the registry to numbers with labels.

use super::{
    Exporter, Metric, Value,
    table::{
        BACKEND_MISSES, BACKEND_SECONDS, BATCHES, BREAKER, BYPASSES, CACHES, CAPACITY, CONFLICTS, ENABLED, ENTRIES,
        FLIGHTS, HITS, IN_FLIGHT, JOINS, LOAD_FAILURES, LOAD_SECONDS, LOADS, LOCK_WAITS, MAX_WEIGHT, MISSES, OPENED,
        OVER_LIMIT, REFRESHES, REFUSALS, REFUSED, REMOVALS, STALE_INSTEAD, STORES, SWITCHES, TAGS, TAKEOVERS,
        UNDELIVERED, WEIGHT,
    },
};
use crate::{
    breaker::BreakerState,
    outcome::Tier,
    registry::{self, AnyCache, Bound, TierState},
    stats::Stats,
    tags,
};
use std::sync::Arc;

/// Hands all numbers of all caches to the exporter, cache by cache.
pub fn collect(exporter: &mut dyn Exporter) {
    let caches = registry::caches();
    let mut times = Vec::new();
    for cache in &caches {
        let tiers = cache.tiers();
        exporter.begin(cache.name(), cache.number());
        Of { cache: cache.name(), exporter }.all(cache, &tiers);
        times.extend(tiers.into_iter().filter_map(|tier| Some((tier.link?, tier.tier, tier.times?))));
    }
    // Caches share backends. What is slow in one place and quick in another is still two.
    times.sort_by_key(|(link, ..)| *link);
    times.dedup_by_key(|(link, ..)| *link);
    for tier in [Tier::File, Tier::Redis, Tier::Own] {
        let of_tier = times.iter().filter(|(_, other, _)| *other == tier).map(|(.., times)| times);
        if let Some(times) = of_tier.cloned().reduce(|one, other| one.and(&other)) {
            exporter.export(&BACKEND_SECONDS, &[("tier", tier.word())], Value::Histogram(&times));
        }
    }
    let process = [(&TAGS, tags::global().len()), (&CACHES, caches.len()), (&CONFLICTS, registry::conflicts().len())];
    for (metric, count) in process {
        exporter.export(metric, &[], Value::Gauge(count as f64));
    }
}

/// The numbers of one cache.
pub(super) struct Of<'a> {
    pub(super) cache: &'a str,
    pub(super) exporter: &'a mut dyn Exporter,
}

impl Of<'_> {
    fn all(&mut self, cache: &Arc<dyn AnyCache>, tiers: &[TierState]) {
        let stats = cache.stats();
        self.calls(&stats);
        self.loads(&stats);
        self.backends(&stats);
        if let Some(adaptive) = cache.adaptive_stats() {
            self.count(&SWITCHES, adaptive.switches);
        }
        let configuration = cache.configuration();
        self.level(&ENTRIES, stats.entries);
        match configuration.bound {
            Bound::Entries(most) => self.level(&CAPACITY, most),
            Bound::Weight(most) => {
                self.level(&WEIGHT, stats.weight);
                self.level(&MAX_WEIGHT, most);
            }
            Bound::Unbounded => {}
        }
        self.level(&FLIGHTS, cache.loads_in_flight() as u64);
        self.level(&ENABLED, u64::from(configuration.is_enabled));
        for tier in [Tier::File, Tier::Redis, Tier::Own] {
            let of_tier: Vec<&TierState> = tiers.iter().filter(|state| state.tier == tier).collect();
            self.tier(tier, &of_tier);
        }
    }

    pub(super) fn calls(&mut self, stats: &Stats) {
        self.hits(Tier::Memory, "fresh", stats.hits);
        self.hits(Tier::Memory, "stale", stats.stale_hits);
        let far = &stats.far;
        let own = far.hits.saturating_sub(far.file_hits + far.redis_hits);
        let own_stale = far.stale_hits.saturating_sub(far.file_stale_hits + far.redis_stale_hits);
        for (tier, all, stale) in [
            (Tier::File, far.file_hits, far.file_stale_hits),
            (Tier::Redis, far.redis_hits, far.redis_stale_hits),
            (Tier::Own, own, own_stale),
        ] {
            self.hits(tier, "fresh", all.saturating_sub(stale));
            self.hits(tier, "stale", stale);
        }
        let misses = &stats.misses;
        let why = [
            ("absent", misses.absent),
            ("expired", misses.expired),
            ("invalidated", misses.invalidated),
            ("unsure", misses.unsure),
        ];
        self.by(&MISSES, &why);
        let bypasses = &stats.bypasses;
        let why = [
            ("asked", bypasses.asked),
            ("disabled", bypasses.disabled),
            ("cycle", bypasses.cycle),
            ("sync_beside_async", bypasses.sync_beside_async),
            ("released", bypasses.released),
        ];
        self.by(&BYPASSES, &why);
        self.count(&JOINS, stats.joins);
        self.count(&STALE_INSTEAD, stats.stale_instead);
        let removals = &stats.removals;
        let why = [
            ("evicted", removals.evicted),
            ("expired", removals.expired),
            ("invalidated", removals.invalidated),
            ("replaced", removals.replaced),
        ];
        self.by(&REMOVALS, &why);
    }

    pub(super) fn loads(&mut self, stats: &Stats) {
        self.count(&LOADS, stats.loads);
        let why = [
            ("error", stats.load_errors),
            ("panic", stats.load_panics),
            ("timeout", stats.load_timeouts),
            ("cancelled", stats.load_cancels),
        ];
        self.by(&LOAD_FAILURES, &why);
        self.exporter.export(&LOAD_SECONDS, &[("cache", self.cache)], Value::Histogram(&stats.load_time));
        self.count(&BATCHES, stats.batches);
        self.count(&REFRESHES, stats.refreshes);
        let takeovers = &stats.takeovers;
        let why = [
            ("dropped", takeovers.after_drop),
            ("panicked", takeovers.after_panic),
            ("stalled", takeovers.after_stall),
        ];
        self.by(&TAKEOVERS, &why);
        self.count(&OVER_LIMIT, stats.over_limit);
        let refusals = &stats.refusals;
        let why = [
            ("not_cacheable", refusals.not_cacheable),
            ("invalidated", refusals.invalidated),
            ("too_heavy", refusals.too_heavy),
        ];
        self.by(&REFUSALS, &why);
    }

    pub(super) fn backends(&mut self, stats: &Stats) {
        let far = &stats.far;
        let corrupt = far.rejected.saturating_sub(far.other_shape + far.oversized);
        let why = [
            ("absent", far.misses.saturating_sub(far.rejected)),
            ("corrupt", corrupt),
            ("other_shape", far.other_shape),
            ("oversized", far.oversized),
            ("failed", far.errors),
            ("breaker_open", far.skipped),
        ];
        self.by(&BACKEND_MISSES, &why);
        let how = [("stored", far.stores), ("outdated", far.outdated), ("failed", far.store_errors)];
        self.by(&STORES, &how);
        self.count(&LOCK_WAITS, far.lock_waits);
    }

    /// The backends of one kind: several of one's own are one tier.
    pub(super) fn tier(&mut self, tier: Tier, states: &[&TierState]) {
        if states.is_empty() {
            return;
        }
        let labels = [("cache", self.cache), ("tier", tier.word())];
        let breakers = || states.iter().filter_map(|state| state.breaker.as_ref());
        let worst = breakers().map(|breaker| breaker.state).max_by_key(|state| match state {
            BreakerState::Closed => 0,
            BreakerState::HalfOpen => 1,
            BreakerState::Open => 2,
        });
        let worst = worst.unwrap_or(BreakerState::Closed);
        let all =
            [("closed", BreakerState::Closed), ("half_open", BreakerState::HalfOpen), ("open", BreakerState::Open)];
        for (name, state) in all {
            let [cache, tier] = labels;
            let is_it = if state == worst { 1.0 } else { 0.0 };
            self.exporter.export(&BREAKER, &[cache, tier, ("state", name)], Value::Gauge(is_it));
        }
        let counts = [
            (&OPENED, Value::Counter(breakers().map(|breaker| breaker.opened).sum())),
            (&REFUSED, Value::Counter(breakers().map(|breaker| breaker.refused).sum())),
            (&IN_FLIGHT, Value::Gauge(breakers().map(|breaker| f64::from(breaker.in_flight)).sum())),
            (&UNDELIVERED, Value::Gauge(states.iter().map(|state| state.undelivered as f64).sum())),
        ];
        for (metric, value) in counts {
            self.exporter.export(metric, &labels, value);
        }
    }

    fn hits(&mut self, tier: Tier, outcome: &'static str, hits: u64) {
        let labels = [("cache", self.cache), ("tier", tier.word()), ("outcome", outcome)];
        // Most caches have no backends.
        if tier == Tier::Memory || hits > 0 {
            self.exporter.export(&HITS, &labels, Value::Counter(hits));
        }
    }

    /// One number for each word of the second label.
    fn by(&mut self, metric: &'static Metric, counts: &[(&'static str, u64)]) {
        let label = metric.labels.get(1).copied().unwrap_or_default();
        for (word, count) in counts {
            self.exporter.export(metric, &[("cache", self.cache), (label, word)], Value::Counter(*count));
        }
    }

    fn count(&mut self, metric: &'static Metric, count: u64) {
        self.exporter.export(metric, &[("cache", self.cache)], Value::Counter(count));
    }

    fn level(&mut self, metric: &'static Metric, level: u64) {
        self.exporter.export(metric, &[("cache", self.cache)], Value::Gauge(level as f64));
    }
}
