//! S3-FIFO: three first-in-first-out queues.
//!
//! Juncheng Yang, Yazhuo Zhang, Ziyue Qiu, Yao Yue, K. V. Rashmi: "FIFO queues are all you need for cache eviction", SOSP 2023,
//! section 4 and Algorithm 1.

use super::ghost::Ghost;
use super::slot_queues::SlotQueues;
use super::{Known, Policy, Slot, Standing, Touch, Words};

const SMALL: usize = 0;
const MAIN: usize = 1;

/// New entries pass a small queue (a tenth of the capacity); what was hit more than once there moves to the main queue, the rest
/// is evicted and its hash remembered in a ghost queue. A key that comes back while remembered goes to the main queue at once.
/// The main queue gives entries that were hit another round. Resists scans, and needs no order to be kept on hits.
///
/// Yang et al., "FIFO queues are all you need for cache eviction", SOSP 2023, section 4, Algorithm 1. Two differences: that
/// algorithm may evict twice for one insertion (when a promotion overfills the main queue); here the first eviction is enough. And
/// the ghost queue is in order only within groups of up to 15 keys, and takes one key of about 4,400 for one that it remembers: the
/// price of two bytes for each.
pub struct S3Fifo {
    queues: SlotQueues<2>,
    ghost: Ghost,
    small_capacity: usize,
    main_capacity: usize,
}

impl S3Fifo {
    fn evict_from_small(&mut self, words: &Words<'_>) -> Option<Slot> {
        while let Some(slot) = self.queues.pop_front(SMALL) {
            if words.get(slot) <= 1 {
                self.ghost.remember(words.hash(slot));
                return Some(slot);
            }
            words.set(slot, 0);
            self.queues.push_back(MAIN, slot);
            if self.queues.len(MAIN) > self.main_capacity {
                return self.evict_from_main(words);
            }
        }
        None
    }

    fn evict_from_main(&mut self, words: &Words<'_>) -> Option<Slot> {
        while let Some(slot) = self.queues.pop_front(MAIN) {
            match words.get(slot) {
                0 => return Some(slot),
                count => {
                    words.set(slot, count - 1);
                    self.queues.push_back(MAIN, slot);
                }
            }
        }
        None
    }
}

/// A tenth for the small queue, the rest for the main queue.
fn shares(capacity: usize) -> (usize, usize) {
    let small = (capacity / 10).max(1);
    (small, capacity.saturating_sub(small))
}

impl Policy for S3Fifo {
    fn with_capacity(capacity: usize) -> Self {
        let (small_capacity, main_capacity) = shares(capacity);
        S3Fifo { queues: SlotQueues::new(), ghost: Ghost::new(main_capacity), small_capacity, main_capacity }
    }

    fn on_insert(&mut self, slot: Slot, words: &Words<'_>) {
        let queue = if self.ghost.forget(words.hash(slot)) { MAIN } else { SMALL };
        self.queues.push_back(queue, slot);
    }

    fn on_hit(&self) -> Touch {
        Touch::Count { max: 3 }
    }

    fn on_remove(&mut self, slot: Slot) {
        self.queues.remove(slot);
    }

    fn standing(&self, slot: Slot, words: &Words<'_>) -> Option<Standing> {
        let queue = if self.queues.queue_of(slot)? == SMALL { "small queue" } else { "main queue" };
        Some(Standing::within(queue).fact("hits", words.get(slot)))
    }

    fn victim(&mut self, words: &Words<'_>) -> Option<Slot> {
        if self.queues.len(SMALL) < self.small_capacity
            && let Some(slot) = self.evict_from_main(words)
        {
            return Some(slot);
        }
        // The small queue may promote all that it has.
        self.evict_from_small(words).or_else(|| self.evict_from_main(words))
    }

    fn set_capacity(&mut self, capacity: usize) {
        (self.small_capacity, self.main_capacity) = shares(capacity);
        self.ghost.set_capacity(self.main_capacity);
    }

    /// The coldest fill the small queue, the rest goes to the main queue.
    fn on_adopt(&mut self, slot: Slot, _: Known, _: &Words<'_>) {
        let queue = if self.queues.len(SMALL) < self.small_capacity { SMALL } else { MAIN };
        self.queues.push_back(queue, slot);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::PolicyHarness;

    crate::testing::policy_suite!(S3Fifo);

    /// Capacity 10: the small queue holds 1, the main queue 9.
    fn full() -> (PolicyHarness<S3Fifo>, Vec<Slot>) {
        let mut harness = PolicyHarness::new(10);
        let slots = (0..10).map(|hash| harness.insert(hash).slot).collect();
        (harness, slots)
    }

    fn lengths(harness: &PolicyHarness<S3Fifo>) -> (usize, usize) {
        (harness.policy().queues.len(SMALL), harness.policy().queues.len(MAIN))
    }

    #[test]
    fn an_entry_that_was_hit_at_most_once_is_evicted_from_the_small_queue() {
        let (mut harness, slots) = full();
        harness.hit(slots[0]);
        assert_eq!(harness.insert(100).evicted, Some(slots[0]));
        assert_eq!(harness.insert(101).evicted, Some(slots[1]));
        assert_eq!(lengths(&harness), (10, 0));
    }

    #[test]
    fn an_entry_that_was_hit_twice_moves_to_the_main_queue_with_a_cleared_counter() {
        let (mut harness, slots) = full();
        harness.hit(slots[0]);
        harness.hit(slots[0]);
        assert_eq!(harness.insert(100).evicted, Some(slots[1]));
        assert_eq!(lengths(&harness), (9, 1));
        assert_eq!(harness.word(slots[0]), 0);
    }

    #[test]
    fn a_key_that_comes_back_from_the_ghost_queue_goes_to_the_main_queue() {
        let (mut harness, _) = full();
        harness.insert(100);
        harness.insert(0);
        assert_eq!(lengths(&harness), (9, 1));
        assert!(!harness.policy_mut().ghost.forget(0), "it left the ghost queue");
        assert!(harness.policy_mut().ghost.forget(1));
    }

    #[test]
    fn the_main_queue_gives_a_round_for_each_hit() {
        let (mut harness, slots) = full();
        for slot in &slots {
            harness.hit(*slot);
            harness.hit(*slot);
        }
        // All ten are promoted, which is one too many for the main queue: the first of it goes.
        assert_eq!(harness.evict(), slots[0]);
        assert_eq!(lengths(&harness), (0, 9));
        harness.hit(slots[1]);
        assert_eq!(harness.evict(), slots[2]);
        assert_eq!(harness.word(slots[1]), 0, "its round is used up");
        for expected in [3, 4, 5, 6, 7, 8, 9, 1] {
            assert_eq!(harness.evict(), slots[expected]);
        }
    }

    #[test]
    fn three_hits_in_the_main_queue_are_three_rounds() {
        let (mut harness, slots) = full();
        for slot in &slots[..9] {
            harness.hit(*slot);
            harness.hit(*slot);
        }
        // Promotes nine, evicts the tenth: from here on the main queue is asked as long as it holds anything.
        assert_eq!(harness.evict(), slots[9]);
        (0..5).for_each(|_| harness.hit(slots[0]));
        (1..=6).for_each(|index| (0..index % 3).for_each(|_| harness.hit(slots[index])));
        let order: Vec<_> = (0..9).map(|_| harness.evict()).collect();
        assert_eq!(order, [3, 6, 7, 8, 1, 4, 2, 5, 0].map(|index| slots[index]));
    }

    #[test]
    fn a_scan_leaves_the_main_queue_alone() {
        let (mut harness, slots) = full();
        for slot in &slots[..9] {
            harness.hit(*slot);
            harness.hit(*slot);
        }
        for hash in 100..1_000 {
            harness.insert(hash);
        }
        assert!(slots[..9].iter().all(|slot| harness.is_live(*slot) && harness.hash(*slot) < 10));
    }
}
