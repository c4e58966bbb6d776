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
    let jobs: Vec<(&Trace, f64, &Player)> = traces
        .iter()
        .flat_map(|trace| PERCENTS.iter().map(move |percent| (trace, *percent)))
        .flat_map(|(trace, percent)| players.iter().map(move |player| (trace, percent, player)))
        .collect();
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        while let Some((at, (trace, percent, player))) = {
            let at = next.fetch_add(1, Ordering::Relaxed);
            jobs.get(at).map(|job| (at, *job))
        } {
            let capacity = trace.capacity(percent);
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
