//! Turns in rounds: each contestant once per round, so that what slows the machine down for a while slows all of them.

use crate::{args::Args, contestant::Contestant, keys::Keys, workers::Workers};
use std::time::Instant;

/// How often a turn is taken at most until its threads run at the same time.
const TRIES: usize = 8;

/// What was measured of one contestant with so many threads: nanoseconds per call, by round.
#[derive(Debug)]
pub struct Measured {
    /// Who.
    pub contestant: Contestant,
    /// With how many threads.
    pub threads: usize,
    /// Mean over the threads, for each round.
    pub nanos: Vec<f64>,
}

/// Calls every contestant with every key on every thread, then runs the rounds.
#[must_use]
pub fn measure(contestants: &[Contestant], keys: &'static Keys, args: &Args) -> Vec<Measured> {
    let workers = Workers::start(args.threads.iter().copied().max().unwrap_or(1));
    for contestant in contestants {
        prefill(contestant, keys, &workers);
    }
    let mut all: Vec<Measured> = contestants
        .iter()
        .flat_map(|contestant| args.threads.iter().map(|threads| (contestant.clone(), *threads)))
        .map(|(contestant, threads)| Measured { contestant, threads, nanos: Vec::new() })
        .collect();
    // A function at a time, so that contestants that are compared run close to each other.
    let mut groups: Vec<Vec<&mut Measured>> = Vec::new();
    for measured in &mut all {
        let same = |group: &&mut Vec<&mut Measured>| group.iter().any(|other| key(other) == key(measured));
        match groups.iter_mut().find(same) {
            Some(group) => group.push(measured),
            None => groups.push(vec![measured]),
        }
    }
    for round in 0..args.rounds {
        for group in &mut groups {
            // Another first one each time, so that nobody always follows the same neighbour's caches.
            let (count, first) = (group.len(), round * 7);
            for at in 0..count {
                let measured = &mut group[(first + at) % count];
                let turn = measured.contestant.turn(keys, args.ops);
                let nanos = together(|| workers.run(measured.threads, &turn)) / args.ops as f64;
                measured.nanos.push(nanos);
            }
        }
        eprint!("\rround {} of {}", round + 1, args.rounds);
    }
    eprintln!();
    all
}

/// The mean time of the threads of a turn, in nanoseconds. Threads that the machine ran one after another were not in each other's way, so such a
/// turn is taken again, a few times; of all tries the one counts in which they overlapped most.
fn together(mut turn: impl FnMut() -> Vec<(Instant, Instant)>) -> f64 {
    let mut best = (-1.0, f64::NAN);
    for _ in 0..TRIES {
        let times = turn();
        let nanos = |(start, end): &(Instant, Instant)| end.duration_since(*start).as_nanos() as f64;
        let longest = times.iter().map(nanos).fold(0.0, f64::max);
        let all = times.iter().map(|time| time.0).max().zip(times.iter().map(|time| time.1).min());
        let overlap = all.map_or(0.0, |all| nanos(&all)) / longest;
        if overlap > best.0 {
            best = (overlap, times.iter().map(nanos).sum::<f64>() / times.len() as f64);
        }
        if overlap > 0.9 {
            break;
        }
    }
    best.1
}

fn key(measured: &Measured) -> (crate::contestant::Shape, usize) {
    (measured.contestant.shape, measured.threads)
}

fn prefill(contestant: &Contestant, keys: &'static Keys, workers: &Workers) {
    // The order visits nearly every key several times over; whatever it never visits is never measured either.
    let turn = contestant.turn(keys, 8 * 4_096);
    workers.run(workers.count(), &turn);
}

/// For callgrind: one contestant on one thread, with its cache filled.
pub fn once(contestant: &Contestant, keys: &'static Keys, ops: usize) {
    let workers = Workers::start(1);
    prefill(contestant, keys, &workers);
    workers.run(1, &contestant.turn(keys, ops));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_turn_is_taken_again_until_its_threads_overlap() {
        let now = Instant::now();
        let at = |millis| now + Duration::from_millis(millis);
        let mut turns = vec![vec![(at(0), at(10)), (at(0), at(10))], vec![(at(0), at(4)), (at(4), at(8))]];
        assert_eq!(together(|| turns.pop().unwrap_or_default()), 1e7);
        assert!(turns.is_empty());
        assert_eq!(together(|| vec![(at(0), at(2)), (at(2), at(4))]), 2e6);
    }
}
