//! Turns in rounds: each contestant once per round, so that what slows the machine down for a while slows all of them.

use crate::{args::Args, contestant::Contestant, keys::Keys, workers::Workers};

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
                let nanos = workers.run(measured.threads, &measured.contestant.turn(keys, args.ops));
                measured.nanos.push(nanos.iter().sum::<f64>() / nanos.len() as f64);
            }
        }
        eprint!("\rround {} of {}", round + 1, args.rounds);
    }
    eprintln!();
    all
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
