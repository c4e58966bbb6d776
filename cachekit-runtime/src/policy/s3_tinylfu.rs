//! S3-FIFO whose main queue is guarded by frequency: the default.

use super::ghost::Ghost;
use super::sketch::Sketch;
use super::slot_queues::SlotQueues;
use super::{Known, Policy, Slot, Standing, Touch, WordSource, Words};

const SMALL: usize = 0;
const MAIN: usize = 1;

/// Hits that a word counts, and rounds in the main queue that an entry can be ahead.
const MOST: u64 = 3;
/// Hits in the small queue for which an entry moves on.
const USEFUL: u64 = 2;
/// Entries of the main queue that an insertion looks at to find which would be evicted next.
const LOOK: usize = 8;
/// Entries of the main queue that an eviction looks at, at most.
const TURNS: usize = 64;

/// The queues of [`S3Fifo`](super::S3Fifo) with four changes, each of which raised the mean hit ratio over real traces or that under
/// a stable popularity:
///
/// - While the cache fills for the first time, the main queue is filled first. Of a loop that is longer than the cache, a part that fits
///   then stays, as in LIRS (Jiang and Zhang, SIGMETRICS 2002, section 3.2), where S3-FIFO keeps nothing.
/// - A key that comes back from the ghost queue goes to the main queue only if it was used more often lately than the entry that would have to go there: the
///   admission of TinyLFU (Einziger, Friedman and Manes, ACM Transactions on Storage 13, 2017, section 3.1) at the main queue instead
///   of the cache, so that new keys are never refused. The ghost queue is the doorkeeper of its sketch (section 3.4.2): a key is counted when it comes back.
/// - The ghost queue is longer than the main queue.
/// - In caches of a few hundred entries the small queue is longer: a new entry needs some time to be hit, however small the cache.
///
/// S3-FIFO: Yang et al., "FIFO queues are all you need for cache eviction", SOSP 2023, section 4.
///
/// A hit counts in the entry's word, up to 3. Beside eight bytes of links an entry costs two bytes of sketch and three of ghosts,
/// both from the first eviction on. An eviction passes over entries of the main queue that were hit; of 64 in a row it takes the one that
/// was hit least, so that none takes long.
pub struct S3TinyLfu {
    /// Entries of the main queue carry the rounds that they are ahead as their tag.
    queues: SlotQueues<2>,
    history: Option<History>,
    capacity: usize,
    small_capacity: usize,
    main_capacity: usize,
    /// Nothing has been evicted since the capacity was set.
    filling: bool,
    /// The history is of another capacity, and is made anew when there are as many entries: a capacity takes no memory before it is used.
    outgrown: bool,
}

struct History {
    ghost: Ghost,
    sketch: Sketch,
}

impl History {
    fn new(capacity: usize) -> Self {
        History { ghost: Ghost::new(ghosts(capacity)), sketch: Sketch::new(2 * capacity, 10 * capacity as u64) }
    }
}

fn ghosts(capacity: usize) -> usize {
    capacity + capacity * 2 / 5
}

/// A tenth for the small queue and up to 40 entries of a second one, the rest for the main queue.
fn shares(capacity: usize) -> (usize, usize) {
    let tenth = capacity / 10;
    let small = (tenth + tenth.min(40)).max(1);
    (small, capacity.saturating_sub(small))
}

impl S3TinyLfu {
    /// Looks at the first of the main queue, and how many rounds it is ahead. With none it stays where it is, otherwise it goes last
    /// with one less.
    fn turn_main(&mut self, words: &impl WordSource) -> Option<(Slot, u64)> {
        let slot = self.queues.front(MAIN)?;
        let ahead = (u64::from(self.queues.tag(slot)) + self.harvest(slot, words)).min(MOST);
        if ahead > 0 {
            self.queues.rotate(MAIN, ahead as u32 - 1);
        }
        Some((slot, ahead))
    }

    /// Takes the hits out of the word into the sketch.
    #[inline(always)]
    fn harvest(&mut self, slot: Slot, words: &impl WordSource) -> u64 {
        let hits = words.get(slot);
        if hits > 0 {
            words.set(slot, 0);
            if let Some(history) = &mut self.history {
                history.sketch.add(words.hash(slot), hits);
            }
        }
        hits
    }

    #[inline(never)]
    fn evict_from_main(&mut self, words: &impl WordSource) -> Option<Slot> {
        let mut least = self.turn_main(words)?;
        for _ in 1..TURNS {
            if least.1 == 0 {
                break;
            }
            let next = self.turn_main(words)?;
            if next.1 < least.1 {
                least = next;
            }
        }
        self.queues.remove(least.0);
        Some(least.0)
    }

    #[inline(always)]
    fn evict_from_small(&mut self, words: &impl WordSource) -> Option<Slot> {
        while let Some(slot) = self.queues.pop_front(SMALL) {
            if self.harvest(slot, words) < USEFUL {
                if let Some(history) = &mut self.history {
                    // Of an entry that lives it knows nothing: `inserted` had it forget the key.
                    history.ghost.remember_new(words.hash(slot));
                }
                return Some(slot);
            }
            self.queues.append(MAIN, slot);
            if self.queues.len(MAIN) > self.main_capacity {
                return self.evict_from_main(words);
            }
        }
        None
    }

    /// Whether a key that came back from the ghost queue may take the place of the next of the main queue: not where all of the first were
    /// hit.
    #[inline(never)]
    fn is_used_more(&mut self, hash: u64, words: &impl WordSource) -> bool {
        for _ in 0..LOOK {
            match self.turn_main(words) {
                Some((_, ahead)) if ahead > 0 => {}
                Some((next, _)) => {
                    let Some(history) = &self.history else { return true };
                    return history.sketch.get(hash) > history.sketch.get(words.hash(next));
                }
                None => return true,
            }
        }
        false
    }

    /// As [`Policy::on_insert`], and like all that it calls by way of a source that is known: the table calls the default policy without a detour.
    #[inline(always)]
    pub(crate) fn inserted(&mut self, slot: Slot, words: &impl WordSource) {
        let mut came_back = false;
        let hash = words.hash(slot);
        if let Some(history) = &mut self.history {
            came_back = history.ghost.forget(hash);
            // Most new keys never come back: they are not counted, which costs a line of memory, but time goes on with them.
            if came_back {
                history.sketch.add(hash, 1);
            } else {
                history.sketch.age();
            }
        }
        let has_room = self.queues.len(MAIN) < self.main_capacity;
        let to_main = if has_room { came_back || self.filling } else { came_back && self.is_used_more(hash, words) };
        self.queues.append(if to_main { MAIN } else { SMALL }, slot);
    }

    /// As [`Policy::victim`], in the same manner.
    #[inline(always)]
    pub(crate) fn evicted(&mut self, words: &impl WordSource) -> Option<Slot> {
        if self.filling || self.history.is_none() {
            self.begin_history();
        }
        if self.queues.len(SMALL) < self.small_capacity
            && let Some(slot) = self.evict_from_main(words)
        {
            return Some(slot);
        }
        // The small queue may promote all that it has.
        self.evict_from_small(words).or_else(|| self.evict_from_main(words))
    }

    #[cold]
    fn begin_history(&mut self) {
        self.filling = false;
        if std::mem::take(&mut self.outgrown) {
            self.history = None;
        }
        self.history.get_or_insert_with(|| History::new(self.capacity));
    }
}

impl Policy for S3TinyLfu {
    fn with_capacity(capacity: usize) -> Self {
        let (small_capacity, main_capacity) = shares(capacity);
        S3TinyLfu {
            queues: SlotQueues::new(),
            history: None,
            capacity,
            small_capacity,
            main_capacity,
            filling: true,
            outgrown: false,
        }
    }

    fn on_insert(&mut self, slot: Slot, words: &Words<'_>) {
        self.inserted(slot, words);
    }

    fn on_hit(&self) -> Touch {
        Touch::Count { max: MOST }
    }

    fn on_remove(&mut self, slot: Slot) {
        self.queues.remove(slot);
    }

    fn standing(&self, slot: Slot, words: &Words<'_>) -> Option<Standing> {
        let queue = if self.queues.queue_of(slot)? == SMALL { "small queue" } else { "main queue" };
        let standing = Standing::within(queue).fact("hits", words.get(slot));
        let standing = standing.fact("rounds ahead", self.queues.tag(slot).into());
        Some(match &self.history {
            Some(history) => standing.fact("frequency", history.sketch.get(words.hash(slot))),
            None => standing,
        })
    }

    fn victim(&mut self, words: &Words<'_>) -> Option<Slot> {
        self.evicted(words)
    }

    /// What is remembered of evicted keys is forgotten when the capacity is far from what it was made for.
    fn set_capacity(&mut self, capacity: usize) {
        (self.small_capacity, self.main_capacity) = shares(capacity);
        let has_room = capacity > self.queues.len(SMALL) + self.queues.len(MAIN);
        self.filling |= has_room;
        if capacity > self.capacity + self.capacity / 4 || capacity < self.capacity / 2 {
            self.capacity = capacity;
            self.outgrown = has_room && self.history.is_some();
            if self.history.is_some() && !has_room {
                self.history = Some(History::new(capacity));
            }
        }
    }

    /// The coldest fill the small queue, the rest goes to the main queue. Hits count towards the frequency.
    fn on_adopt(&mut self, slot: Slot, known: Known, words: &Words<'_>) {
        let history = self.history.get_or_insert_with(|| History::new(self.capacity));
        history.sketch.add(words.hash(slot), u64::from(known.hits));
        words.set(slot, u64::from(known.hits).min(MOST));
        let queue = if self.queues.len(SMALL) < self.small_capacity { SMALL } else { MAIN };
        self.queues.push_back(queue, slot);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::PolicyHarness;

    crate::testing::policy_suite!(S3TinyLfu);

    /// Capacity 10: the main queue holds the first 8, the small queue the last 2.
    fn full() -> (PolicyHarness<S3TinyLfu>, Vec<Slot>) {
        let mut harness = PolicyHarness::new(10);
        let slots = (0..10).map(|hash| harness.insert(hash).slot).collect();
        (harness, slots)
    }

    fn lengths(harness: &PolicyHarness<S3TinyLfu>) -> (usize, usize) {
        (harness.policy().queues.len(SMALL), harness.policy().queues.len(MAIN))
    }

    #[test]
    fn the_main_queue_is_filled_first_and_once() {
        let (mut harness, slots) = full();
        assert_eq!(lengths(&harness), (2, 8));
        assert_eq!(harness.insert(100).evicted, Some(slots[8]));
        harness.remove(slots[0]);
        harness.insert(101);
        assert_eq!(lengths(&harness), (3, 7), "its place goes to the small queue");
    }

    #[test]
    fn a_loop_that_is_longer_than_the_cache_keeps_what_fits() {
        let mut harness = PolicyHarness::<S3TinyLfu>::new(10);
        let mut hits = 0;
        for key in (0..100).flat_map(|_| 0..20) {
            let found = harness.slots().find(|slot| harness.hash(*slot) == key);
            match found {
                Some(slot) => {
                    harness.hit(slot);
                    hits += 1;
                }
                None => {
                    harness.insert(key);
                }
            }
        }
        assert!(hits > 99 * 5, "{hits} of 8 possible in each of 99 rounds");
    }

    #[test]
    fn two_hits_in_the_small_queue_move_an_entry_to_the_main_queue() {
        let (mut harness, slots) = full();
        harness.hit(slots[8]);
        harness.hit(slots[8]);
        assert_eq!(harness.insert(100).evicted, Some(slots[0]), "the main queue was full");
        assert!(harness.is_live(slots[8]));
        assert_eq!(lengths(&harness), (2, 8));
        harness.hit(slots[9]);
        assert_eq!(harness.insert(101).evicted, Some(slots[9]), "one hit is not enough");
    }

    #[test]
    fn a_key_that_comes_back_has_to_be_used_more_than_the_next_of_the_main_queue() {
        let (mut harness, slots) = full();
        (0..2).for_each(|_| harness.hit(slots[0]));
        for hash in [100, 101, 102] {
            harness.insert(hash);
        }
        // 100 came twice. The first of the main queue was hit and goes round; the next was never used since the first eviction.
        harness.insert(100);
        assert_eq!(lengths(&harness), (1, 9));
        assert_eq!(harness.insert(103).evicted, Some(slots[1]), "100 took its place");
        // From here on every one of the main queue has been hit more often than a key comes back.
        for slot in harness.slots().collect::<Vec<_>>() {
            (0..3).for_each(|_| harness.hit(slot));
        }
        for _ in 0..40 {
            harness.insert(200);
            harness.insert(201);
            let live: Vec<_> = harness.slots().filter(|slot| harness.hash(*slot) < 200).collect();
            live.iter().for_each(|slot| harness.hit(*slot));
        }
        assert_eq!((2..8).filter(|index| harness.hash(slots[*index]) == *index as u64).count(), 6);
    }

    #[test]
    fn hits_are_rounds_in_the_main_queue() {
        let (mut harness, slots) = full();
        (0..5).for_each(|_| harness.hit(slots[0]));
        (1..=5).for_each(|index| (0..index % 3).for_each(|_| harness.hit(slots[index])));
        harness.remove(slots[8]);
        harness.remove(slots[9]);
        let order: Vec<_> = (0..8).map(|_| harness.evict()).collect();
        assert_eq!(order, [3, 6, 7, 1, 4, 2, 5, 0].map(|index| slots[index]));
    }

    #[test]
    fn a_scan_leaves_the_main_queue_alone() {
        let (mut harness, slots) = full();
        for hash in 100..1_000 {
            harness.insert(hash);
        }
        assert!(slots[..8].iter().all(|slot| harness.is_live(*slot) && harness.hash(*slot) < 10));
    }

    #[test]
    fn a_larger_bound_is_filled_into_the_main_queue() {
        let (mut harness, _) = full();
        harness.insert(100);
        harness.set_capacity(20);
        for hash in 101..111 {
            harness.insert(hash);
        }
        assert_eq!(lengths(&harness), (4, 16));
    }

    #[test]
    fn adopted_entries_keep_their_order_and_their_hits() {
        let mut harness = PolicyHarness::<S3TinyLfu>::new(10);
        let slots: Vec<_> = (0..10u32).map(|n| harness.adopt(n.into(), Known::new(n * 2, n as f32 / 9.0))).collect();
        assert_eq!(lengths(&harness), (2, 8));
        assert_eq!((harness.word(slots[1]), harness.word(slots[9])), (2, 3));
        assert_eq!(harness.evict(), slots[0]);
        assert_eq!(harness.evict(), slots[2], "the small queue holds less than its share");
    }

    #[test]
    fn a_full_shard_keeps_thirteen_bytes_for_each_entry() {
        let entries = 60_000;
        let mut harness = PolicyHarness::<S3TinyLfu>::new(entries);
        let bytes = |policy: &S3TinyLfu| {
            let history = policy.history.as_ref().map_or(0, |history| history.ghost.bytes() + history.sketch.bytes());
            (policy.queues.bytes(), history)
        };
        assert_eq!(bytes(harness.policy()), (0, 0), "it grows with use");
        for hash in 0..2 * entries as u64 {
            harness.insert(hash);
        }
        let (links, history) = bytes(harness.policy());
        assert!(history <= 5 * entries, "{history}");
        assert!(links <= 9 * entries, "{links}: eight, and room to grow");
    }

    #[test]
    fn an_eviction_looks_at_a_bounded_number_of_entries() {
        let mut harness = PolicyHarness::<S3TinyLfu>::new(1_000);
        let slots: Vec<_> = (0..1_000).map(|hash| harness.insert(hash).slot).collect();
        for (index, slot) in slots[..860].iter().enumerate() {
            (0..if index == 40 { 1 } else { 3 }).for_each(|_| harness.hit(*slot));
        }
        slots[860..].iter().for_each(|slot| harness.remove(*slot));
        assert_eq!(harness.evict(), slots[40], "the least of the first 64");
        assert_eq!([slots[63], slots[64]].map(|slot| harness.word(slot)), [0, 3]);
    }
}
