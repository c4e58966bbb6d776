//! SIEVE: one queue and a hand.

use super::slot_queues::SlotQueues;
use super::{Known, Policy, Slot, Standing, Touch, Words};

/// Entries stand in the order of their insertion. A hit marks an entry. A hand moves from the oldest to the newest: what is marked
/// loses its mark and stays in its place, what is not is evicted; past the newest the hand begins again. New keys are thus tried
/// quickly, and what proved useful stays where it is.
///
/// Yazhuo Zhang, Juncheng Yang, Yao Yue, Ymir Vigfusson, K. V. Rashmi: "SIEVE is simpler than LRU: an efficient turn-key eviction
/// algorithm for web caches", NSDI 2024, section 3, Algorithm 1.
///
/// Here the hand is the boundary between two queues: what it has passed in this round, and what lies ahead.
pub struct Sieve {
    queues: SlotQueues<2>,
    /// Which of the two queues lies ahead of the hand.
    ahead: usize,
}

impl Sieve {
    fn passed(&self) -> usize {
        1 - self.ahead
    }

    /// Past the newest entry the hand begins again at the oldest.
    fn wrap_around(&mut self) {
        if self.queues.len(self.ahead) == 0 {
            self.ahead = self.passed();
        }
    }
}

impl Policy for Sieve {
    fn with_capacity(_: usize) -> Self {
        Sieve { queues: SlotQueues::new(), ahead: 0 }
    }

    fn on_insert(&mut self, slot: Slot, _: &Words<'_>) {
        self.wrap_around();
        self.queues.push_back(self.ahead, slot);
    }

    fn on_hit(&self) -> Touch {
        Touch::Count { max: 1 }
    }

    fn on_remove(&mut self, slot: Slot) {
        self.queues.remove(slot);
    }

    fn standing(&self, slot: Slot, words: &Words<'_>) -> Option<Standing> {
        let is_ahead = self.queues.queue_of(slot)? == self.ahead;
        let side = if is_ahead { "part ahead of the hand" } else { "part behind the hand" };
        Some(Standing::within(side).fact("visited", words.get(slot)))
    }

    fn victim(&mut self, words: &Words<'_>) -> Option<Slot> {
        loop {
            self.wrap_around();
            let slot = self.queues.pop_front(self.ahead)?;
            if words.get(slot) == 0 {
                return Some(slot);
            }
            words.set(slot, 0);
            self.queues.push_back(self.passed(), slot);
        }
    }

    /// The hotter half stands as if the hand had just passed it: it is looked at after all that is colder and all that is new.
    fn on_adopt(&mut self, slot: Slot, known: Known, words: &Words<'_>) {
        if known.rank >= 0.5 {
            words.set(slot, 1);
        }
        self.on_insert(slot, words);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::PolicyHarness;

    crate::testing::policy_suite!(Sieve);

    fn filled() -> (PolicyHarness<Sieve>, [Slot; 4]) {
        let mut harness = PolicyHarness::new(4);
        let slots = [1, 2, 3, 4].map(|hash| harness.insert(hash).slot);
        (harness, slots)
    }

    #[test]
    fn unmarked_entries_go_in_the_order_of_their_insertion() {
        let (mut harness, slots) = filled();
        assert_eq!([(); 4].map(|()| harness.evict()), slots);
    }

    #[test]
    fn a_marked_entry_keeps_its_place_behind_the_hand() {
        let (mut harness, [a, b, c, d]) = filled();
        harness.hit(a);
        harness.hit(c);
        assert_eq!(harness.insert(5).evicted, Some(b), "the hand passed a");
        let e = b; // its slot
        assert_eq!(harness.insert(6).evicted, Some(d), "and c");
        let f = d;
        // Newer than what the hand has passed, so it is met first.
        assert_eq!([(); 4].map(|()| harness.evict()), [e, f, a, c]);
    }

    #[test]
    fn when_the_hand_has_passed_all_the_oldest_comes_before_what_is_new() {
        let (mut harness, [a, b, c, d]) = filled();
        for slot in [a, b, c] {
            harness.hit(slot);
        }
        assert_eq!(harness.insert(5).evicted, Some(d));
        assert_eq!(harness.evict(), a, "the hand stood past the newest entry when the fifth came");
    }

    #[test]
    fn removal_at_the_hand_moves_it_on() {
        let (mut harness, [a, b, c, d]) = filled();
        harness.hit(a);
        assert_eq!(harness.evict(), b);
        harness.remove(c);
        assert_eq!([harness.evict(), harness.evict()], [d, a]);
    }

    #[test]
    fn adopted_hot_entries_survive_the_first_round() {
        let mut harness = PolicyHarness::<Sieve>::new(3);
        let [a, b, c] = [0.0, 0.4, 1.0].map(|rank| harness.adopt((rank * 10.0) as u64, Known::new(0, rank)));
        assert_eq!([harness.evict(), harness.evict(), harness.evict()], [a, b, c]);
        let mut harness = PolicyHarness::<Sieve>::new(2);
        let [hot, cold] = [1.0, 0.0].map(|rank| harness.adopt(7, Known::new(0, rank)));
        assert_eq!([harness.evict(), harness.evict()], [cold, hot]);
    }
}
