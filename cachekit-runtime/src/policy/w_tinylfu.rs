//! W-TinyLFU: a window for what is new, a main part for what is frequent, and a sketch that decides between them.

use super::climber::Climber;
use super::sketch::Sketch;
use super::slot_queues::SlotQueues;
use super::{Known, Policy, Slot, Standing, Touch, Words};

const WINDOW: usize = 0;
const PROBATION: usize = 1;
const PROTECTED: usize = 2;

/// The window is a hundredth of the cache to begin with.
const FIRST_WINDOW: usize = 100;
/// Hits that a word counts between two looks at it.
const MOST: u64 = 15;
/// From this frequency on a refused candidate is sometimes let in all the same.
const WARM: u64 = 6;
/// Entries that are looked at in turn at each insertion.
const SWEEP: usize = 2;
/// The tag of an entry that was hit since it was queued and whose word was read since.
const HIT: u32 = 1;
/// Entries that go at one insertion from a window that is too large to the main part, without competing: there was room for them.
const SURPLUS: usize = 3;

/// New entries stand in a window. What leaves it competes with the entry that the main part would evict, and the one that was used
/// less often lately goes. The main part is segmented: what was hit on probation is protected, what has lost its protection is on
/// probation again. The share of the window adapts to the hits.
///
/// Gil Einziger, Roy Friedman, Ben Manes: "TinyLFU: a highly efficient cache admission policy", ACM Transactions on Storage 13, 2017,
/// sections 3 (the sketch) and 4 (the window). The window's share: Gil Einziger, Ohad Eytan, Roy Friedman, Ben Manes: "Adaptive software
/// cache management", Middleware 2018, section 3.1 (hill climbing). That a candidate of some frequency gets in at random, one time of 128,
/// keeps a caller from shutting others out by keys that collide.
///
/// The papers keep the window and both segments in the order of use (LRU). Here a hit only counts in the entry's word, up to 15, and the
/// three are queues whose first entry goes round when it was hit: second chance instead of LRU, Corbató, "A paging experiment
/// with the Multics system", 1969. Beside eight bytes of links an entry costs eight bytes of sketch from the first eviction on.
pub struct WTinyLfu {
    queues: SlotQueues<3>,
    sketch: Option<Sketch>,
    climber: Climber,
    capacity: usize,
    /// What the sketch was made for.
    sketched: usize,
    /// It is of another capacity, and is made anew when there are as many entries: a capacity takes no memory before it is used.
    outgrown: bool,
    random: u64,
    /// The slot that was looked at last in turn.
    swept: Slot,
}

impl WTinyLfu {
    /// Takes the hits out of the word into the sketch. Whether there were any since the entry was queued.
    fn harvest(&mut self, slot: Slot, words: &Words<'_>) -> bool {
        let hits = words.get(slot);
        if hits > 0 {
            words.set(slot, 0);
            self.climber.hits(hits);
            if let Some(sketch) = &mut self.sketch {
                sketch.add(words.hash(slot), hits);
            }
        }
        hits > 0 || self.queues.tag(slot) == HIT
    }

    /// Looks at the next few of all entries in turn. Were hits counted only where entries are looked at in their queues, those of a
    /// whole part would come in at once when its size changes, and the climber would take that for its merit.
    fn sweep(&mut self, words: &Words<'_>) {
        for _ in 0..SWEEP {
            let Some(slot) = self.queues.next_slot(self.swept) else { return };
            self.swept = slot;
            if self.queues.queue_of(slot).is_some() && self.harvest(slot, words) {
                self.queues.set_tag(slot, HIT);
            }
        }
    }

    /// Four fifths of the main part.
    fn protected_capacity(&self) -> usize {
        self.capacity.saturating_sub(self.climber.window()) * 4 / 5
    }

    /// The first of the window that was not hit since it was queued, taken out.
    fn leave_window(&mut self, words: &Words<'_>) -> Option<Slot> {
        loop {
            let slot = self.queues.front(WINDOW)?;
            if !self.harvest(slot, words) {
                self.queues.remove(slot);
                return Some(slot);
            }
            self.queues.push_back(WINDOW, slot);
        }
    }

    fn shrink_window(&mut self, words: &Words<'_>) {
        for _ in 0..SURPLUS {
            if self.queues.len(WINDOW) <= self.climber.window() {
                return;
            }
            if let Some(slot) = self.leave_window(words) {
                self.queues.push_back(PROBATION, slot);
            }
        }
    }

    /// The entry of the main part that goes next, in its place.
    fn next_of_main(&mut self, words: &Words<'_>) -> Option<Slot> {
        loop {
            while let Some(slot) = self.queues.front(PROBATION) {
                if !self.harvest(slot, words) {
                    return Some(slot);
                }
                self.queues.push_back(PROTECTED, slot);
                self.shrink_protected(words);
            }
            let slot = self.queues.front(PROTECTED)?;
            let queue = if self.harvest(slot, words) { PROTECTED } else { PROBATION };
            self.queues.push_back(queue, slot);
        }
    }

    fn shrink_protected(&mut self, words: &Words<'_>) {
        while self.queues.len(PROTECTED) > self.protected_capacity()
            && let Some(slot) = self.queues.front(PROTECTED)
        {
            let queue = if self.harvest(slot, words) { PROTECTED } else { PROBATION };
            self.queues.push_back(queue, slot);
        }
    }

    fn wins(&mut self, candidate: Slot, next: Slot, words: &Words<'_>) -> bool {
        let Some(sketch) = &self.sketch else { return false };
        let (candidate, next) = (sketch.get(words.hash(candidate)), sketch.get(words.hash(next)));
        candidate > next || candidate >= WARM && self.is_let_in()
    }

    /// One time of 128. Xorshift: Marsaglia, "Xorshift RNGs", Journal of Statistical Software 8, 2003.
    fn is_let_in(&mut self) -> bool {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random & 127 == 0
    }

    fn make_sketch(&mut self) {
        self.sketched = self.capacity;
        self.outgrown = false;
        self.sketch = Some(Sketch::new(8 * self.capacity, 16 * self.capacity as u64));
    }
}

impl Policy for WTinyLfu {
    fn with_capacity(capacity: usize) -> Self {
        WTinyLfu {
            queues: SlotQueues::new(),
            sketch: None,
            climber: Climber::new(capacity, (capacity / FIRST_WINDOW).max(1)),
            capacity,
            sketched: capacity,
            outgrown: false,
            random: 1,
            swept: Slot::new(0),
        }
    }

    fn on_insert(&mut self, slot: Slot, words: &Words<'_>) {
        if let Some(sketch) = &mut self.sketch {
            sketch.add(words.hash(slot), 1);
            self.climber.miss();
            self.sweep(words);
        }
        self.queues.push_back(WINDOW, slot);
        self.shrink_window(words);
    }

    fn on_hit(&self) -> Touch {
        Touch::Count { max: MOST }
    }

    fn on_remove(&mut self, slot: Slot) {
        self.queues.remove(slot);
    }

    fn standing(&self, slot: Slot, words: &Words<'_>) -> Option<Standing> {
        let queue = match self.queues.queue_of(slot)? {
            WINDOW => "window",
            PROBATION => "probation segment",
            _ => "protected segment",
        };
        let standing = Standing::within(queue).fact("hits", words.get(slot));
        Some(match &self.sketch {
            Some(sketch) => standing.fact("frequency", sketch.get(words.hash(slot))),
            None => standing,
        })
    }

    fn victim(&mut self, words: &Words<'_>) -> Option<Slot> {
        if self.sketch.is_none() || self.outgrown {
            self.make_sketch();
        }
        // The new entry comes into the window after this.
        if self.queues.len(WINDOW) < self.climber.window()
            && let Some(next) = self.next_of_main(words)
        {
            self.queues.remove(next);
            return Some(next);
        }
        let Some(candidate) = self.leave_window(words) else {
            let next = self.next_of_main(words)?;
            self.queues.remove(next);
            return Some(next);
        };
        match self.next_of_main(words) {
            Some(next) if self.wins(candidate, next, words) => {
                self.queues.remove(next);
                self.queues.push_back(PROBATION, candidate);
                Some(next)
            }
            _ => Some(candidate),
        }
    }

    /// The sketch is forgotten when the capacity is far from what it was made for.
    fn set_capacity(&mut self, capacity: usize) {
        self.capacity = capacity;
        self.climber.set_capacity(capacity);
        let is_other = capacity > self.sketched + self.sketched / 4 || capacity < self.sketched / 2;
        let has_room = capacity > [WINDOW, PROBATION, PROTECTED].iter().map(|queue| self.queues.len(*queue)).sum();
        self.outgrown = self.sketch.is_some() && is_other && has_room;
        if self.sketch.is_some() && is_other && !has_room {
            self.make_sketch();
        }
    }

    /// The hottest are protected, the coldest in the window, the rest on probation. Hits count towards the frequency.
    fn on_adopt(&mut self, slot: Slot, known: Known, words: &Words<'_>) {
        if self.sketch.is_none() {
            self.make_sketch();
        }
        if let Some(sketch) = &mut self.sketch {
            sketch.add(words.hash(slot), u64::from(known.hits) + 1);
        }
        // Counted already.
        words.set(slot, 0);
        let queue = if self.queues.len(WINDOW) < self.climber.window() {
            WINDOW
        } else if known.rank >= 0.5 && self.queues.len(PROTECTED) < self.protected_capacity() {
            PROTECTED
        } else {
            PROBATION
        };
        self.queues.push_back(queue, slot);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::PolicyHarness;

    crate::testing::policy_suite!(WTinyLfu);

    /// Capacity 10: the window holds 1.
    fn full() -> (PolicyHarness<WTinyLfu>, Vec<Slot>) {
        let mut harness = PolicyHarness::new(10);
        let slots = (0..10).map(|hash| harness.insert(hash).slot).collect();
        (harness, slots)
    }

    fn lengths(harness: &PolicyHarness<WTinyLfu>) -> [usize; 3] {
        [WINDOW, PROBATION, PROTECTED].map(|queue| harness.policy().queues.len(queue))
    }

    #[test]
    fn what_leaves_the_window_is_on_probation_while_there_is_room() {
        let (harness, _) = full();
        assert_eq!(lengths(&harness), [1, 9, 0]);
    }

    #[test]
    fn a_candidate_that_was_not_used_more_goes() {
        let (mut harness, slots) = full();
        assert_eq!(harness.insert(100).evicted, Some(slots[9]), "it stood in the window");
        assert_eq!(lengths(&harness), [1, 9, 0]);
    }

    #[test]
    fn a_candidate_that_was_used_more_takes_the_place_of_the_first_on_probation() {
        let (mut harness, slots) = full();
        harness.insert(100);
        // Not seen before the first eviction: 101 once, twice, three times.
        for _ in 0..3 {
            harness.insert(101);
            harness.insert(100);
        }
        assert!(!harness.is_live(slots[0]) || harness.hash(slots[0]) > 9);
        assert_eq!(lengths(&harness), [1, 9, 0]);
    }

    #[test]
    fn a_hit_on_probation_protects_and_the_protected_are_at_most_four_fifths() {
        let (mut harness, slots) = full();
        slots[..9].iter().for_each(|slot| harness.hit(*slot));
        assert_eq!(harness.evict(), slots[9], "all others were hit");
        assert_eq!(lengths(&harness), [0, 2, 7]);
        // Those that were protected first were not hit since.
        assert_eq!([harness.evict(), harness.evict()], [slots[0], slots[1]]);
    }

    #[test]
    fn the_window_goes_round_what_was_hit() {
        let mut harness = PolicyHarness::<WTinyLfu>::new(400);
        let slots: Vec<_> = (0..400).map(|hash| harness.insert(hash).slot).collect();
        assert_eq!(lengths(&harness)[WINDOW], 4);
        harness.hit(slots[396]);
        assert_eq!(harness.insert(1_000).evicted, Some(slots[397]));
        assert!(harness.is_live(slots[396]));
    }

    #[test]
    fn the_window_grows_and_shrinks_without_a_bound_being_broken() {
        let mut harness = PolicyHarness::<WTinyLfu>::new(40);
        let mut sizes = std::collections::BTreeSet::new();
        for round in 0..40_000u64 {
            let slot = harness.insert(round.wrapping_mul(0x9e37_79b9_7f4a_7c15)).slot;
            // Recency pays in half of the time, and in the other half nothing does.
            (0..round / 4_000 % 2 * 3).for_each(|_| harness.hit(slot));
            sizes.insert(harness.policy().climber.window());
            let [window, probation, protected] = lengths(&harness);
            assert_eq!(window + probation + protected, harness.len());
            assert!(protected <= 39);
        }
        assert!(sizes.len() > 10, "{sizes:?}");
    }

    #[test]
    fn adopted_entries_stand_where_their_rank_says() {
        let mut harness = PolicyHarness::<WTinyLfu>::new(10);
        let slots: Vec<_> = (0..10u32).map(|n| harness.adopt(n.into(), Known::new(n, n as f32 / 9.0))).collect();
        assert_eq!(lengths(&harness), [1, 4, 5]);
        assert_eq!(harness.evict(), slots[0]);
        let new = harness.insert(77).slot;
        assert_eq!(
            harness.insert(78).evicted,
            Some(new),
            "adopted hits count: even the coldest on probation had two uses"
        );
    }
}
