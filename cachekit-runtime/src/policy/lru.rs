//! Least recently used.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

use super::{Policy, Slot, Touch, Words};

/// A stamp that no live entry has: logical time starts at 1.
const DEAD: u64 = 0;

/// Evicts the entry that has gone longest without a hit. Exact on one thread; of simultaneous hits either may count as the later.
///
/// A hit writes the logical time into the entry's word and no more. The queue below is ordered by what the stamps were when the
/// entries were queued, and stamps only grow: so the first of the queue is the least recently used if its stamp has not changed,
/// and otherwise goes back into the queue with its new stamp. Each such step is paid for by at least one hit, but they
/// may fall due together: the first eviction after every entry of a shard was hit steps over all of them, under the shard's lock.
pub struct Lru {
    /// The stamp of each entry when it was queued, and its slot. Entries that went by `on_remove` stay until they come up.
    queue: BinaryHeap<Reverse<(u64, Slot)>>,
    /// By slot, the stamp under which it is queued: what tells a live place in the queue from a left-over one.
    queued: Vec<u64>,
    live: usize,
}

impl Lru {
    fn is_live(queued: &[u64], stamp: u64, slot: Slot) -> bool {
        stamp != DEAD && queued.get(slot.index()) == Some(&stamp)
    }

    fn drop_left_overs(&mut self) {
        // At least half of the queue is left over, so the cost is a constant share of the removals that caused it.
        if self.queue.len() > 2 * self.live + 64 {
            let queued = &self.queued;
            self.queue.retain(|Reverse((stamp, slot))| Self::is_live(queued, *stamp, *slot));
        }
    }
}

impl Policy for Lru {
    fn with_capacity(_: usize) -> Self {
        Lru { queue: BinaryHeap::new(), queued: Vec::new(), live: 0 }
    }

    fn on_insert(&mut self, slot: Slot, words: &Words<'_>) {
        let stamp = words.get(slot);
        if self.queued.len() <= slot.index() {
            self.queued.resize(slot.index() + 1, DEAD);
        }
        self.queued[slot.index()] = stamp;
        self.queue.push(Reverse((stamp, slot)));
        self.live += 1;
    }

    fn on_hit(&self) -> Touch {
        Touch::Stamp
    }

    fn on_remove(&mut self, slot: Slot) {
        if let Some(stamp) = self.queued.get_mut(slot.index())
            && *stamp != DEAD
        {
            *stamp = DEAD;
            self.live -= 1;
            self.drop_left_overs();
        }
    }

    fn victim(&mut self, words: &Words<'_>) -> Option<Slot> {
        while let Some(mut first) = self.queue.peek_mut() {
            let Reverse((stamp, slot)) = *first;
            if !Self::is_live(&self.queued, stamp, slot) {
                PeekMut::pop(first);
                continue;
            }
            let now = words.get(slot);
            if now > stamp {
                self.queued[slot.index()] = now;
                *first = Reverse((now, slot));
                continue;
            }
            PeekMut::pop(first);
            self.queued[slot.index()] = DEAD;
            self.live -= 1;
            return Some(slot);
        }
        None
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
    fn left_overs_of_removals_do_not_pile_up() {
        let mut harness = PolicyHarness::<Lru>::new(8);
        for hash in 0..100_000 {
            let slot = harness.insert(hash).slot;
            harness.remove(slot);
            assert!(harness.policy().queue.len() <= 64);
        }
        assert!(harness.policy().queued.len() <= 8);
    }
}
