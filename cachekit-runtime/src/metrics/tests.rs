use super::*;
use crate::{Cache, Place, backend::MemoryBytes};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// A user's exporter.
#[derive(Default)]
struct Everything {
    /// By metric and labels, as `name{a="b"}`.
    numbers: BTreeMap<String, f64>,
    metrics: BTreeSet<&'static str>,
}

impl Exporter for Everything {
    fn export(&mut self, metric: &'static Metric, labels: &[(&'static str, &str)], value: Value<'_>) {
        let names: Vec<&str> = labels.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, metric.labels, "{}", metric.name);
        let (kind, number) = match value {
            Value::Counter(count) => (Kind::Counter, count as f64),
            Value::Gauge(level) => (Kind::Gauge, level),
            Value::Histogram(times) => (Kind::Histogram, times.count() as f64),
        };
        assert_eq!(kind, metric.kind, "{}", metric.name);
        self.metrics.insert(metric.name);
        let labels: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
        let series = format!("{}{{{}}}", metric.name, labels.join(","));
        assert!(self.numbers.insert(series.clone(), number).is_none(), "{series} twice");
    }
}

fn collected() -> Everything {
    let mut everything = Everything::default();
    collect(&mut everything);
    everything
}

fn one_of_each() -> (Cache<u64, String>, Cache<u64, u64>) {
    let weighed: Cache<u64, String> = Cache::builder().name("m::weighed").max_bytes(1 << 20).build();
    weighed.get_or_compute(&1, || "one".to_owned());
    let far: Cache<u64, u64> = Cache::builder()
        .name("m::far")
        .strategy(crate::policy::Strategy::Adaptive)
        .backends([Place::memory(), Place::own(Arc::new(MemoryBytes::new()))])
        .build();
    far.get_or_compute(&1, || 1);
    crate::flush().wait();
    (weighed, far)
}

#[test]
fn what_is_exported_is_what_the_documentation_says() {
    let _caches = one_of_each();
    let everything = collected();
    let known: BTreeSet<&str> = METRICS.iter().map(|metric| metric.name).collect();
    assert_eq!((everything.metrics, known.len()), (known, METRICS.len()));
    let documented: Vec<&str> =
        include_str!("../../../docs/metrics.md").lines().filter(|line| line.starts_with("| `cachekit_")).collect();
    let row = |metric: &&Metric| {
        let labels: Vec<String> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
        let (name, kind, unit, help) = (metric.name, metric.kind.name(), metric.unit, metric.help);
        format!("| `{name}` | {kind} | {unit} | {} | {help} |", labels.join(", "))
    };
    let written: Vec<String> = METRICS.iter().map(row).collect();
    assert_eq!(documented, written, "docs/metrics.md is to have:\n{}", written.join("\n"));
}

#[test]
fn numbers_are_those_of_the_statistics() {
    let cache: Cache<u64, u64> = Cache::builder().name("m::numbers").capacity(2).build();
    (0..5).for_each(|key| _ = cache.get_or_compute(&key, || key));
    let hits = (0..5).filter(|key| cache.get(key).is_some()).count();
    let everything = collected();
    let number = |series: &str| everything.numbers.get(series).copied();
    assert_eq!(number("cachekit_loads_total{cache=\"m::numbers\"}"), Some(5.0));
    assert_eq!(number("cachekit_load_seconds{cache=\"m::numbers\"}"), Some(5.0));
    assert_eq!(number("cachekit_entries{cache=\"m::numbers\"}"), Some(2.0));
    assert_eq!(number("cachekit_capacity_entries{cache=\"m::numbers\"}"), Some(2.0));
    assert_eq!(number("cachekit_removals_total{cache=\"m::numbers\",cause=\"evicted\"}"), Some(3.0));
    assert_eq!(
        number("cachekit_hits_total{cache=\"m::numbers\",tier=\"memory\",outcome=\"fresh\"}"),
        Some(hits as f64)
    );
    assert_eq!(number("cachekit_misses_total{cache=\"m::numbers\",reason=\"absent\"}"), Some((10 - hits) as f64));
    assert_eq!(number("cachekit_weight{cache=\"m::numbers\"}"), None, "it has none");
    cache.set_enabled(false);
    assert_eq!(collected().numbers.get("cachekit_enabled{cache=\"m::numbers\"}"), Some(&0.0));
}

#[test]
fn backends_are_told_apart_by_their_tier() {
    let bytes = Arc::new(MemoryBytes::new());
    let build = || -> Cache<u64, u64> {
        Cache::builder().name("m::tiers").backends([Place::memory(), Place::own(bytes.clone())]).build()
    };
    let cache = build();
    (1..=3).for_each(|key| _ = cache.get_or_compute(&key, || key));
    crate::flush().wait();
    cache.retain(|_, _| false);
    cache.get_or_compute(&1, || unreachable!());
    let everything = collected();
    let number = |series: &str| everything.numbers.get(series).copied();
    assert_eq!(number("cachekit_hits_total{cache=\"m::tiers\",tier=\"own\",outcome=\"fresh\"}"), Some(1.0));
    assert_eq!(number("cachekit_backend_misses_total{cache=\"m::tiers\",reason=\"absent\"}"), Some(3.0));
    assert_eq!(number("cachekit_backend_stores_total{cache=\"m::tiers\",outcome=\"stored\"}"), Some(3.0));
    for (state, is_it) in [("closed", 1.0), ("half_open", 0.0), ("open", 0.0)] {
        let series = format!("cachekit_breaker_state{{cache=\"m::tiers\",tier=\"own\",state={state:?}}}");
        assert_eq!(number(&series), Some(is_it), "{series}");
    }
    assert!(number("cachekit_backend_seconds{tier=\"own\"}").is_some_and(|count| count >= 3.0));
}
