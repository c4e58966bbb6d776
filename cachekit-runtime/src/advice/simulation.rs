//! One strategy at one capacity over all of a stream.

use crate::{
    adaptive::{Miniature, Rule, Sampler, Tuner, candidates},
    policy::Strategy,
};

/// As many samples as a cache with `Stepping::Inline` looks at together.
const TOGETHER: usize = 256;

/// A cache of one shard without values, under the policies of the real ones: what it would hit.
///
/// Any hashes will do, numbers of keys too. `"adaptive"` simulates its candidates as a live cache does, steps on the calling thread, and switches by adoption; the same
/// accesses always give the same hits. A large live cache is divided into shards, which differ by some tenths of a point.
///
/// ```
/// # use cachekit_runtime as cachekit;
/// use cachekit::{advice::Simulation, policy::Strategy};
///
/// let mut lru = Simulation::new(&Strategy::Lru, 2);
/// let hits: Vec<bool> = [1, 2, 1, 3, 2].into_iter().map(|hash| lru.access(hash)).collect();
/// assert_eq!(hits, [false, false, true, false, false]);
/// assert_eq!((lru.hits(), lru.accesses()), (1, 5));
/// ```
pub struct Simulation {
    strategy: Strategy,
    capacity: usize,
    cache: Miniature,
    adaptive: Option<Box<Adaptive>>,
    accesses: u64,
    hits: u64,
}

struct Adaptive {
    sampler: Sampler,
    tuner: Tuner,
    waiting: Vec<u64>,
}

impl Simulation {
    /// An empty cache of at least one entry.
    ///
    /// # Panics
    /// Where a user's own policy does.
    #[must_use]
    pub fn new(strategy: &Strategy, capacity: usize) -> Self {
        let capacity = capacity.max(1);
        let adaptive = matches!(strategy, Strategy::Adaptive).then(|| {
            Box::new(Adaptive {
                sampler: Sampler::new(capacity, 1),
                tuner: Tuner::new(capacity, &candidates(), Rule::default()),
                waiting: Vec::with_capacity(TOGETHER),
            })
        });
        let cache = Miniature::new(&strategy.factory(), capacity);
        Simulation { strategy: strategy.clone(), capacity, cache, adaptive, accesses: 0, hits: 0 }
    }

    /// A call for the key of this hash: whether it hits. A miss stores the key, and evicts another if the cache is full.
    ///
    /// # Panics
    /// Where a user's own policy does.
    pub fn access(&mut self, hash: u64) -> bool {
        let hash = mixed(hash);
        if let Some(adaptive) = &mut self.adaptive
            && adaptive.sampler.wants(hash)
        {
            adaptive.waiting.push(hash);
            if adaptive.waiting.len() == TOGETHER {
                let switch = adaptive.tuner.step(&adaptive.waiting);
                adaptive.waiting.clear();
                if let Some(switch) = switch {
                    self.cache.set_policy(&switch.to.factory());
                }
            }
        }
        let hit = self.cache.access(hash);
        self.accesses += 1;
        self.hits += u64::from(hit);
        hit
    }

    /// The strategy that it was made with.
    #[must_use]
    pub fn strategy(&self) -> &Strategy {
        &self.strategy
    }

    /// The strategy of now: for `"adaptive"` the one that it has chosen.
    #[must_use]
    pub fn current(&self) -> &Strategy {
        self.adaptive.as_ref().map_or(&self.strategy, |adaptive| adaptive.tuner.current())
    }

    /// In entries.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Accesses so far.
    #[must_use]
    pub fn accesses(&self) -> u64 {
        self.accesses
    }

    /// Hits among them.
    #[must_use]
    pub fn hits(&self) -> u64 {
        self.hits
    }

    /// The part of them that hit, from 0 to 1; `None` before the first.
    #[must_use]
    pub fn hit_ratio(&self) -> Option<f64> {
        (self.accesses > 0).then(|| self.hits as f64 / self.accesses as f64)
    }
}

impl std::fmt::Debug for Simulation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Simulation")
            .field("strategy", &self.strategy)
            .field("capacity", &self.capacity)
            .field("accesses", &self.accesses)
            .field("hits", &self.hits)
            .finish_non_exhaustive()
    }
}

/// A bijection after which a policy finds no pattern in numbers of keys: what collides in a sketch or a table of ghosts is then as in a live cache, left to chance. The
/// finaliser of SplitMix64: Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014, figure 16.
fn mixed(hash: u64) -> u64 {
    let mut mixed = hash.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each bit of a number changes each bit of what comes out, in about half of the numbers.
    #[test]
    fn numbers_of_keys_are_as_good_as_hashes() {
        const KEYS: u64 = 1_024;
        for bit in 0..64 {
            let mut changes = [0_u32; 64];
            for key in 0..KEYS {
                let change = mixed(key) ^ mixed(key ^ (1 << bit));
                changes.iter_mut().enumerate().for_each(|(at, count)| *count += (change >> at & 1) as u32);
            }
            // Ten standard deviations.
            assert!(changes.iter().all(|count| (352..=672).contains(count)), "bit {bit}: {changes:?}");
        }
    }
}
