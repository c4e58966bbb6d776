//! How many other keys came since a key came last: what decides whether LRU hits.

use super::spread;
use hashbrown::HashTable;
use std::collections::BinaryHeap;

/// When a followed key came last.
struct Last {
    hash: u64,
    place: u32,
}

/// The reuse distances of a bounded number of keys, those with the smallest hashes: SHARDS with a fixed size (FAST 2015, section 3.3).
///
/// Each key has a place on a line, that of its last access. How many keys stand behind it is a sum over a Fenwick tree (Fenwick, "A new data structure for
/// cumulative frequency tables", 1994) in logarithmic time; when the line is full, the keys move together.
pub(super) struct Distances {
    most: usize,
    limit: u64,
    last: HashTable<Last>,
    greatest: BinaryHeap<u64>,
    /// Keys by place, as partial sums, from index 1.
    tree: Vec<u32>,
    next: u32,
}

/// What an access was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reuse {
    /// The key was not followed until now.
    First,
    /// So many other followed keys came in between.
    After(u32),
}

impl Distances {
    /// Follows at most so many keys, and none with a greater hash than the limit.
    pub(super) fn new(most: usize, limit: u64) -> Self {
        let most = most.clamp(1, 1 << 30);
        Distances {
            most,
            limit,
            last: HashTable::new(),
            greatest: BinaryHeap::new(),
            tree: vec![0; 2 * most + 2],
            next: 0,
        }
    }

    /// Keys with greater hashes are not followed. Falls as more keys come.
    pub(super) fn limit(&self) -> u64 {
        self.limit
    }

    /// An access of a key; `None` if its hash is over the limit.
    pub(super) fn access(&mut self, hash: u64) -> Option<Reuse> {
        if hash > self.limit {
            return None;
        }
        if self.next as usize == self.tree.len() - 1 {
            self.move_together();
        }
        let place = self.next;
        self.next += 1;
        let found = self.last.find_mut(spread(hash), |last| last.hash == hash);
        let reuse = match found {
            Some(last) => {
                let before = std::mem::replace(&mut last.place, place);
                let behind = self.last.len() as u32 - self.up_to(before);
                self.add(before, -1);
                Reuse::After(behind)
            }
            None => {
                self.last.insert_unique(spread(hash), Last { hash, place }, |last| spread(last.hash));
                self.greatest.push(hash);
                Reuse::First
            }
        };
        self.add(place, 1);
        if self.last.len() > self.most {
            self.lower();
        }
        Some(reuse)
    }

    /// Forgets the key with the greatest hash, and follows none from there on.
    fn lower(&mut self) {
        let Some(greatest) = self.greatest.pop() else { return };
        self.limit = greatest.saturating_sub(1);
        if let Ok(found) = self.last.find_entry(spread(greatest), |last| last.hash == greatest) {
            let place = found.remove().0.place;
            self.add(place, -1);
        }
    }

    fn move_together(&mut self) {
        let mut in_order: Vec<(u32, u64)> = self.last.iter().map(|last| (last.place, last.hash)).collect();
        in_order.sort_unstable();
        self.tree.fill(0);
        self.next = 0;
        for (_, hash) in in_order {
            let place = self.next;
            if let Some(last) = self.last.find_mut(spread(hash), |last| last.hash == hash) {
                last.place = place;
            }
            self.add(place, 1);
            self.next += 1;
        }
    }

    fn add(&mut self, place: u32, change: i32) {
        let mut index = place as usize + 1;
        while let Some(sum) = self.tree.get_mut(index) {
            *sum = sum.wrapping_add_signed(change);
            index += index & index.wrapping_neg();
        }
    }

    /// The keys at this place and before.
    fn up_to(&self, place: u32) -> u32 {
        let mut index = place as usize + 1;
        let mut sum = 0_u32;
        while index > 0 {
            sum = sum.wrapping_add(self.tree[index]);
            index &= index - 1;
        }
        sum
    }

    /// Keys that are followed now.
    pub(super) fn len(&self) -> usize {
        self.last.len()
    }

    /// The memory in use, in bytes.
    pub(super) fn bytes(&self) -> usize {
        size_of::<Self>()
            + self.last.allocation_size()
            + self.greatest.capacity() * size_of::<u64>()
            + self.tree.capacity() * size_of::<u32>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By a list in the order of use.
    fn by_list(list: &mut Vec<u64>, hash: u64) -> Reuse {
        let found = list.iter().rposition(|other| *other == hash);
        let reuse = found.map_or(Reuse::First, |at| Reuse::After((list.len() - 1 - at) as u32));
        found.map(|at| list.remove(at));
        list.push(hash);
        reuse
    }

    fn random(seed: u64) -> impl FnMut(u64) -> u64 {
        let mut state = seed;
        move |below| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        }
    }

    #[test]
    fn distances_are_those_of_a_list_in_the_order_of_use() {
        // So few that the keys move together often.
        let (mut distances, mut list, mut draw) = (Distances::new(40, u64::MAX), Vec::new(), random(3));
        for _ in 0..5_000 {
            let hash = spread(draw(40));
            assert_eq!(distances.access(hash), Some(by_list(&mut list, hash)));
        }
        assert_eq!((distances.len(), distances.limit()), (40, u64::MAX));
    }

    #[test]
    fn of_more_keys_those_with_the_smallest_hashes_are_followed() {
        let (mut distances, mut draw) = (Distances::new(100, u64::MAX), random(5));
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..20_000 {
            let hash = spread(draw(2_000));
            seen.insert(hash);
            distances.access(hash);
            assert!(distances.len() <= 100);
        }
        let smallest: Vec<u64> = seen.iter().copied().take(100).collect();
        assert!(smallest.iter().all(|hash| *hash <= distances.limit()));
        assert!(seen.iter().nth(100).is_some_and(|hash| *hash > distances.limit()));
        // From then on, as if there were no others.
        let mut list = Vec::new();
        smallest.iter().for_each(|hash| _ = distances.access(*hash));
        smallest.iter().for_each(|hash| _ = by_list(&mut list, *hash));
        for _ in 0..5_000 {
            let hash = spread(draw(2_000));
            let expected = (hash <= smallest[99]).then(|| by_list(&mut list, hash));
            assert_eq!(distances.access(hash), expected);
        }
    }

    #[test]
    fn memory_stays_where_it_was_once_full() {
        let (mut distances, mut draw) = (Distances::new(256, u64::MAX), random(5));
        (0..20_000).for_each(|_| _ = distances.access(spread(draw(5_000))));
        let before = distances.bytes();
        (0..200_000).for_each(|_| _ = distances.access(spread(draw(1 << 40))));
        assert_eq!(distances.bytes(), before);
        assert!(before < 256 * 80, "{before}");
    }
}
