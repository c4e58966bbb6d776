//! Playing a trace to caches.

use super::optimum::Future;
use crate::{args::Size, failure::Failure, trace::Trace};
use cachekit_runtime::{Cache, adaptive::Stepping, policy::Strategy};
use indicatif::ProgressBar;
use std::{
    hash::{BuildHasher, Hasher},
    io,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

/// Who plays.
#[derive(Debug, Clone)]
pub(crate) enum Player {
    Optimum,
    Ours(Strategy),
}

impl Player {
    pub(crate) fn name(&self) -> &str {
        match self {
            Player::Optimum => "optimum",
            Player::Ours(strategy) => strategy.name(),
        }
    }
}

/// What one player made of one size.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Cell {
    pub(crate) capacity: u64,
    pub(crate) hits: u64,
    pub(crate) hit_ratio: f64,
}

/// The sizes in entries, in ascending order.
pub(crate) fn capacities(sizes: &[Size], distinct: u32) -> Vec<u64> {
    let entries = |size: &Size| match size {
        Size::Entries(entries) => *entries,
        Size::Percent(percent) => ((f64::from(distinct) * percent / 100.0) as u64).max(1),
    };
    let mut all: Vec<u64> = sizes.iter().map(entries).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// All players at all sizes, so many at a time; by player, the sizes in their order.
///
/// Whatever the machine, the figures of a trace are the same in each run.
pub(crate) fn play(
    trace: &Trace,
    players: &[Player],
    capacities: &[u64],
    threads: usize,
    bar: &ProgressBar,
) -> Result<Vec<Vec<Cell>>, Failure> {
    let failed = |error: io::Error| {
        Failure::other(format_args!("the trace cannot be read again: {error}"))
            .next("see whether the folder for temporary files has room")
    };
    let wants_future = players.iter().any(|player| matches!(player, Player::Optimum));
    let future = if wants_future { Future::of(trace).map_err(failed)? } else { None };
    if wants_future && future.is_none() {
        return Err(Failure::other("the trace has more than 4294967295 requests, too many for the optimum")
            .next("say `--no-optimum`, or `--limit`"));
    }
    let jobs: Vec<(&Player, u64)> =
        players.iter().flat_map(|player| capacities.iter().map(move |capacity| (player, *capacity))).collect();
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::with_capacity(jobs.len())));
    let work = || {
        while let Some((at, (player, capacity))) = {
            let at = next.fetch_add(1, Ordering::Relaxed);
            jobs.get(at).map(|job| (at, *job))
        } {
            let step = |requests| bar.inc(requests);
            let hits = match (player, &future) {
                (Player::Optimum, Some(future)) => future.hits(trace, capacity, step),
                (Player::Optimum, None) => Ok(0),
                (Player::Ours(strategy), _) => ours(trace, capacity, strategy, step),
            };
            done.lock().unwrap_or_else(PoisonError::into_inner).push((at, capacity, hits));
        }
    };
    thread::scope(|scope| {
        for _ in 0..threads.clamp(1, jobs.len().max(1)) {
            scope.spawn(work);
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(at, ..)| *at);
    let mut cells = Vec::with_capacity(done.len());
    for (_, capacity, hits) in done {
        let hits = hits.map_err(failed)?;
        cells.push(Cell { capacity, hits, hit_ratio: hits as f64 / trace.requests() as f64 });
    }
    Ok(cells.chunks(capacities.len().max(1)).map(<[Cell]>::to_vec).collect())
}

/// As users call it. Steps of `adaptive` on this thread and hashes without a seed make each run the same.
fn ours(trace: &Trace, capacity: u64, strategy: &Strategy, mut step: impl FnMut(u64)) -> io::Result<u64> {
    let capacity = usize::try_from(capacity).unwrap_or(usize::MAX);
    let builder = Cache::<u32, ()>::builder().capacity(capacity).strategy(strategy.clone());
    let cache = builder.stepping(Stepping::Inline).hasher(Spread).build();
    let mut hits = 0;
    trace.spool.forward(|keys| {
        for key in keys {
            let mut is_hit = true;
            cache.get_or_compute(key, || is_hit = false);
            hits += u64::from(is_hit);
        }
        step(keys.len() as u64);
    })?;
    Ok(hits)
}

/// Hashes numbers by the mixer of SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014), always alike.
#[derive(Debug, Clone, Copy, Default)]
struct Spread;

impl BuildHasher for Spread {
    type Hasher = Mixer;

    fn build_hasher(&self) -> Mixer {
        Mixer(0)
    }
}

struct Mixer(u64);

impl Hasher for Mixer {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u32(u32::from(*byte)));
    }

    fn write_u32(&mut self, number: u32) {
        let mut mixed = (self.0 ^ u64::from(number)).wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        self.0 = mixed ^ mixed >> 31;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
