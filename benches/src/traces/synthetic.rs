//! Traces made by rules, for where no real ones are given. The seeds are fixed, so that every run has the same ones.

use super::Trace;
use crate::random::{Random, Zipf};

const REQUESTS: usize = 1_000_000;
const KEYS: usize = 50_000;

/// Keys of which no other part of a trace has any.
const ELSEWHERE: u64 = 1 << 40;

/// All of them.
#[must_use]
pub fn synthetic() -> Vec<Trace> {
    vec![zipf(), scan(), turns(), shifting()]
}

/// Popularity that never changes.
fn zipf() -> Trace {
    let (zipf, mut random) = (Zipf::new(KEYS, 0.99), Random::of(1));
    Trace::of("zipf", (0..REQUESTS).map(|_| zipf.draw(&mut random)))
}

/// The same, and after every 20 000 requests 10 000 keys that come once.
fn scan() -> Trace {
    let (zipf, mut random, mut next) = (Zipf::new(KEYS, 0.99), Random::of(2), ELSEWHERE);
    let draw = move |at: usize| {
        if at % 30_000 < 20_000 {
            zipf.draw(&mut random) as u64
        } else {
            next += 1;
            next
        }
    };
    Trace::of("scan", (0..REQUESTS).map(draw))
}

/// Three loops of different lengths, one after the other, over and over.
fn turns() -> Trace {
    let loops = [2_000_usize, 10_000, 30_000];
    let starts = [0, 100_000, 200_000];
    let draw = |at: usize| {
        let (which, step) = (at / 100_000 % 3, at % 100_000);
        starts[which] + step % loops[which]
    };
    Trace::of("loop", (0..REQUESTS).map(draw))
}

/// Popularity that moves: after every 100 000 requests other keys are the popular ones, and a fifth of the old ones stays.
fn shifting() -> Trace {
    let (zipf, mut random) = (Zipf::new(KEYS / 5, 0.9), Random::of(4));
    let draw = move |at: usize| {
        let (rank, phase) = (zipf.draw(&mut random), at / 100_000);
        if rank.is_multiple_of(5) { rank } else { rank + (1 + phase) * KEYS }
    };
    Trace::of("shifting", (0..REQUESTS).map(draw))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_the_same_in_every_run_and_larger_than_their_caches() {
        let (once, again) = (synthetic(), synthetic());
        assert_eq!(once, again);
        for trace in once {
            assert_eq!(trace.keys.len(), REQUESTS);
            assert!(trace.distinct > 20_000, "{} has {}", trace.name, trace.distinct);
        }
    }
}
