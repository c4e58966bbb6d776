//! A policy of one's own: two queues, used by the attribute and by the builder, and checked by the suite.
//!
//! `cargo run -p cachekit --example own_policy` runs it, `cargo test -p cachekit --example own_policy` checks it. The guide
//! `docs/guides/own-policy.md` goes through it.

use std::collections::BTreeMap;

use cachekit::{
    Cache, cache,
    policy::{Known, Policy, Slot, Touch, Words},
};

/// New entries stand in a first queue. One that was hit there moves to a second, where a hit earns another round. The first gives the victim
/// as long as it holds more than a quarter of the entries.
///
/// After the simplified form of Johnson and Shasha, "2Q: a low overhead high performance buffer management replacement algorithm", VLDB
/// 1994, section 2, with second chance for LRU.
struct TwoQueues {
    first: Queue,
    second: Queue,
    most_in_first: usize,
    /// By slot, the number under which it is queued.
    numbers: Vec<u64>,
    next: u64,
}

/// Slots by ascending number: the first is the one that was queued first.
type Queue = BTreeMap<u64, Slot>;

impl TwoQueues {
    fn enqueue(&mut self, slot: Slot, in_second: bool) {
        self.next += 1;
        if self.numbers.len() <= slot.index() {
            self.numbers.resize(slot.index() + 1, 0);
        }
        self.numbers[slot.index()] = self.next;
        let queue = if in_second { &mut self.second } else { &mut self.first };
        queue.insert(self.next, slot);
    }
}

impl Policy for TwoQueues {
    fn with_capacity(capacity: usize) -> Self {
        // Nothing is reserved: many caches never reach their capacity.
        TwoQueues {
            first: Queue::new(),
            second: Queue::new(),
            most_in_first: capacity / 4,
            numbers: Vec::new(),
            next: 0,
        }
    }

    fn on_hit(&self) -> Touch {
        Touch::Count { max: 1 }
    }

    fn on_insert(&mut self, slot: Slot, _: &Words<'_>) {
        self.enqueue(slot, false);
    }

    fn on_remove(&mut self, slot: Slot) {
        if let Some(number) = self.numbers.get(slot.index()) {
            let _ = self.first.remove(number).or_else(|| self.second.remove(number));
        }
    }

    fn victim(&mut self, words: &Words<'_>) -> Option<Slot> {
        loop {
            let from_first = self.first.len() > self.most_in_first || self.second.is_empty();
            let queue = if from_first { &mut self.first } else { &mut self.second };
            let (_, slot) = queue.pop_first()?;
            if words.get(slot) == 0 {
                return Some(slot);
            }
            words.set(slot, 0);
            self.enqueue(slot, true);
        }
    }

    fn set_capacity(&mut self, capacity: usize) {
        self.most_in_first = capacity / 4;
    }

    fn on_adopt(&mut self, slot: Slot, known: Known, _: &Words<'_>) {
        self.enqueue(slot, known.hits > 0 || known.rank > 0.25);
    }
}

#[cache(strategy = TwoQueues, capacity = 100)]
fn square(n: u64) -> u64 {
    n * n
}

fn main() {
    for n in 0..10 {
        square(n);
        square(n);
    }
    // A scan of a thousand numbers passes through the first queue and leaves the second alone.
    for n in 1_000..2_000 {
        square(n);
    }
    let kept = (0..10).filter(|n| square::get(*n).is_some()).count();
    println!("by the attribute: {kept} of 10 that were used twice are still there");

    let cache: Cache<u64, u64> = Cache::builder().capacity(100).policy::<TwoQueues>().build();
    for n in 0..1_000 {
        cache.insert(n, n * n);
    }
    println!("by the builder: {} of 1,000 are there", cache.len());
}

#[cfg(test)]
mod tests {
    use super::*;
    use cachekit::testing::PolicyHarness;

    // Emits a test for each promise of a policy.
    cachekit::testing::policy_suite!(TwoQueues);

    #[test]
    fn one_hit_saves_from_a_scan() {
        let mut harness = PolicyHarness::<TwoQueues>::new(4);
        let slots = [1, 2, 3, 4].map(|hash| harness.insert(hash).slot);
        harness.hit(slots[0]);
        (10..20).for_each(|hash| assert_ne!(harness.insert(hash).evicted, Some(slots[0])));
    }
}
