//! What is to be estimated, and how much memory that may take.

use crate::policy::Strategy;

/// Keys that the LRU curve follows unless told otherwise.
const SAMPLES: usize = 16_384;

/// The fewest keys that a curve can be made of.
const FEWEST: usize = 64;

/// Entries of each scaled-down simulation unless told otherwise.
const MINIATURE: usize = 1_024;

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
}

impl Options {
    /// All of our strategies, from an eighth to eight times the present capacity. Takes 6 to 9 MB while it runs: see `docs/capacity.md`.
    #[must_use]
    pub fn for_capacity(entries: usize) -> Self {
        let mut capacities: Vec<usize> = EIGHTHS.map(|eighths| (entries.saturating_mul(eighths) / 8).max(1)).to_vec();
        capacities.dedup();
        Options { samples: SAMPLES, strategies: Strategy::fixed().to_vec(), capacities, miniature: MINIATURE }
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
}
