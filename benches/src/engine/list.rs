//! The contestants by name, in parts that run one after the other.

use super::{
    load::{self, Load},
    sizes::{self, Access, Sized},
};
use crate::{
    args::Args,
    contestant::{
        Contestant, Label,
        Promise::{self, Bound, BoundAndTtl, Unbounded},
    },
    functions::mix,
    report::QUICK,
    stores::{
        self, Home, StoreKey, StoreValue, cached_lru, cached_lru_ttl, dash_map, foyer, lru_in_mutex, mini_moka, moka,
        moka_ttl, own_map, quick,
    },
    strategies::strategies,
};
use cachekit::policy::Strategy;
use foyer_memory::S3FifoConfig;
use std::sync::Arc;

/// Contestants that run in the same rounds, and then go with all that they hold.
#[derive(Debug)]
pub struct Part {
    /// Whether a process under callgrind fills their caches in reasonable time.
    pub countable: bool,
    /// Stable within a build, for the same flags.
    pub contestants: Vec<Contestant>,
}

/// All of them. Nothing is built before its first turn.
#[must_use]
pub fn parts(args: &Args) -> Vec<Part> {
    let mut parts = Vec::new();
    let threads = args.threads.iter().copied().max().unwrap_or(1);
    for load in Load::ALL {
        parts.push(maps::<u64, u64>(load, threads, "u64 to u64", true));
        parts.push(maps::<String, Arc<String>>(load, threads, "String to Arc<String>", false));
        parts.push(maps::<u64, [u8; 100]>(load, threads, "u64 to [u8; 100]", false));
    }
    parts.push(Part { countable: false, contestants: mix::contestants() });
    let sizes = [10, 1_000, 100_000, 1_000_000, 10_000_000];
    parts.extend(
        sizes
            .into_iter()
            .filter(|entries| args.entries.is_none_or(|most| *entries <= most))
            .map(|entries| of_size(entries, threads)),
    );
    parts
}

fn maps<K: StoreKey, V: StoreValue>(load: Load, threads: usize, kind: &str, with_strategies: bool) -> Part {
    let mut list = Maps { load, threads, kind, contestants: Vec::new() };
    list.add::<K, V, _>(QUICK, Bound, quick);
    list.add::<K, V, _>("cachekit, capacity", Bound, |room| stores::capacity(room, Strategy::default()));
    list.add::<K, V, _>("cachekit, capacity + ttl", BoundAndTtl, stores::capacity_and_ttl);
    let default = Strategy::default();
    for strategy in strategies().into_iter().filter(|other| with_strategies && other.name() != default.name()) {
        let name = format!("cachekit, {strategy}");
        list.add::<K, V, _>(&name, Bound, move |room| stores::capacity(room, strategy.clone()));
    }
    list.add::<K, V, _>("moka", Bound, moka);
    list.add::<K, V, _>("moka with ttl", BoundAndTtl, moka_ttl);
    list.add::<K, V, _>("mini-moka", Bound, mini_moka);
    list.add::<K, V, _>("foyer, s3-fifo", Bound, |room| foyer(room, S3FifoConfig::default()));
    list.add::<K, V, _>("cached: ShardedLruCache", Bound, cached_lru);
    list.add::<K, V, _>("cached: ShardedLruTtlCache", BoundAndTtl, cached_lru_ttl);
    list.add::<K, V, _>("lru under a mutex", Bound, lru_in_mutex);
    if load.suits_unbounded() {
        list.add::<K, V, _>("dashmap", Unbounded, dash_map);
        list.add::<K, V, _>("map of the thread: the limit", Promise::Other, own_map);
    }
    Part { countable: load != Load::Mix, contestants: list.contestants }
}

struct Maps<'a> {
    load: Load,
    threads: usize,
    kind: &'a str,
    contestants: Vec<Contestant>,
}

impl Maps<'_> {
    fn add<K: StoreKey, V: StoreValue, H: Home<K, V>>(
        &mut self,
        name: &str,
        promise: Promise,
        make: impl Fn(usize) -> H + Send + Sync + 'static,
    ) {
        let label = Label { name: name.to_owned(), group: format!("{}: {}", self.kind, self.load), promise };
        self.contestants.push(load::contestant::<K, V, H>(self.load, self.threads, label, make));
    }
}

/// Few, because all of them are full at the same time.
fn of_size(entries: usize, threads: usize) -> Part {
    let size = (entries, threads);
    let ours = |room| stores::capacity(room, Strategy::default());
    let contestants = [
        both(QUICK, Bound, Sized::new(size, quick)),
        both("cachekit, capacity", Bound, Sized::new(size, ours)),
        both("cachekit, capacity + ttl", BoundAndTtl, Sized::new(size, stores::capacity_and_ttl)),
        both("map of the thread: the limit", Promise::Other, Sized::new(size, own_map)),
    ];
    Part { countable: false, contestants: contestants.concat() }
}

fn both<H: Home<u64, u64>>(name: &str, promise: Promise, sized: Arc<Sized<H>>) -> Vec<Contestant> {
    Access::ALL.iter().map(|access| sizes::contestant(*access, name, promise, &sized)).collect()
}
