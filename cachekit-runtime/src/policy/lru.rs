//! Least recently used.

use super::slot_heap::SlotHeap;
use super::{Policy, Slot, Standing, Touch, Words};

/// Evicts the entry that has gone longest without a hit. Exact on one thread; of simultaneous hits either may count as the later.
///
/// A hit writes the logical time into the entry's word and no more. The heap below is ordered by what the stamps were when the
/// entries were put there, and stamps only grow: so the first of the heap is the least recently used if its stamp has not changed,
/// and otherwise goes back into the heap with its new stamp. Each such step is paid for by at least one hit, but they
/// may fall due together: the first eviction after every entry of a shard was hit steps over all of them, under the shard's lock.
pub struct Lru {
    heap: SlotHeap,
}

impl Policy for Lru {
    fn with_capacity(_: usize) -> Self {
        Lru { heap: SlotHeap::new() }
    }

    fn on_insert(&mut self, slot: Slot, words: &Words<'_>) {
        self.heap.set(slot, words.get(slot));
    }

    fn on_hit(&self) -> Touch {
        Touch::Stamp
    }

    fn on_remove(&mut self, slot: Slot) {
        self.heap.remove(slot);
    }

    fn standing(&self, slot: Slot, words: &Words<'_>) -> Option<Standing> {
        Some(Standing::default().fact("last use", words.get(slot)))
    }

    fn victim(&mut self, words: &Words<'_>) -> Option<Slot> {
        loop {
            let (stamp, slot) = self.heap.first()?;
            let now = words.get(slot);
            if now <= stamp {
                self.heap.remove(slot);
                return Some(slot);
            }
            self.heap.set(slot, now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::PolicyHarness;

    crate::testing::policy_suite!(Lru);

    #[test]
    fn hits_put_entries_last_in_the_order_of_the_hits() {
        let mut harness = PolicyHarness::<Lru>::new(3);
        let [a, b, c] = [1, 2, 3].map(|hash| harness.insert(hash).slot);
        harness.hit(b);
        harness.hit(a);
        harness.hit(b);
        assert_eq!([harness.evict(), harness.evict(), harness.evict()], [c, a, b]);
    }

    #[test]
    fn a_slot_that_is_used_again_is_not_mistaken_for_the_entry_before() {
        let mut harness = PolicyHarness::<Lru>::new(3);
        let [a, b, _] = [1, 2, 3].map(|hash| harness.insert(hash).slot);
        harness.remove(a);
        let again = harness.insert(4).slot;
        assert_eq!(again, a);
        assert_eq!(harness.evict(), b);
    }

    #[test]
    fn order_holds_across_the_end_of_32_bits() {
        let mut harness = PolicyHarness::<Lru>::with_clock(4, u64::from(u32::MAX) - 3);
        let [a, b, c, d] = [1, 2, 3, 4].map(|hash| harness.insert(hash).slot);
        harness.hit(a);
        harness.hit(c);
        assert_eq!([harness.evict(), harness.evict(), harness.evict(), harness.evict()], [b, d, a, c]);
    }

    #[test]
    fn removed_entries_leave_nothing_behind() {
        let mut harness = PolicyHarness::<Lru>::new(8);
        for hash in 0..1_000 {
            let slot = harness.insert(hash).slot;
            harness.remove(slot);
        }
        assert_eq!(harness.policy().heap.len(), 0);
    }
}
