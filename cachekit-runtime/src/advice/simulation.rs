//! One strategy at one capacity over all of a stream.

use crate::{
    adaptive::{Miniature, Rule, Sampler, Tuner, candidates},
    hashing::mixed,
    memory::sharding,
    policy::Strategy,
};

/// As many samples as a cache with `Stepping::Inline` looks at together.
const TOGETHER: usize = 256;

/// A cache without values, under the policies of the real ones: what it would hit.
///
/// Any hashes will do, numbers of keys too. [`sharded`](Self::sharded), it hits what a [`Cache`](crate::Cache) of that strategy and capacity does whose
/// [`hasher`](crate::Builder::hasher) gives these hashes, call by call, as long as one thread calls and nothing expires; with another hasher only other keys meet in a shard.
/// `"adaptive"` simulates its candidates as a live cache does, and steps on the calling thread ([`Stepping::Inline`](crate::adaptive::Stepping::Inline)). The same accesses always give the same hits.
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
    shards: Box<[Miniature]>,
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
    /// An empty cache of at least one entry, in one shard whatever its capacity: what is published of a policy is simulated so. Live caches are
    /// [`sharded`](Self::sharded), and hit up to some tenths of a point more or less.
    ///
    /// # Panics
    /// Where a user's own policy does.
    #[must_use]
    pub fn new(strategy: &Strategy, capacity: usize) -> Self {
        Self::of(strategy, capacity, 1)
    }

    /// An empty cache of at least one entry, divided into as many shards as a live one of that capacity: from 2,048 entries on 16 to 31, each of which evicts when
    /// it is full itself.
    ///
    /// ```
    /// # use cachekit_runtime as cachekit;
    /// use cachekit::{Cache, advice::Simulation, policy::Strategy};
    /// use std::hash::{BuildHasherDefault, Hasher};
    ///
    /// #[derive(Default)]
    /// struct Number(u64);
    /// impl Hasher for Number {
    ///     fn write(&mut self, _: &[u8]) {}
    ///     fn write_u64(&mut self, number: u64) {
    ///         self.0 = number;
    ///     }
    ///     fn finish(&self) -> u64 {
    ///         self.0
    ///     }
    /// }
    ///
    /// let strategy = Strategy::S3TinyLfu;
    /// let hasher = BuildHasherDefault::<Number>::default();
    /// let cache: Cache<u64, ()> = Cache::builder().capacity(3_000).strategy(strategy.clone()).hasher(hasher).build();
    /// let mut simulation = Simulation::sharded(&strategy, 3_000);
    /// for turn in 0..20_000_u64 {
    ///     let key = turn * turn % 7_919;
    ///     cache.get_or_compute(&key, || ());
    ///     simulation.access(key);
    /// }
    /// assert_eq!(cache.stats().hits, simulation.hits());
    /// ```
    ///
    /// # Panics
    /// Where a user's own policy does.
    #[must_use]
    pub fn sharded(strategy: &Strategy, capacity: usize) -> Self {
        Self::of(strategy, capacity, sharding::count_for(capacity))
    }

    fn of(strategy: &Strategy, capacity: usize, shards: usize) -> Self {
        let capacity = capacity.max(1);
        let adaptive = matches!(strategy, Strategy::Adaptive).then(|| {
            Box::new(Adaptive {
                sampler: Sampler::new(capacity, 1),
                tuner: Tuner::new(capacity, &candidates(), Rule::default()),
                waiting: Vec::with_capacity(TOGETHER),
            })
        });
        let factory = strategy.factory();
        let shards = (0..shards).map(|index| Miniature::new(&factory, sharding::share(capacity, shards, index)));
        Simulation { strategy: strategy.clone(), capacity, shards: shards.collect(), adaptive, accesses: 0, hits: 0 }
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
                    let factory = switch.to.factory();
                    self.shards.iter_mut().for_each(|shard| shard.set_policy(&factory));
                }
            }
        }
        let hit = self.shards[sharding::index(hash, self.shards.len())].access(hash);
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
