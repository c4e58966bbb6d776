//! First in, first out.

use super::slot_queues::SlotQueues;
use super::{Policy, Slot, Touch, Words};

const QUEUE: usize = 0;

/// Evicts the entry that was inserted first. Hits cost nothing and change nothing.
pub struct Fifo {
    queues: SlotQueues<1>,
}

impl Policy for Fifo {
    fn with_capacity(_: usize) -> Self {
        Fifo { queues: SlotQueues::new() }
    }

    fn on_insert(&mut self, slot: Slot, _: &Words<'_>) {
        self.queues.push_back(QUEUE, slot);
    }

    fn on_hit(&self) -> Touch {
        Touch::Nothing
    }

    fn on_remove(&mut self, slot: Slot) {
        self.queues.remove(slot);
    }

    fn victim(&mut self, _: &Words<'_>) -> Option<Slot> {
        self.queues.pop_front(QUEUE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::PolicyHarness;

    crate::testing::policy_suite!(Fifo);

    #[test]
    fn the_first_inserted_goes_first_whatever_was_hit() {
        let mut harness = PolicyHarness::<Fifo>::new(3);
        let [a, b, c] = [1, 2, 3].map(|hash| harness.insert(hash).slot);
        harness.hit(a);
        assert_eq!(harness.insert(4).evicted, Some(a));
        harness.remove(b);
        harness.insert(5);
        assert_eq!(harness.insert(6).evicted, Some(c));
    }
}
