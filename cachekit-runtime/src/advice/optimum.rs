//! The optimum: evict what is needed again last (Belady, "A study of replacement algorithms for a virtual-storage computer", IBM Systems Journal
//! 5(2), 1966).

use hashbrown::HashMap;
use std::collections::BinaryHeap;

/// Never again.
const NEVER: u32 = u32::MAX;

/// A stream of which the future is known, for the most hits that a cache can have. Takes 8 bytes for each access, beside what the distinct keys take.
#[derive(Debug, Clone, Default)]
pub struct Optimum {
    /// Numbered in the order of their first use.
    keys: Vec<u32>,
    /// By access, when its key comes again.
    next: Vec<u32>,
    distinct: usize,
}

impl Optimum {
    /// Of hashed keys, the first 2^32 - 1 of them.
    #[must_use]
    pub fn of(hashes: impl IntoIterator<Item = u64>) -> Self {
        let mut last: HashMap<u64, (u32, u32), foldhash::fast::FixedState> = HashMap::default();
        let (mut keys, mut next) = (Vec::new(), Vec::new());
        for (hash, at) in hashes.into_iter().zip(0..NEVER) {
            let number = last.len() as u32;
            let (key, before) = last.entry(hash).or_insert((number, NEVER));
            if let Some(before) = next.get_mut(*before as usize) {
                *before = at;
            }
            *before = at;
            keys.push(*key);
            next.push(NEVER);
        }
        Optimum { keys, next, distinct: last.len() }
    }

    /// How many accesses there are.
    #[must_use]
    pub fn accesses(&self) -> u64 {
        self.keys.len() as u64
    }

    /// How many different keys there are.
    #[must_use]
    pub fn distinct(&self) -> u64 {
        self.distinct as u64
    }

    /// The most hits that any cache of so many entries can have. It knows the future, and may decline to store what it has just loaded.
    #[must_use]
    pub fn hits(&self, capacity: usize) -> u64 {
        // By key, whether it is in the cache.
        let mut stored = vec![false; self.distinct];
        // When the stored keys are needed again, latest first. A hit leaves the entry from before it, which has come due by then and so never is the latest again.
        let mut latest: BinaryHeap<(u32, u32)> = BinaryHeap::new();
        let (mut hits, mut entries) = (0, 0);
        for (at, (key, next)) in self.keys.iter().zip(&self.next).enumerate() {
            if std::mem::take(&mut stored[*key as usize]) {
                hits += 1;
                entries -= 1;
            }
            if *next == NEVER {
                continue;
            }
            if entries == capacity {
                // All entries are due in the future, so that the first of the heap is one of them.
                match latest.peek() {
                    Some((later, victim)) if later > next && entries > 0 => {
                        stored[*victim as usize] = false;
                        latest.pop();
                        entries -= 1;
                    }
                    _ => continue,
                }
            }
            stored[*key as usize] = true;
            latest.push((*next, *key));
            entries += 1;
            if latest.len() > 4 * entries + 1_024 {
                latest.retain(|(due, _)| *due as usize > at);
            }
        }
        hits
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// The definition, by trying every subset of what could be kept.
    fn by_trial(keys: &[u64], capacity: usize) -> u64 {
        // The best number of hits up to here for each content of the cache.
        let mut best = BTreeMap::from([(Vec::new(), 0)]);
        for key in keys {
            let mut after: BTreeMap<Vec<u64>, u64> = BTreeMap::new();
            let mut offer = |content: Vec<u64>, hits: u64| {
                let known = after.entry(content).or_insert(hits);
                *known = hits.max(*known);
            };
            for (content, hits) in &best {
                if content.contains(key) {
                    offer(content.clone(), hits + 1);
                    continue;
                }
                offer(content.clone(), *hits);
                for without in 0..=content.len() {
                    let others = content.iter().enumerate().filter(|(at, _)| *at != without).map(|(_, key)| *key);
                    let mut with: Vec<u64> = others.chain([*key]).collect();
                    with.sort_unstable();
                    if with.len() <= capacity {
                        offer(with, *hits);
                    }
                }
            }
            best = after;
        }
        best.into_values().max().unwrap_or(0)
    }

    #[test]
    fn no_choice_of_victims_has_more_hits() {
        let mut state = 9_u64;
        let mut draw = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        for round in 0..60 {
            let keys: Vec<u64> = (0..25).map(|_| draw(7)).collect();
            let capacity = 1 + round % 4;
            assert_eq!(
                Optimum::of(keys.iter().copied()).hits(capacity),
                by_trial(&keys, capacity),
                "{keys:?} in {capacity}"
            );
        }
    }

    #[test]
    fn a_cache_without_room_hits_nothing_and_one_with_room_for_all_misses_each_once() {
        let optimum = Optimum::of((0..10_000).map(|at| at * 7 % 50));
        assert_eq!((optimum.accesses(), optimum.distinct()), (10_000, 50));
        assert_eq!([0, 50, 500].map(|capacity| optimum.hits(capacity)), [0, 9_950, 9_950]);
        assert_eq!(Optimum::default().hits(3), 0);
    }
}
