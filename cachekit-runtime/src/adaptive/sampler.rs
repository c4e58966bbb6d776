//! Which accesses are sampled, and where they wait to be looked at.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

use super::ring::Ring;

/// A sample of the keys stands for a cache of at most this many entries.
pub const MINIATURE: usize = 1024;

/// Odd, so that the product is a permutation: its upper bits depend on all bits of the hash, whatever the table takes those for.
const MIX: u64 = 0x9e37_79b9_7f4a_7c15;

/// Chooses keys by their hash and keeps their accesses, hits and misses alike, until somebody looks at them.
///
/// The sample is spatial: of the chosen keys every access is seen, of the others none. A cache with a share of the capacity under
/// that share of the keys then behaves as the whole cache does: Waldspurger, Park, Garthwaite, Ahmad, "Efficient MRC Construction
/// with SHARDS", FAST 2015, section 3; for arbitrary policies Waldspurger, Saemundsson, Ahmad, Park, "Cache Modeling and
/// Optimization using Miniature Simulations", USENIX ATC 2017, section 3.
///
/// The rate is a power of two such that the share of the capacity is at most [`MINIATURE`] entries: up to that capacity every
/// access is sampled.
pub struct Sampler {
    /// Mixed hashes up to this are sampled.
    limit: AtomicU64,
    shift: AtomicU32,
    ring: Ring,
}

impl Sampler {
    /// For a cache of `capacity` entries.
    #[must_use]
    pub fn new(capacity: usize, stripes: usize) -> Self {
        let sampler = Sampler { limit: AtomicU64::new(0), shift: AtomicU32::new(0), ring: Ring::new(stripes) };
        sampler.set_shift(Self::shift_for(capacity));
        sampler
    }

    /// The binary logarithm of the divisor by which keys and capacity shrink.
    #[must_use]
    pub fn shift_for(capacity: usize) -> u32 {
        (0..usize::BITS).find(|shift| capacity >> shift <= MINIATURE).unwrap_or(0)
    }

    /// Whether accesses of this key are sampled. Independent of which shard the key belongs to.
    #[inline(always)]
    #[must_use]
    pub fn wants(&self, hash: u64) -> bool {
        hash.wrapping_mul(MIX) <= self.limit.load(Relaxed)
    }

    /// Keeps an access of a key that [`wants`](Self::wants) chose: how many wait in this thread's stripe, `None` if it was dropped.
    #[inline]
    pub fn record(&self, hash: u64) -> Option<usize> {
        self.ring.push(hash)
    }

    /// Moves the accesses that wait to the end of `out`. Only one thread at a time may do so.
    pub fn drain(&self, out: &mut Vec<u64>) {
        self.ring.drain(out);
    }

    /// Changes the rate, for the accesses from now on.
    pub fn set_shift(&self, shift: u32) {
        self.shift.store(shift, Relaxed);
        self.limit.store(u64::MAX >> shift, Relaxed);
    }

    /// See [`shift_for`](Self::shift_for).
    #[must_use]
    pub fn shift(&self) -> u32 {
        self.shift.load(Relaxed)
    }

    /// Sampled accesses that were dropped because they came faster than they were looked at.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.ring.dropped()
    }

    /// The memory of the waiting accesses, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.ring.bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::hash::BuildHasher;

    fn hashes(seed: u64) -> impl Iterator<Item = u64> {
        let build = foldhash::fast::FixedState::with_seed(seed);
        (0u64..).map(move |key| build.hash_one(key))
    }

    #[test]
    fn the_rate_makes_miniatures_of_half_to_the_whole_of_the_size() {
        assert_eq!([1, 100, 1024, 1025, 2047, 2048, 2050, 1 << 20].map(Sampler::shift_for), [0, 0, 0, 1, 1, 1, 2, 10]);
        for capacity in (0..40).map(|bits| 1_500usize << bits) {
            let miniature = capacity >> Sampler::shift_for(capacity);
            assert!((MINIATURE / 2..=MINIATURE).contains(&miniature), "{capacity}: {miniature}");
        }
    }

    #[test]
    fn a_small_cache_samples_everything() {
        let sampler = Sampler::new(1000, 1);
        assert!(hashes(1).take(10_000).chain([0, u64::MAX]).all(|hash| sampler.wants(hash)));
    }

    #[test]
    fn the_sample_is_as_large_as_the_rate_says() {
        for shift in [1, 4, 8] {
            let sampler = Sampler::new(MINIATURE << shift, 1);
            assert_eq!(sampler.shift(), shift);
            let keys = 1_000_000f64;
            let (wanted, expected) = (
                hashes(2).take(keys as usize).filter(|hash| sampler.wants(*hash)).count() as f64,
                keys / f64::from(1 << shift),
            );
            assert!((wanted - expected).abs() < 5.0 * expected.sqrt(), "shift {shift}: {wanted} of {expected}");
        }
    }

    /// Pearson's statistic over classes that the table makes of the hash. 0.1 % quantiles: 37.7 (15 degrees of freedom), 330.5 (255).
    #[test]
    fn the_sample_is_spread_evenly_over_shards_and_buckets() {
        type Class = (&'static str, fn(u64) -> usize, usize, f64);
        let classes: [Class; 4] = [
            ("shard, the bits from 32 on", |hash| (hash >> 32) as usize & 15, 16, 37.7),
            ("shard, the bits from 53 on", |hash| (hash >> 53) as usize & 15, 16, 37.7),
            ("bucket", |hash| hash as usize & 255, 256, 330.5),
            ("tag of the bucket", |hash| (hash >> 24) as usize & 255, 256, 330.5),
        ];
        for shift in [1, 3, 6] {
            let sampler = Sampler::new(MINIATURE << shift, 1);
            let sample: Vec<u64> = hashes(3).filter(|hash| sampler.wants(*hash)).take(100_000).collect();
            for (what, class, count, limit) in classes {
                let mut found = vec![0f64; count];
                sample.iter().for_each(|hash| found[class(*hash)] += 1.0);
                let expected = sample.len() as f64 / count as f64;
                let statistic: f64 = found.iter().map(|n| (n - expected) * (n - expected) / expected).sum();
                assert!(statistic < limit, "shift {shift}, {what}: {statistic}");
            }
        }
    }

    #[test]
    fn a_changed_rate_holds_from_then_on() {
        let sampler = Sampler::new(10, 1);
        sampler.set_shift(10);
        let wanted = hashes(4).take(100_000).filter(|hash| sampler.wants(*hash)).count();
        assert!((50..150).contains(&wanted), "{wanted}");
    }
}
