//! Hit ratios of the policies over access traces, without the caches around them.
//!
//! ```sh
//! cargo run --release -p cachekit-tests --example policy_ratios -- FOLDER [sharded] [POLICY …]
//! ```
//!
//! `FOLDER` holds one file per trace, with one decimal key per line. Prints, for each policy and trace, the hit ratio in percent at
//! capacities of 0.1, 1, 5, 10 and 20 % of the distinct keys, then the means. `sharded` splits caches of 2,048 entries and more into 16
//! parts by hash, as the engine does. Those whose names begin with `paper-` are the plain references of the tests, which are slow; `optimum`
//! is Belady's.

use std::{collections::HashMap, fs, io, path::Path};

use cachekit_runtime::{
    policy::{Fifo, Lfu, Lru, Policy, S3Fifo, S3TinyLfu, Sieve, Slot, WTinyLfu},
    testing::PolicyHarness,
};
use cachekit_tests::reference::{self, hits, optimum, ours::hash};

const SHARES: [f64; 5] = [0.001, 0.01, 0.05, 0.1, 0.2];
const SHARDED_FROM: usize = 2048;
const SHARDS: usize = 16;

struct Trace {
    name: String,
    /// Renumbered from 0.
    keys: Vec<u32>,
    distinct: usize,
}

fn main() -> io::Result<()> {
    let mut args = std::env::args().skip(1);
    let Some(folder) = args.next() else {
        eprintln!("usage: policy_ratios FOLDER [sharded] [POLICY …]");
        std::process::exit(2);
    };
    let mut wanted: Vec<String> = args.collect();
    let sharded = wanted.first().is_some_and(|first| first == "sharded");
    if sharded {
        wanted.remove(0);
    }
    let traces = read_all(Path::new(&folder))?;
    for (name, simulate) in policies() {
        if wanted.is_empty() || wanted.iter().any(|other| other == name) {
            print(name, &traces, |trace, capacity| simulate(trace, capacity, sharded));
        }
    }
    for (name, count) in references() {
        if wanted.iter().any(|other| other == name) {
            print(name, &traces, |trace, capacity| {
                let keys: Vec<u64> = trace.keys.iter().map(|key| u64::from(*key)).collect();
                count(capacity, &keys) as f64 * 100.0 / keys.len() as f64
            });
        }
    }
    Ok(())
}

/// What else can be asked for by name: the plain references.
fn references() -> [(&'static str, Count); 7] {
    [
        ("paper-lfu", |capacity, keys| hits(&mut reference::Lfu::new(capacity), keys)),
        ("paper-lru", |capacity, keys| hits(&mut reference::Lru::new(capacity), keys)),
        ("paper-s3-fifo", |capacity, keys| hits(&mut reference::S3Fifo::new(capacity), keys)),
        ("paper-w-tinylfu", |capacity, keys| hits(&mut reference::WTinyLfu::new(capacity), keys)),
        ("paper-lirs", |capacity, keys| hits(&mut reference::Lirs::new(capacity), keys)),
        ("paper-arc", |capacity, keys| hits(&mut reference::Arc::new(capacity), keys)),
        ("optimum", optimum),
    ]
}

type Count = fn(usize, &[u64]) -> usize;
type Simulate = fn(&Trace, usize, bool) -> f64;

fn policies() -> [(&'static str, Simulate); 7] {
    [
        ("lru", ours::<Lru>),
        ("lfu", ours::<Lfu>),
        ("fifo", ours::<Fifo>),
        ("sieve", ours::<Sieve>),
        ("s3-fifo", ours::<S3Fifo>),
        ("w-tinylfu", ours::<WTinyLfu>),
        ("s3-tinylfu", ours::<S3TinyLfu>),
    ]
}

fn read_all(folder: &Path) -> io::Result<Vec<Trace>> {
    let mut traces = Vec::new();
    for file in fs::read_dir(folder)? {
        let path = file?.path();
        if path.extension().is_some_and(|extension| extension == "txt") {
            traces.push(read(&path)?);
        }
    }
    traces.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(traces)
}

fn read(path: &Path) -> io::Result<Trace> {
    let mut numbers = HashMap::new();
    let mut keys = Vec::new();
    for line in fs::read_to_string(path)?.lines() {
        let key: u64 = line.trim().parse().map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        let next = numbers.len() as u32;
        keys.push(*numbers.entry(key).or_insert(next));
    }
    let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(Trace { name, keys, distinct: numbers.len() })
}

fn ours<P: Policy>(trace: &Trace, capacity: usize, sharded: bool) -> f64 {
    let count = if sharded && capacity >= SHARDED_FROM { SHARDS } else { 1 };
    let mut shards: Vec<Shard<P>> =
        (0..count).map(|index| Shard::new(capacity / count + usize::from(index < capacity % count))).collect();
    let mut slots: Vec<Option<Slot>> = vec![None; trace.distinct];
    let mut hits = 0;
    for &key in &trace.keys {
        let hash = hash(u64::from(key));
        // Bits of their own, so that the hash within a shard is not cut.
        let shard = (u64::from(key).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize % count;
        hits += usize::from(shards[shard].access(key, hash, &mut slots));
    }
    hits as f64 * 100.0 / trace.keys.len() as f64
}

struct Shard<P> {
    harness: PolicyHarness<P>,
    /// By slot.
    keys: Vec<u32>,
}

impl<P: Policy> Shard<P> {
    fn new(capacity: usize) -> Self {
        Shard { harness: PolicyHarness::new(capacity), keys: Vec::new() }
    }

    fn access(&mut self, key: u32, hash: u64, slots: &mut [Option<Slot>]) -> bool {
        if let Some(slot) = slots[key as usize] {
            self.harness.hit(slot);
            return true;
        }
        let inserted = self.harness.insert(hash);
        if let Some(evicted) = inserted.evicted {
            slots[self.keys[evicted.index()] as usize] = None;
        }
        slots[key as usize] = Some(inserted.slot);
        if self.keys.len() <= inserted.slot.index() {
            self.keys.resize(inserted.slot.index() + 1, 0);
        }
        self.keys[inserted.slot.index()] = key;
        false
    }
}

fn print(name: &str, traces: &[Trace], ratio: impl Fn(&Trace, usize) -> f64) {
    let mut by_share = [0.0; SHARES.len()];
    for trace in traces {
        let cells = SHARES.map(|share| ratio(trace, ((trace.distinct as f64 * share).round() as usize).max(1)));
        row(name, &trace.name, &cells);
        for (sum, cell) in by_share.iter_mut().zip(cells) {
            *sum += cell / traces.len() as f64;
        }
    }
    row(name, "mean", &by_share);
}

fn row(name: &str, trace: &str, cells: &[f64]) {
    let mean = cells.iter().sum::<f64>() / cells.len() as f64;
    let cells: String = cells.iter().map(|cell| format!("{cell:8.2}")).collect();
    println!("{name:20} {trace:18}{cells}{mean:9.2}");
}
