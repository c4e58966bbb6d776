//! Playing a trace to caches.

use super::optimum::Future;
use crate::{args::Size, failure::Failure, trace::Trace};
use cachekit_runtime::{advice::Simulation, policy::Strategy};
use indicatif::ProgressBar;
use std::{
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
    Ours(Strategy, Shards),
}

/// How a cache is divided.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shards {
    /// As a live one of its size.
    Live,
    One,
}

impl Player {
    pub(crate) fn name(&self) -> &str {
        match self {
            Player::Optimum => "optimum",
            Player::Ours(strategy, _) => strategy.name(),
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
pub(crate) fn capacities(sizes: &[Size], distinct: u64) -> Vec<u64> {
    let entries = |size: &Size| match size {
        Size::Entries(entries) => *entries,
        Size::Percent(percent) => ((distinct as f64 * percent / 100.0) as u64).max(1),
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
                (Player::Optimum, Some(future)) => future.hits(trace, scaled(trace, capacity), step),
                (Player::Optimum, None) => Ok(0),
                (Player::Ours(strategy, shards), _) => ours(trace, capacity, (strategy, *shards), step),
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

/// The product's own policies in its own simulation, which is the same in each run. Of a sample of the keys, in as small a part of the room.
fn ours(
    trace: &Trace,
    capacity: u64,
    (strategy, shards): (&Strategy, Shards),
    mut step: impl FnMut(u64),
) -> io::Result<u64> {
    let capacity = usize::try_from(scaled(trace, capacity)).unwrap_or(usize::MAX);
    let mut simulation = match shards {
        Shards::Live => Simulation::sharded(strategy, capacity),
        Shards::One => Simulation::new(strategy, capacity),
    };
    trace.spool.forward(|keys| {
        for key in keys {
            simulation.access(u64::from(*key));
        }
        step(keys.len() as u64);
    })?;
    Ok(simulation.hits())
}

fn scaled(trace: &Trace, capacity: u64) -> u64 {
    ((capacity as f64 * trace.rate).round() as u64).max(1)
}
