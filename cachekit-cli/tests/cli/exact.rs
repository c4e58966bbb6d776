//! What `simulate` says is what a cache does, hit for hit.

use crate::{shop::json, traces::text};
use cachekit_runtime::{Cache, adaptive::Stepping, policy::Strategy};
use std::{
    collections::HashMap,
    fs,
    hash::{BuildHasherDefault, Hasher},
    thread,
};

const STRATEGIES: [&str; 9] = ["lru", "lfu", "fifo", "sieve", "s3-fifo", "s3-tinylfu", "w-tinylfu", "lirs", "adaptive"];

/// One shard, of which `adaptive` simulates every call, or a sample; and many shards.
const SIZES: [usize; 5] = [30, 400, 1_500, 2_048, 9_000];

/// The number of a key: `simulate` hashes nothing else.
#[derive(Default)]
struct Number(u64);

impl Hasher for Number {
    fn write(&mut self, _: &[u8]) {}

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// Popular keys, runs that come once, loops that fit into some caches and not into others, and what is used again soon and then never; by turns, so that no strategy is
/// the best one for long. Numbered in the order of their first use.
fn keys() -> Vec<u64> {
    let mut random = 1_u64;
    let mut draw = move |below: f64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 11) as f64 / (1_u64 << 53) as f64 * below
    };
    let mut numbers = HashMap::new();
    (0..100_000_u64)
        .map(|at| {
            let key = match (at / 12_500 % 4, at % 500) {
                // A Zipf distribution with an exponent of about 1.
                (0, 0..350) | (3, 0..200) => (0, draw(20_000_f64.ln()).exp() as u64),
                (0 | 3, _) => (1, at),
                (1, _) => (2, at % [45, 600, 2_500, 9_500][(at / 50_000 * 2 + at / 6_250 % 2) as usize]),
                (_, turn) => (3, if turn % 2 == 0 { at } else { at - 1 - (turn % 40).min(at - 1) / 2 * 2 }),
            };
            let next = numbers.len() as u64;
            *numbers.entry(key).or_insert(next)
        })
        .collect()
}

/// The public cache, as programs have it, but for seeds: its hits, and how often `adaptive` switched.
fn hits(keys: &[u64], strategy: &str, capacity: usize) -> (u64, u64) {
    let strategy: Strategy = strategy.parse().expect("a strategy");
    let hasher = BuildHasherDefault::<Number>::default();
    let cache: Cache<u64, u64> =
        Cache::builder().capacity(capacity).strategy(strategy).hasher(hasher).stepping(Stepping::Inline).build();
    let mut loads = 0;
    for key in keys {
        cache.get_or_compute(key, || {
            loads += 1;
            *key
        });
    }
    assert_eq!(cache.stats().hits, keys.len() as u64 - loads);
    (cache.stats().hits, cache.adaptive_stats().map_or(0, |stats| stats.switches))
}

#[test]
fn simulate_hits_exactly_what_a_cache_hits_under_every_strategy_at_every_size() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, keys) = (folder.path().join("trace.txt"), keys());
    fs::write(&path, text(&keys)).expect("a trace");
    let sizes = SIZES.map(|size| size.to_string()).join(",");
    let report = json(&["simulate", path.to_str().expect("a path"), "--size", &sizes, "--no-optimum"]);
    let simulated = |strategy: &str, size: usize| {
        let rows = report["results"].as_array().expect("results");
        rows.iter().find(|row| row["strategy"] == strategy && row["capacity"] == size)?["hits"].as_u64()
    };
    let beside = &|strategy: &'static str, size: usize| {
        let (hits, switches) = hits(&keys, strategy, size);
        (strategy, size, simulated(strategy, size), hits, switches)
    };
    let cells: Vec<_> = thread::scope(|scope| {
        let work = STRATEGIES.map(|strategy| scope.spawn(move || SIZES.map(|size| beside(strategy, size))));
        work.into_iter().flat_map(|worker| worker.join().expect("its cells")).collect()
    });
    let differ: Vec<_> = cells.iter().filter(|(.., simulated, hits, _)| *simulated != Some(*hits)).collect();
    assert!(differ.is_empty(), "{} of {}, simulated and hit: {differ:?}", differ.len(), cells.len());
    let switched = cells.iter().filter(|(.., switches)| *switches > 0).count();
    assert!(switched >= 3, "adaptive switches at {switched} of the sizes: that compares too little");
}
