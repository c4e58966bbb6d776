//! Cells: a trace, a size, and what each player made of it.

use super::players::{Kind, Player};
use crate::traces::Trace;
use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

/// Sizes, in percent of a trace's distinct keys.
pub const PERCENTS: [f64; 5] = [0.1, 1.0, 5.0, 10.0, 20.0];

/// One player's result.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// The trace's name.
    pub trace: String,
    /// The cache's size in percent of the distinct keys.
    pub percent: f64,
    /// The same in entries.
    pub capacity: usize,
    /// The player's name.
    pub player: String,
    /// What the player is.
    pub kind: Kind,
    /// Requests that it answered.
    pub hits: usize,
    /// As many as `cachekit simulate` says, where that was asked.
    pub simulated: Option<usize>,
    /// Hits over requests.
    pub hit_ratio: f64,
}

/// Plays all traces at all sizes with all players, each on one thread, so many at a time; in the order of traces, sizes and players.
#[must_use]
pub fn replay(traces: &[Trace], players: &[Player], threads: usize) -> Vec<Cell> {
    let sizes = |trace: &'_ Trace| PERCENTS.map(|percent| (percent, trace.capacity(percent))).to_vec();
    replay_at(traces, players, threads, sizes)
}

/// The same at one size, in entries.
#[must_use]
pub fn replay_with(traces: &[Trace], players: &[Player], threads: usize, entries: usize) -> Vec<Cell> {
    replay_at(traces, players, threads, |trace| vec![(100.0 * entries as f64 / trace.distinct as f64, entries)])
}

fn replay_at(
    traces: &[Trace],
    players: &[Player],
    threads: usize,
    sizes: impl Fn(&Trace) -> Vec<(f64, usize)>,
) -> Vec<Cell> {
    let jobs: Vec<(&Trace, (f64, usize), &Player)> = traces
        .iter()
        .flat_map(|trace| sizes(trace).into_iter().map(move |size| (trace, size)))
        .flat_map(|(trace, size)| players.iter().map(move |player| (trace, size, player)))
        .collect();
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        while let Some((at, (trace, (percent, capacity), player))) = {
            let at = next.fetch_add(1, Ordering::Relaxed);
            jobs.get(at).map(|job| (at, *job))
        } {
            let hits = player.hits(trace, capacity);
            let cell = Cell {
                trace: trace.name.clone(),
                percent,
                capacity,
                player: player.name.clone(),
                kind: player.kind,
                hits,
                simulated: player.simulated(trace, capacity),
                hit_ratio: hits as f64 / trace.keys.len() as f64,
            };
            let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
            done.push((at, cell));
            eprint!("\r{} of {}", done.len(), jobs.len());
        }
    };
    thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(work);
        }
    });
    eprintln!();
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, cell)| cell).collect()
}
