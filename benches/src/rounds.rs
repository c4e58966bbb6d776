//! Turns in rounds: each contestant once per round, so that what slows the machine down for a while slows all of them.

use crate::{
    args::Args,
    contestant::{Contestant, Label, Turned},
    workers::Workers,
};
use std::time::Instant;

/// How often a turn is taken at most until its threads run at the same time.
const TRIES: usize = 8;

/// What was measured of one contestant with so many threads.
#[derive(Debug)]
pub struct Measured {
    /// Who.
    pub label: Label,
    /// With how many threads.
    pub threads: usize,
    /// Nanoseconds per call, the mean over the threads, for each round.
    pub nanos: Vec<f64>,
    /// The part of the calls of all rounds that found their key, where somebody counted.
    pub hit_ratio: Option<f64>,
}

/// Calls every contestant on every thread, then runs the rounds.
#[must_use]
pub fn measure(contestants: &[Contestant], args: &Args) -> Vec<Measured> {
    let workers = Workers::start(args.threads.iter().copied().max().unwrap_or(1));
    for contestant in contestants {
        prefill(contestant, &workers);
    }
    let mut all: Vec<Seat<'_>> = contestants
        .iter()
        .flat_map(|contestant| args.threads.iter().map(move |threads| (contestant, *threads)))
        .map(|(contestant, threads)| Seat { contestant, threads, nanos: Vec::new(), hits: None })
        .collect();
    // A group at a time, so that contestants that are compared run close to each other.
    let mut groups: Vec<Vec<&mut Seat<'_>>> = Vec::new();
    for seat in &mut all {
        match groups.iter_mut().find(|group| group.iter().any(|other| other.group() == seat.group())) {
            Some(group) => group.push(seat),
            None => groups.push(vec![seat]),
        }
    }
    for round in 0..args.rounds {
        for group in &mut groups {
            // Another first one each time, so that nobody always follows the same neighbour's caches.
            let (count, first) = (group.len(), round * 7);
            for at in 0..count {
                group[(first + at) % count].turn(&workers, args.ops);
            }
        }
        eprint!("\rround {} of {}", round + 1, args.rounds);
    }
    eprintln!();
    let calls = (args.rounds * args.ops) as f64;
    let measured = |seat: Seat<'_>| Measured {
        label: seat.contestant.label.clone(),
        threads: seat.threads,
        nanos: seat.nanos,
        hit_ratio: seat.hits.map(|hits| hits as f64 / calls / seat.threads as f64),
    };
    all.into_iter().map(measured).collect()
}

/// A contestant with so many threads, and what its turns gave up to now.
struct Seat<'a> {
    contestant: &'a Contestant,
    threads: usize,
    nanos: Vec<f64>,
    hits: Option<usize>,
}

impl Seat<'_> {
    fn group(&self) -> (&str, usize) {
        (&self.contestant.label.group, self.threads)
    }

    fn turn(&mut self, workers: &Workers, ops: usize) {
        let turn = self.contestant.turn(ops);
        let (nanos, hits) = together(|| workers.run(self.threads, &turn));
        self.nanos.push(nanos / ops as f64);
        self.hits = hits.map(|hits| hits + self.hits.unwrap_or(0));
    }
}

/// The mean time of the threads of a turn, in nanoseconds, and all their hits. Threads that the machine ran one after another were not in each other's way, so such a
/// turn is taken again, a few times; of all tries the one counts in which they overlapped most.
fn together(mut turn: impl FnMut() -> Vec<Turned>) -> (f64, Option<usize>) {
    let mut best = (-1.0, f64::NAN, None);
    for _ in 0..TRIES {
        let times = turn();
        let nanos = |start: Instant, end: Instant| end.duration_since(start).as_nanos() as f64;
        let own = || times.iter().map(|time| nanos(time.start, time.end));
        let longest = own().fold(0.0, f64::max);
        let all = times.iter().map(|time| time.start).max().zip(times.iter().map(|time| time.end).min());
        let overlap = all.map_or(0.0, |(start, end)| nanos(start, end)) / longest;
        if overlap > best.0 {
            best = (overlap, own().sum::<f64>() / times.len() as f64, times.iter().map(|time| time.hits).sum());
        }
        if overlap > 0.9 {
            break;
        }
    }
    (best.1, best.2)
}

fn prefill(contestant: &Contestant, workers: &Workers) {
    // The order of the keys visits nearly every one several times over; whatever it never visits is never measured either.
    let turn = contestant.turn(8 * 4_096);
    workers.run(workers.count(), &turn);
}

/// For callgrind: one contestant on one thread, with its cache filled.
pub fn once(contestant: &Contestant, ops: usize) {
    let workers = Workers::start(1);
    prefill(contestant, &workers);
    workers.run(1, &contestant.turn(ops));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_turn_is_taken_again_until_its_threads_overlap() {
        let now = Instant::now();
        let at = |from, to| Turned {
            start: now + Duration::from_millis(from),
            end: now + Duration::from_millis(to),
            hits: Some(to as usize),
        };
        let mut turns = vec![vec![at(0, 10), at(0, 10)], vec![at(0, 4), at(4, 8)]];
        assert_eq!(together(|| turns.pop().unwrap_or_default()), (1e7, Some(20)));
        assert!(turns.is_empty());
        assert_eq!(together(|| vec![at(0, 2), at(2, 4)]), (2e6, Some(6)));
    }
}
