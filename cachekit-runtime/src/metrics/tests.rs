use super::*;
use crate::{
    Cache, Place, Tier,
    backend::MemoryBytes,
    breaker::{BreakerState, BreakerStats},
    registry::TierState,
    stats::Stats,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
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

/// What a recorder gets that counts and forgets nothing.
#[derive(Default)]
struct Sums(Mutex<BTreeMap<String, Arc<AtomicU64>>>);

impl ::metrics::Recorder for Sums {
    fn describe_counter(&self, _: ::metrics::KeyName, _: Option<::metrics::Unit>, _: ::metrics::SharedString) {}
    fn describe_gauge(&self, _: ::metrics::KeyName, _: Option<::metrics::Unit>, _: ::metrics::SharedString) {}
    fn describe_histogram(&self, _: ::metrics::KeyName, _: Option<::metrics::Unit>, _: ::metrics::SharedString) {}

    fn register_counter(&self, key: &::metrics::Key, _: &::metrics::Metadata<'_>) -> ::metrics::Counter {
        let sum = crate::sync::lock(&self.0).entry(key.name().to_owned()).or_default().clone();
        ::metrics::Counter::from_arc(sum)
    }

    fn register_gauge(&self, _: &::metrics::Key, _: &::metrics::Metadata<'_>) -> ::metrics::Gauge {
        ::metrics::Gauge::noop()
    }

    fn register_histogram(&self, _: &::metrics::Key, _: &::metrics::Metadata<'_>) -> ::metrics::Histogram {
        ::metrics::Histogram::noop()
    }
}

#[test]
fn a_count_that_falls_by_one_is_not_another_cache_and_another_cache_begins_at_zero() {
    let sums = Sums::default();
    let mut publisher = Publisher::new();
    ::metrics::with_local_recorder(&sums, || {
        for (cache, count) in [(1, 10), (1, 9), (1, 10), (1, 12), (2, 3), (2, 20), (3, 20)] {
            publisher.begin("users", cache);
            publisher.export(&table::LOADS, &[("cache", "users")], Value::Counter(count));
        }
    });
    let sum = crate::sync::lock(&sums.0)[table::LOADS.name].load(Ordering::SeqCst);
    assert_eq!(sum, 12 + 20 + 20);
}

#[test]
fn an_interval_may_be_longer_than_clocks_reach_and_not_zero() {
    assert!(every(std::time::Duration::ZERO).is_err_and(|error| error.to_string().contains("ten seconds")));
    drop(every(std::time::Duration::MAX).expect("a thread"));
}

/// Statistics of which no two numbers are the same, and under which series each is to be found.
fn all_different() -> (Stats, Vec<(&'static str, u64)>) {
    let (mut stats, mut expected, mut number) = (Stats::default(), Vec::new(), 1_000);
    macro_rules! each {
        ($($($field:ident).+ => $series:literal;)*) => {
            $(
                number += 7;
                stats.$($field).+ = number;
                expected.push(($series, number));
            )*
        };
    }
    each! {
        hits => "hits_total{tier=memory,outcome=fresh}";
        stale_hits => "hits_total{tier=memory,outcome=stale}";
        far.file_hits => "hits_total{tier=file,outcome=fresh}";
        far.redis_hits => "hits_total{tier=redis,outcome=fresh}";
        far.file_stale_hits => "hits_total{tier=file,outcome=stale}";
        far.redis_stale_hits => "hits_total{tier=redis,outcome=stale}";
        misses.absent => "misses_total{reason=absent}";
        misses.expired => "misses_total{reason=expired}";
        misses.invalidated => "misses_total{reason=invalidated}";
        misses.unsure => "misses_total{reason=unsure}";
        bypasses.asked => "bypasses_total{reason=asked}";
        bypasses.disabled => "bypasses_total{reason=disabled}";
        bypasses.cycle => "bypasses_total{reason=cycle}";
        bypasses.sync_beside_async => "bypasses_total{reason=sync_beside_async}";
        bypasses.released => "bypasses_total{reason=released}";
        joins => "joins_total{}";
        stale_instead => "stale_instead_total{}";
        loads => "loads_total{}";
        load_errors => "load_failures_total{reason=error}";
        load_panics => "load_failures_total{reason=panic}";
        load_timeouts => "load_failures_total{reason=timeout}";
        load_cancels => "load_failures_total{reason=cancelled}";
        batches => "batches_total{}";
        refreshes => "refreshes_total{}";
        takeovers.after_drop => "takeovers_total{reason=dropped}";
        takeovers.after_panic => "takeovers_total{reason=panicked}";
        takeovers.after_stall => "takeovers_total{reason=stalled}";
        over_limit => "loads_over_limit_total{}";
        refusals.not_cacheable => "refusals_total{reason=not_cacheable}";
        refusals.invalidated => "refusals_total{reason=invalidated}";
        refusals.too_heavy => "refusals_total{reason=too_heavy}";
        removals.evicted => "removals_total{cause=evicted}";
        removals.expired => "removals_total{cause=expired}";
        removals.invalidated => "removals_total{cause=invalidated}";
        removals.replaced => "removals_total{cause=replaced}";
        far.other_shape => "backend_misses_total{reason=other_shape}";
        far.oversized => "backend_misses_total{reason=oversized}";
        far.errors => "backend_misses_total{reason=failed}";
        far.skipped => "backend_misses_total{reason=breaker_open}";
        far.stores => "backend_stores_total{outcome=stored}";
        far.outdated => "backend_stores_total{outcome=outdated}";
        far.store_errors => "backend_stores_total{outcome=failed}";
        far.lock_waits => "backend_lock_waits_total{}";
    }
    // Sums of which the others are parts.
    stats.far.file_hits += stats.far.file_stale_hits;
    stats.far.redis_hits += stats.far.redis_stale_hits;
    stats.far.stale_hits = stats.far.file_stale_hits + stats.far.redis_stale_hits + 29;
    stats.far.hits = stats.far.file_hits + stats.far.redis_hits + 31 + 29;
    stats.far.rejected = stats.far.other_shape + stats.far.oversized + 37;
    stats.far.misses = stats.far.rejected + 41;
    expected.extend([
        ("hits_total{tier=own,outcome=fresh}", 31),
        ("hits_total{tier=own,outcome=stale}", 29),
        ("backend_misses_total{reason=corrupt}", 37),
        ("backend_misses_total{reason=absent}", 41),
    ]);
    (stats, expected)
}

/// What is exported of such statistics and tiers.
fn of_statistics(stats: &Stats) -> Everything {
    let mut everything = Everything::default();
    let mut of = collect::Of { cache: "m::all", exporter: &mut everything };
    of.calls(stats);
    of.loads(stats);
    of.backends(stats);
    let mut number = 100;
    let mut next = || {
        number += 1;
        number
    };
    for (tier, name, state) in [
        (Tier::File, "file", BreakerState::Closed),
        (Tier::Redis, "redis", BreakerState::HalfOpen),
        (Tier::Own, "own", BreakerState::Open),
    ] {
        let breaker = BreakerStats {
            state,
            are_fills_paused: false,
            opened: next(),
            refused: next(),
            in_flight: next() as u32,
            last_failure: None,
        };
        let state = TierState { breaker: Some(breaker), undelivered: next() as usize, ..TierState::new(tier, name) };
        of.tier(tier, &[&state]);
    }
    everything
}

#[test]
fn no_number_stands_for_another_one() {
    let (stats, expected) = all_different();
    let everything = of_statistics(&stats);
    let in_short =
        |series: &str| series.replace("cache=\"m::all\",", "").replace("cache=\"m::all\"", "").replace('"', "");
    let mut numbers: BTreeMap<String, f64> =
        everything.numbers.iter().map(|(series, number)| (in_short(series), *number)).collect();
    let mut tiers = 101..;
    let mut expected: Vec<(String, f64)> =
        expected.iter().map(|(series, number)| ((*series).to_owned(), *number as f64)).collect();
    for (tier, state) in [("file", "closed"), ("redis", "half_open"), ("own", "open")] {
        for metric in [
            "breaker_opened_total",
            "breaker_refused_total",
            "backend_operations_in_flight",
            "undelivered_invalidations",
        ] {
            expected.push((format!("{metric}{{tier={tier}}}"), f64::from(tiers.next().unwrap())));
        }
        for other in ["closed", "half_open", "open"] {
            let is_it = if state == other { 1.0 } else { 0.0 };
            expected.push((format!("breaker_state{{tier={tier},state={other}}}"), is_it));
        }
    }
    for (series, number) in expected {
        assert_eq!(numbers.remove(&format!("cachekit_{series}")), Some(number), "{series}");
    }
    numbers.remove("cachekit_load_seconds{}").unwrap();
    assert!(numbers.is_empty(), "of these nothing was said: {numbers:?}");
}

#[test]
fn levels_are_told_apart_too() {
    let levels =
        |name: &str, metric: &str| collected().numbers.get(&format!("cachekit_{metric}{{cache={name:?}}}")).copied();
    let counted: Cache<u64, u64> = Cache::builder().name("m::levels").capacity(7).build();
    (0..3).for_each(|key| _ = counted.insert(key, key));
    counted.get_or_compute(&8, || {
        counted.get_or_compute(&9, || {
            let of = |metric| levels("m::levels", metric);
            let all = ["entries", "capacity_entries", "loads_in_flight", "enabled"].map(of);
            assert_eq!(all, [3.0, 7.0, 2.0, 1.0].map(Some));
            9
        });
        8
    });
    let weighed: Cache<u64, u64> = Cache::builder().name("m::levels in bytes").max_bytes_with(50, |_, _| 5).build();
    weighed.insert(1, 1);
    let of = |metric| levels("m::levels in bytes", metric);
    assert_eq!(["weight", "max_weight", "entries"].map(of), [5.0, 50.0, 1.0].map(Some));
}

#[test]
fn the_words_of_labels_are_those_of_the_documentation() {
    let (stats, _) = all_different();
    let mut exported: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for series in of_statistics(&stats).numbers.keys() {
        let labels = series.split_once('{').unwrap().1.trim_end_matches('}');
        for label in labels.split(',').filter(|label| !label.starts_with("cache=")) {
            let (name, word) = label.split_once('=').unwrap();
            exported.entry(name.to_owned()).or_default().insert(word.trim_matches('"').to_owned());
        }
    }
    let documented = include_str!("../../../docs/metrics.md");
    let table = documented.split_once("| label | words |").unwrap().1;
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|')).filter_map(|line| {
        let mut words = line.split('`').skip(1).step_by(2).map(str::to_owned);
        let name = words.next()?;
        (name != "cache").then(|| (name, words.collect::<BTreeSet<_>>()))
    });
    assert_eq!(rows.collect::<BTreeMap<_, _>>(), exported);
}
