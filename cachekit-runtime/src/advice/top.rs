//! Which keys are looked for most, in bounded memory.

use super::live::Sampled;
use crate::policy::{Slot, SlotHeap};
use hashbrown::HashTable;

/// Keys that are followed at once. A key that has more than one of so many looks is among them for certain.
pub(crate) const FOLLOWED: usize = 1_024;

/// One key.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "backend", derive(serde::Serialize))]
#[non_exhaustive]
pub struct TopKey<K> {
    /// The hash of the key, which has a seed of the cache's own.
    pub hash: u64,
    /// The key, where it is in memory now.
    pub key: Option<K>,
    /// The part of the sampled looks that were for it, from 0 to 1: at the most, and too much by at most [`TopKeys::error`].
    pub share: f64,
    /// At the least.
    pub share_at_least: f64,
}

/// The keys of a cache that are looked for most, from a sample of the looks.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "backend", derive(serde::Serialize))]
#[non_exhaustive]
pub struct TopKeys<K> {
    /// From the one that is looked for most.
    pub keys: Vec<TopKey<K>>,
    /// Looks that were counted.
    pub sampled: u64,
    /// Looks that came faster than they could be counted, and were not.
    pub dropped: u64,
    /// By how much a share can be too large at the most. A key with a greater share is followed for certain.
    pub error: f64,
}

impl<K> TopKey<K> {
    pub(crate) fn new(hash: u64, share: f64, share_at_least: f64) -> Self {
        TopKey { hash, key: None, share, share_at_least }
    }
}

impl<K> TopKeys<K> {
    /// With the keys as something else.
    #[cfg(feature = "registry")]
    pub(crate) fn map<L>(self, mut map: impl FnMut(&K) -> L) -> TopKeys<L> {
        let TopKeys { keys, sampled, dropped, error } = self;
        let keys = keys.into_iter().map(|top| TopKey {
            key: top.key.as_ref().map(&mut map),
            ..TopKey::new(top.hash, top.share, top.share_at_least)
        });
        TopKeys { keys: keys.collect(), sampled, dropped, error }
    }
}

/// A key that is followed.
struct Followed {
    hash: u64,
    /// What its count began with: that of the key whose place it has taken.
    excess: u64,
}

/// The Space-Saving summary: Metwally, Agrawal, El Abbadi, "Efficient computation of frequent and top-k elements in data streams", ICDT 2005, section 3. A key that
/// is not followed takes the place of the one with the smallest count, and goes on from that count.
///
/// Of `n` looks and `m` places each count is too large by at most `n / m`, and every key with more looks than that is followed.
pub(crate) struct SpaceSaving {
    places: usize,
    followed: Vec<Followed>,
    /// Places by hash.
    by_hash: HashTable<u32>,
    /// Places by count.
    counts: SlotHeap,
    seen: u64,
}

/// What is known of one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) hash: u64,
    pub(crate) most: u64,
    pub(crate) least: u64,
}

impl SpaceSaving {
    pub(crate) fn new(places: usize) -> Self {
        SpaceSaving {
            places: places.max(1),
            followed: Vec::new(),
            by_hash: HashTable::new(),
            counts: SlotHeap::new(),
            seen: 0,
        }
    }

    fn add(&mut self, hash: u64) {
        self.seen += 1;
        let followed = &self.followed;
        let at = |place: u32| followed.get(place as usize).map_or(0, |followed| followed.hash);
        if let Some(place) = self.by_hash.find(hash, |place| at(*place) == hash) {
            let slot = Slot::new(*place);
            return self.counts.set(slot, self.counts.key(slot).unwrap_or(0) + 1);
        }
        let (place, excess) = match self.counts.first() {
            Some((least, slot)) if self.followed.len() >= self.places => {
                let gone = at(slot.raw());
                if let Ok(found) = self.by_hash.find_entry(gone, |place| *place == slot.raw()) {
                    found.remove();
                }
                (slot.raw(), least)
            }
            _ => (self.followed.len() as u32, 0),
        };
        match self.followed.get_mut(place as usize) {
            Some(followed) => *followed = Followed { hash, excess },
            None => self.followed.push(Followed { hash, excess }),
        }
        self.counts.set(Slot::new(place), excess + 1);
        let followed = &self.followed;
        let rehash = |place: &u32| followed.get(*place as usize).map_or(0, |followed| followed.hash);
        self.by_hash.insert_unique(hash, place, rehash);
    }

    /// Looks that it has seen.
    pub(crate) fn seen(&self) -> u64 {
        self.seen
    }

    /// By how much a count can be too large, and which number of looks a key has at most that is not followed.
    pub(crate) fn error(&self) -> u64 {
        if self.followed.len() < self.places { 0 } else { self.counts.first().map_or(0, |(least, _)| least) }
    }

    /// The first `most` of them, the greatest count first.
    pub(crate) fn top(&self, most: usize) -> Vec<Count> {
        let mut all: Vec<Count> = (0..)
            .zip(&self.followed)
            .map(|(place, followed)| {
                let count = self.counts.key(Slot::new(place)).unwrap_or(0);
                Count { hash: followed.hash, most: count, least: count.saturating_sub(followed.excess) }
            })
            .collect();
        all.sort_unstable_by_key(|count| (std::cmp::Reverse((count.most, count.least)), count.hash));
        all.truncate(most);
        all
    }
}

impl Sampled for SpaceSaving {
    /// Every look: the part of the keys that other samples see has the popular ones or has not.
    fn limit(&self) -> u64 {
        u64::MAX
    }

    fn feed(&mut self, hashes: &[u64]) {
        hashes.iter().for_each(|hash| self.add(*hash));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::{collections::HashMap, hash::BuildHasher};

    fn exactly(hashes: &[u64]) -> HashMap<u64, u64> {
        hashes.iter().fold(HashMap::new(), |mut counts, hash| {
            *counts.entry(*hash).or_default() += 1;
            counts
        })
    }

    /// All that the paper promises (lemmas 3.2 to 3.5 and theorem 3.6 there).
    fn check(places: usize, hashes: &[u64]) {
        let mut summary = SpaceSaving::new(places);
        summary.feed(hashes);
        let (counts, error, top) = (exactly(hashes), summary.error(), summary.top(usize::MAX));
        assert!(top.len() <= places);
        assert!(error <= hashes.len() as u64 / places as u64, "{error}");
        assert_eq!(top.iter().map(|count| count.most).sum::<u64>(), hashes.len() as u64);
        for count in &top {
            let truly = counts[&count.hash];
            assert!(count.least <= truly && truly <= count.most, "{count:?} {truly}");
            assert!(count.most - count.least <= error, "{count:?} {error}");
        }
        for (hash, truly) in counts {
            assert!(truly <= error || top.iter().any(|count| count.hash == hash), "{truly} of {hash:x} are missing");
        }
        assert!(top.is_sorted_by_key(|count| std::cmp::Reverse(count.most)));
    }

    proptest! {
        #[test]
        fn counts_are_within_their_bounds(places in 1_usize..40, keys in prop::collection::vec(0_u64..100, 0..1_000)) {
            let spread = |key: &u64| key.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            check(places, &keys.iter().map(spread).collect::<Vec<_>>());
        }
    }

    #[test]
    fn of_a_stable_popularity_the_first_are_right() {
        let hasher = foldhash::fast::FixedState::with_seed(7);
        let (mut random, mut hashes) = (1_u64, Vec::new());
        let keys = 100_000_f64;
        for _ in 0..500_000 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            // As popular as its place is near, by Zipf's law.
            let part = (random >> 11) as f64 / 2_f64.powi(53);
            hashes.push(hasher.hash_one(keys.powf(part) as u64));
        }
        check(FOLLOWED, &hashes);
        let mut summary = SpaceSaving::new(FOLLOWED);
        summary.feed(&hashes);
        let top: Vec<u64> = summary.top(10).iter().map(|count| count.hash).collect();
        assert_eq!(top, (1..11_u64).map(|key| hasher.hash_one(key)).collect::<Vec<_>>());
        assert!(summary.by_hash.len() == FOLLOWED && summary.followed.len() == FOLLOWED);
    }
}
