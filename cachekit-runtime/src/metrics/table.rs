//! All metrics. `docs/metrics.md` has the same table, which a test compares.

use metrics::Unit;

/// One metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metric {
    /// As exporters know it.
    pub name: &'static str,
    /// What kind of number it is.
    pub kind: Kind,
    /// Of what: `count`, `seconds`, or `units` of a weigher, which are bytes unless it says otherwise.
    pub unit: &'static str,
    /// The names of its labels.
    pub labels: &'static [&'static str],
    /// What it means.
    pub help: &'static str,
}

/// The kind of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// Grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// How many took how long.
    Histogram,
}

impl Kind {
    /// In lower case.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        }
    }
}

impl Metric {
    /// Tells the recorder of the program what it is.
    pub(super) fn describe(&'static self) {
        let unit = if self.unit == "seconds" { Unit::Seconds } else { Unit::Count };
        match self.kind {
            Kind::Counter => metrics::describe_counter!(self.name, unit, self.help),
            Kind::Gauge => metrics::describe_gauge!(self.name, unit, self.help),
            Kind::Histogram => metrics::describe_histogram!(self.name, unit, self.help),
        }
    }
}

macro_rules! table {
    ($($id:ident: $kind:ident $name:literal $unit:literal $labels:expr, $help:literal;)*) => {
        $(pub(super) static $id: Metric =
            Metric { name: $name, kind: Kind::$kind, unit: $unit, labels: &$labels, help: $help };)*

        /// All metrics, in the order in which they are exported of one cache.
        pub static METRICS: &[&Metric] = &[$(&$id),*];
    };
}

table! {
    HITS: Counter "cachekit_hits_total" "count" ["cache", "tier", "outcome"], "Calls that got a value from a tier: fresh, or stale within an allowance.";
    MISSES: Counter "cachekit_misses_total" "count" ["cache", "reason"], "Looks in memory that found nothing usable, and why.";
    BACKEND_MISSES: Counter "cachekit_backend_misses_total" "count" ["cache", "reason"], "Looks at backends that found nothing usable, and why; failed and breaker_open count invalidations too.";
    BYPASSES: Counter "cachekit_bypasses_total" "count" ["cache", "reason"], "Calls that computed beside the cache, and why.";
    JOINS: Counter "cachekit_joins_total" "count" ["cache"], "Misses that waited for the load of another call.";
    STALE_INSTEAD: Counter "cachekit_stale_instead_total" "count" ["cache"], "Misses that a stale value answered, because the load failed or took too long.";
    LOADS: Counter "cachekit_loads_total" "count" ["cache"], "Loads that were started.";
    LOAD_FAILURES: Counter "cachekit_load_failures_total" "count" ["cache", "reason"], "Loads that ended without a value, and why.";
    LOAD_SECONDS: Histogram "cachekit_load_seconds" "seconds" ["cache"], "How long loads took that ended by a value, an error, a panic or a timeout.";
    BATCHES: Counter "cachekit_batches_total" "count" ["cache"], "Runs of the body of a batch function.";
    REFRESHES: Counter "cachekit_refreshes_total" "count" ["cache"], "Refreshes that were started.";
    TAKEOVERS: Counter "cachekit_takeovers_total" "count" ["cache", "reason"], "Loads that a waiting call took over, and what had become of the first one.";
    OVER_LIMIT: Counter "cachekit_loads_over_limit_total" "count" ["cache"], "Nested loads that ran over max_loads, because waiting could have been for ever.";
    REFUSALS: Counter "cachekit_refusals_total" "count" ["cache", "reason"], "Loaded values that were not stored, and why.";
    REMOVALS: Counter "cachekit_removals_total" "count" ["cache", "cause"], "Entries that left memory, and why.";
    STORES: Counter "cachekit_backend_stores_total" "count" ["cache", "outcome"], "Values on their way into backends: stored, outdated by an invalidation, failed.";
    LOCK_WAITS: Counter "cachekit_backend_lock_waits_total" "count" ["cache"], "Calls that waited for the fill of another process.";
    SWITCHES: Counter "cachekit_strategy_switches_total" "count" ["cache"], "Switches of the strategy of an adaptive cache.";
    ENTRIES: Gauge "cachekit_entries" "count" ["cache"], "Entries in memory.";
    CAPACITY: Gauge "cachekit_capacity_entries" "count" ["cache"], "The most entries in memory, of caches that are bounded so.";
    WEIGHT: Gauge "cachekit_weight" "units" ["cache"], "What the entries in memory weigh together, of caches that are bounded by weight.";
    MAX_WEIGHT: Gauge "cachekit_max_weight" "units" ["cache"], "The most that they may weigh.";
    FLIGHTS: Gauge "cachekit_loads_in_flight" "count" ["cache"], "Loads under way that calls would join.";
    ENABLED: Gauge "cachekit_enabled" "count" ["cache"], "1 while the cache is switched on, else 0.";
    BREAKER: Gauge "cachekit_breaker_state" "count" ["cache", "tier", "state"], "1 for the state of the breaker of the backend, 0 for the others.";
    OPENED: Counter "cachekit_breaker_opened_total" "count" ["cache", "tier"], "How often the breaker of the backend has opened.";
    REFUSED: Counter "cachekit_breaker_refused_total" "count" ["cache", "tier"], "Operations that the breaker of the backend has refused.";
    IN_FLIGHT: Gauge "cachekit_backend_operations_in_flight" "count" ["cache", "tier"], "Operations of all caches that are under way in the backend.";
    UNDELIVERED: Gauge "cachekit_undelivered_invalidations" "count" ["cache", "tier"], "Invalidations of all caches that the backend has not taken yet.";
    BACKEND_SECONDS: Histogram "cachekit_backend_seconds" "seconds" ["tier"], "How long operations of backends took, failed ones included.";
    TAGS: Gauge "cachekit_tags" "count" [], "Tags that the process knows.";
    CACHES: Gauge "cachekit_caches" "count" [], "Caches in the registry.";
    CONFLICTS: Gauge "cachekit_name_conflicts" "count" [], "Places in the source that give a cache the name of another one.";
}
