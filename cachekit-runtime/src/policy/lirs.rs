//! LIRS: entries by the time between their last two uses.

use super::slot_heap::SlotHeap;
use super::slot_queues::SlotQueues;
use super::{Known, Policy, Slot, Standing, Touch, Words};

const HIGH: usize = 0;

/// What `queued` says of an entry of the low set. No stamp is that late.
const LOW: u64 = u64::MAX;

/// Keeps the entries whose last two uses were close together, however long ago: the low set, 99 of 100. All others pass a queue of
/// the last hundredth, and the one at its front is evicted. An entry of the queue, or a key that was evicted and comes back, changes
/// place with the oldest of the low set if its use before this one was later than that one's last use. Keeps a part of a loop that
/// is longer than the cache, and resists scans; adapts slowly when recency alone matters.
///
/// Song Jiang and Xiaodong Zhang, "LIRS: an efficient low inter-reference recency set replacement policy to improve buffer cache
/// performance", SIGMETRICS 2002, section 3. There a stack in the order of use holds the low set and what was used after its
/// oldest member. Here the order is that of the stamps, and "in the stack" means a later stamp than that of the oldest of the low
/// set, which decides the same. Two differences: a hit in the queue takes effect when the entry comes to the front; and of keys that
/// were evicted only about the last are remembered, twice as many as the cache holds entries.
///
/// Beside the stamp an entry costs 36 bytes, and 25 bytes for what was evicted, from the first eviction on.
pub struct Lirs {
    /// The low set, by the stamps that its entries had when they were looked at last. Stamps only grow, so the first is the oldest
    /// if its stamp has not changed.
    low: SlotHeap,
    lows: usize,
    high: SlotQueues<1>,
    /// By slot, the stamp of an entry when it was put into the queue, or `LOW`.
    queued: Vec<u64>,
    gone: Gone,
    capacity: usize,
}

/// The low set's share.
fn share(capacity: usize) -> usize {
    capacity - (capacity / 100).max(1).min(capacity)
}

impl Lirs {
    fn mark(&mut self, slot: Slot, queued: u64) {
        if self.queued.len() <= slot.index() {
            self.queued.resize(slot.index() + 1, 0);
        }
        self.queued[slot.index()] = queued;
    }

    fn put_high(&mut self, slot: Slot, stamp: u64) {
        self.mark(slot, stamp);
        self.high.push_back(HIGH, slot);
    }

    fn put_low(&mut self, slot: Slot, words: &Words<'_>) {
        self.mark(slot, LOW);
        self.low.set(slot, words.get(slot));
        self.lows += 1;
        while self.lows > share(self.capacity)
            && let Some((stamp, oldest)) = self.oldest(words)
        {
            self.low.remove(oldest);
            self.lows -= 1;
            self.put_high(oldest, stamp);
        }
    }

    /// The entry of the low set that was used longest ago, and when.
    fn oldest(&mut self, words: &Words<'_>) -> Option<(u64, Slot)> {
        loop {
            let (stamp, slot) = self.low.first()?;
            let now = words.get(slot);
            if now <= stamp {
                return Some((stamp, slot));
            }
            self.low.set(slot, now);
        }
    }

    /// Whether a use at that time is later than the last one of the oldest of the low set.
    fn is_recent(&mut self, stamp: u64, words: &Words<'_>) -> bool {
        self.oldest(words).is_some_and(|(oldest, _)| stamp > oldest)
    }
}

impl Policy for Lirs {
    fn with_capacity(capacity: usize) -> Self {
        Lirs {
            low: SlotHeap::new(),
            lows: 0,
            high: SlotQueues::new(),
            queued: Vec::new(),
            gone: Gone::new(2 * capacity),
            capacity,
        }
    }

    fn on_insert(&mut self, slot: Slot, words: &Words<'_>) {
        let before = self.gone.take(words.hash(slot));
        if self.lows < share(self.capacity) || before.is_some_and(|stamp| self.is_recent(stamp, words)) {
            self.put_low(slot, words);
        } else {
            self.put_high(slot, words.get(slot));
        }
    }

    fn on_hit(&self) -> Touch {
        Touch::Stamp
    }

    fn on_remove(&mut self, slot: Slot) {
        match self.queued.get(slot.index()) {
            Some(&LOW) => {
                self.low.remove(slot);
                self.lows -= 1;
                // The slot may be told again to go, which must not count twice.
                self.queued[slot.index()] = 0;
            }
            Some(_) => self.high.remove(slot),
            None => {}
        }
    }

    fn standing(&self, slot: Slot, words: &Words<'_>) -> Option<Standing> {
        let is_low = *self.queued.get(slot.index())? == LOW;
        let set = if is_low { "low set" } else { "queue of the high set" };
        Some(Standing::within(set).fact("last use", words.get(slot)))
    }

    fn victim(&mut self, words: &Words<'_>) -> Option<Slot> {
        while let Some(slot) = self.high.pop_front(HIGH) {
            let (now, queued) = (words.get(slot), self.queued[slot.index()]);
            if now <= queued {
                self.gone.remember(words.hash(slot), now);
                return Some(slot);
            }
            // Hit in the queue: each further step is paid for by a hit.
            if self.is_recent(queued, words) {
                self.put_low(slot, words);
            } else {
                self.put_high(slot, now);
            }
        }
        let (_, slot) = self.oldest(words)?;
        self.on_remove(slot);
        Some(slot)
    }

    fn set_capacity(&mut self, capacity: usize) {
        self.capacity = capacity;
        self.gone.set_capacity(2 * capacity);
    }

    /// The coldest fill the queue, the others the low set.
    fn on_adopt(&mut self, slot: Slot, _: Known, words: &Words<'_>) {
        if self.high.len(HIGH) < self.capacity - share(self.capacity) {
            self.put_high(slot, words.get(slot));
        } else {
            self.put_low(slot, words);
        }
    }
}

/// Places in one group.
const GROUP: usize = 8;
/// A place without a key.
const EMPTY: u32 = 0;

/// The keys that were evicted last, each as a tag of 32 bits, with the time of its last use. A key's hash names its group of places,
/// and each group is a queue: on the average a key is remembered until as many others as there are places were evicted.
struct Gone {
    /// Empty until the first key is remembered.
    tags: Vec<u32>,
    uses: Vec<u64>,
    /// By group, the place that is written next.
    next: Vec<u8>,
    groups: usize,
}

impl Gone {
    fn new(capacity: usize) -> Self {
        Gone { tags: Vec::new(), uses: Vec::new(), next: Vec::new(), groups: capacity.div_ceil(GROUP).max(1) }
    }

    /// Forgets all where the new capacity needs another number of groups.
    fn set_capacity(&mut self, capacity: usize) {
        let next = Gone::new(capacity);
        if next.groups != self.groups {
            *self = next;
        }
    }

    fn address(&self, hash: u64) -> (usize, u32) {
        let mixed = hash.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mixed = (mixed ^ (mixed >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
        let group = (u128::from(mixed) * self.groups as u128) >> 64;
        (group as usize, (mixed as u32).max(EMPTY + 1))
    }

    fn remember(&mut self, hash: u64, used: u64) {
        self.take(hash);
        if self.tags.is_empty() {
            self.tags = vec![EMPTY; self.groups * GROUP];
            self.uses = vec![0; self.groups * GROUP];
            self.next = vec![0; self.groups];
        }
        let (group, tag) = self.address(hash);
        let place = usize::from(self.next[group]);
        self.next[group] = ((place + 1) % GROUP) as u8;
        self.tags[group * GROUP + place] = tag;
        self.uses[group * GROUP + place] = used;
    }

    /// When the key was last used, if it is remembered; it no longer is.
    fn take(&mut self, hash: u64) -> Option<u64> {
        let (group, tag) = self.address(hash);
        let places = self.tags.get_mut(group * GROUP..(group + 1) * GROUP)?;
        let place = places.iter().position(|other| *other == tag)?;
        places[place] = EMPTY;
        Some(self.uses[group * GROUP + place])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::PolicyHarness;

    crate::testing::policy_suite!(Lirs);

    /// Capacity 4: three entries in the low set, one in the queue.
    fn full() -> (PolicyHarness<Lirs>, [Slot; 4]) {
        let mut harness = PolicyHarness::<Lirs>::new(4);
        let slots = [1, 2, 3, 4].map(|hash| harness.insert(hash).slot);
        assert_eq!((harness.policy().lows, harness.policy().high.len(HIGH)), (3, 1));
        (harness, slots)
    }

    #[test]
    fn what_passes_once_is_evicted_from_the_queue() {
        let (mut harness, slots) = full();
        for hash in 5..50 {
            assert_eq!(harness.insert(hash).evicted, Some(slots[3]));
        }
        assert!(slots[..3].iter().all(|slot| harness.is_live(*slot)));
    }

    #[test]
    fn a_hit_in_the_queue_takes_the_place_of_the_oldest() {
        let (mut harness, [a, b, c, d]) = full();
        harness.hit(b);
        harness.hit(d);
        // `d` is in the low set now, `a` in the queue and at its front.
        assert_eq!(harness.insert(5).evicted, Some(a));
        assert!([b, c, d].iter().all(|slot| harness.is_live(*slot)));
        assert_eq!(harness.policy().lows, 3);
    }

    #[test]
    fn a_key_that_comes_back_soon_enough_joins_the_low_set() {
        let (mut harness, [a, b, c, d]) = full();
        assert_eq!(harness.insert(5).evicted, Some(d));
        let back = harness.insert(4).slot;
        assert_eq!(harness.policy().queued[back.index()], LOW);
        assert_eq!(harness.policy().queued[a.index()], 1, "the oldest went to the queue for it");
        assert!([b, c].iter().all(|slot| harness.policy().queued[slot.index()] == LOW));
    }

    #[test]
    fn a_key_that_comes_back_too_late_does_not() {
        let (mut harness, [a, b, c, d]) = full();
        assert_eq!(harness.insert(5).evicted, Some(d));
        // Since `d` all of the low set was used.
        [a, b, c].into_iter().for_each(|slot| harness.hit(slot));
        let back = harness.insert(4).slot;
        assert_ne!(harness.policy().queued[back.index()], LOW);
    }

    #[test]
    fn a_loop_longer_than_the_cache_hits_what_fits() {
        let mut harness = PolicyHarness::<Lirs>::new(50);
        let mut hits = 0;
        for _ in 0..100 {
            for hash in 0..75 {
                let found = harness.slots().find(|slot| harness.hash(*slot) == hash);
                match found {
                    Some(slot) => {
                        harness.hit(slot);
                        hits += 1;
                    }
                    None => _ = harness.insert(hash),
                }
            }
        }
        assert!(hits >= 99 * 48, "{hits} of 7500");
    }

    #[test]
    fn evicted_keys_are_remembered_for_about_as_many_evictions_as_there_are_places() {
        let mut gone = Gone::new(800);
        for hash in 0..10_000 {
            gone.remember(hash, hash + 7);
        }
        let known = |gone: &mut Gone, hashes: std::ops::Range<u64>| {
            hashes.filter(|hash| gone.take(*hash) == Some(hash + 7)).count()
        };
        assert!(known(&mut gone, 9_700..10_000) > 290);
        assert!(known(&mut gone, 0..8_000) < 10);
        assert_eq!(known(&mut gone, 9_700..10_000), 0, "each is given back once");
        assert_eq!(gone.tags.len(), 800);
    }
}
