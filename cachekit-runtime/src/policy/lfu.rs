//! Least frequently used.

use super::slot_heap::SlotHeap;
use super::{Known, Policy, Slot, Standing, Touch, Words};

/// The low bits of a key hold the number of the insertion, the rest the hits.
const AGE_BITS: u32 = 40;
const MOST_HITS: u64 = u64::MAX >> AGE_BITS;

/// Evicts the entry with the fewest hits since it came; of several the one that was inserted first. What was evicted is forgotten:
/// a key that comes back starts anew. Entries that were popular once stay long: rather choose [`WTinyLfu`](super::WTinyLfu) where
/// popularity changes.
///
/// The in-cache ("perfect within residence") form of Robinson and Devarakonda, "Data cache management using frequency-based replacement",
/// SIGMETRICS 1990, section 1.
///
/// A hit counts in the entry's word. The heap below is ordered by the hits that were known when an entry was put there, and hits only
/// grow: so the first of the heap is the least frequently used if its word is 0, and otherwise goes back with its word added. Between
/// two such looks a word counts to 255: of more hits the rest is lost. 2^24 hits are as many as can be told apart.
pub struct Lfu {
    heap: SlotHeap,
    insertions: u64,
}

impl Lfu {
    fn put(&mut self, slot: Slot, hits: u64) {
        let age = self.insertions & ((1 << AGE_BITS) - 1);
        self.insertions += 1;
        self.heap.set(slot, hits.min(MOST_HITS) << AGE_BITS | age);
    }
}

impl Policy for Lfu {
    fn with_capacity(_: usize) -> Self {
        Lfu { heap: SlotHeap::new(), insertions: 0 }
    }

    fn on_insert(&mut self, slot: Slot, _: &Words<'_>) {
        self.put(slot, 0);
    }

    fn on_hit(&self) -> Touch {
        Touch::Count { max: 255 }
    }

    fn on_remove(&mut self, slot: Slot) {
        self.heap.remove(slot);
    }

    fn standing(&self, slot: Slot, words: &Words<'_>) -> Option<Standing> {
        let before = self.heap.key(slot)? >> AGE_BITS;
        Some(Standing::default().fact("hits", before.saturating_add(words.get(slot))))
    }

    fn victim(&mut self, words: &Words<'_>) -> Option<Slot> {
        loop {
            let (key, slot) = self.heap.first()?;
            let hits = words.get(slot);
            if hits == 0 || key >> AGE_BITS == MOST_HITS {
                self.heap.remove(slot);
                return Some(slot);
            }
            words.set(slot, 0);
            let sum = (hits + (key >> AGE_BITS)).min(MOST_HITS);
            self.heap.set(slot, sum << AGE_BITS | key & ((1 << AGE_BITS) - 1));
        }
    }

    /// The hits count on; what is colder counts as inserted earlier.
    fn on_adopt(&mut self, slot: Slot, known: Known, words: &Words<'_>) {
        words.set(slot, 0);
        self.put(slot, u64::from(known.hits));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::PolicyHarness;

    crate::testing::policy_suite!(Lfu);

    #[test]
    fn the_fewest_hits_go_first_and_among_equals_the_first_inserted() {
        let mut harness = PolicyHarness::<Lfu>::new(4);
        let [a, b, c, d] = [1, 2, 3, 4].map(|hash| harness.insert(hash).slot);
        for slot in [a, a, b, d] {
            harness.hit(slot);
        }
        assert_eq!([harness.evict(), harness.evict(), harness.evict(), harness.evict()], [c, b, d, a]);
    }

    #[test]
    fn hits_add_up_beyond_what_a_word_counts() {
        let mut harness = PolicyHarness::<Lfu>::new(3);
        let [a, b] = [1, 2].map(|hash| harness.insert(hash).slot);
        for round in 0..4 {
            (0..200).for_each(|_| harness.hit(a));
            (0..201).for_each(|_| harness.hit(b));
            let passing = harness.insert(10 + round).slot;
            assert_eq!(harness.evict(), passing, "looking for it reads the word of the first only when that is first");
        }
        let passing = harness.insert(20).slot;
        (0..255).for_each(|_| harness.hit(passing));
        assert_eq!([harness.evict(), harness.evict(), harness.evict()], [passing, a, b]);
    }

    #[test]
    fn adopted_hits_count_on() {
        let mut harness = PolicyHarness::<Lfu>::new(3);
        let a = harness.adopt(1, Known::new(1000, 0.0));
        let b = harness.adopt(2, Known::new(1, 0.5));
        let c = harness.adopt(3, Known::new(1, 1.0));
        harness.hit(b);
        assert_eq!([harness.evict(), harness.evict(), harness.evict()], [c, b, a]);
    }

    #[test]
    fn the_most_hits_do_not_run_into_the_age() {
        let mut harness = PolicyHarness::<Lfu>::new(2);
        let a = harness.adopt(1, Known::new(u32::MAX, 0.0));
        let b = harness.adopt(2, Known::new(5, 1.0));
        harness.hit(a);
        assert_eq!([harness.evict(), harness.evict()], [b, a]);
    }
}
