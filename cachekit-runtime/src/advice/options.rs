//! What is to be estimated, and how much memory that may take.

use crate::policy::Strategy;

/// Keys that the LRU curve follows unless told otherwise.
const SAMPLES: usize = 16_384;

/// The fewest keys that a curve can be made of.
const FEWEST: usize = 64;

/// Entries of each scaled-down simulation unless told otherwise.
const MINIATURE: usize = 1_024;

/// The part of the keys that [`Options::sparing`] samples at most: a hit on one of them costs some 80 instructions more, so that one in the mean costs 3 to 4 more.
const SPARING: f64 = 0.04;

/// The least part of the keys that a sample may be limited to.
const LEAST: f64 = 1e-6;

/// Capacities to look at, in eighths of the present one.
const EIGHTHS: [usize; 7] = [1, 2, 4, 8, 16, 32, 64];

/// What an [`Estimator`](super::Estimator) looks at, and what it may cost.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// The most keys that the LRU curve follows, some 60 bytes each: when there are more, its threshold is lowered. The error falls with the square root.
    pub samples: usize,
    /// The strategies that are simulated, each at each of the capacities; all of cachekit's own but `"adaptive"`, which is a choice among them.
    pub strategies: Vec<Strategy>,
    /// The capacities, in entries.
    pub capacities: Vec<usize>,
    /// Entries of each simulation, which sees as small a part of the keys as makes the capacity this small. Up to this capacity every key is simulated.
    pub miniature: usize,
    /// The largest part of the keys that may be in the sample, from 0 to 1. Whoever calls the cache pays for what is sampled, and the estimates for what is not: simulations of capacities below
    /// [`miniature`](Self::miniature) / `share` have fewer entries, and state a greater error.
    pub share: f64,
}

impl Options {
    /// All of our strategies, from an eighth to eight times the present capacity, with as many keys in the sample as that asks for: all of them up to 8,192 entries. Takes 6 to 9 MB while it runs: see
    /// `docs/capacity.md`.
    #[must_use]
    pub fn for_capacity(entries: usize) -> Self {
        let mut capacities: Vec<usize> = EIGHTHS.map(|eighths| (entries.saturating_mul(eighths) / 8).max(1)).to_vec();
        capacities.dedup();
        Options {
            samples: SAMPLES,
            strategies: Strategy::fixed().to_vec(),
            capacities,
            miniature: MINIATURE,
            share: 1.0,
        }
    }

    /// As [`for_capacity`](Self::for_capacity), with at most one key in 25 in the sample: a hit costs at most 5 instructions more in the mean. The figures of capacities from 25,000 entries on are as good; below them they are off by more, and say so.
    #[must_use]
    pub fn sparing(entries: usize) -> Self {
        Self::for_capacity(entries).share(SPARING)
    }

    /// Other strategies, users' own among them. `"adaptive"` is left out.
    #[must_use]
    pub fn strategies(mut self, strategies: impl IntoIterator<Item = Strategy>) -> Self {
        self.strategies = strategies.into_iter().filter(|strategy| !matches!(strategy, Strategy::Adaptive)).collect();
        self
    }

    /// Other capacities, in entries.
    #[must_use]
    pub fn capacities(mut self, capacities: impl IntoIterator<Item = usize>) -> Self {
        self.capacities = capacities.into_iter().map(|capacity| capacity.max(1)).collect();
        self.capacities.sort_unstable();
        self.capacities.dedup();
        self
    }

    /// See [`samples`](Self::samples); at least 64.
    #[must_use]
    pub fn samples(mut self, keys: usize) -> Self {
        self.samples = keys.max(FEWEST);
        self
    }

    /// See [`miniature`](Self::miniature); at least 64.
    #[must_use]
    pub fn miniature(mut self, entries: usize) -> Self {
        self.miniature = entries.max(FEWEST);
        self
    }

    /// See [`share`](Self::share); at least a millionth, and all for what is no number.
    #[must_use]
    pub fn share(mut self, part: f64) -> Self {
        self.share = part_of_keys(part);
        self
    }
}

/// What a part of the keys is taken for.
pub(super) fn part_of_keys(part: f64) -> f64 {
    if part.is_nan() { 1.0 } else { part.clamp(LEAST, 1.0) }
}
