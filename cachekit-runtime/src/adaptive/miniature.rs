//! A tiny cache without values: what a strategy would hit.

use std::sync::atomic::AtomicU64;
#[cfg(feature = "advice")]
use std::sync::atomic::Ordering;

use hashbrown::HashTable;

use crate::memory::remembered;
#[cfg(feature = "advice")]
use crate::memory::switch;
use crate::policy::{Cell, Cells, Policy, PolicyFactory, Slot, Touch, WordSource, Words};

/// What policies allocate for an entry and its ghosts, in bytes, rounded up: LIRS has the most. Policies cannot be asked.
const POLICY_BYTES: usize = 64;

/// A shard keeps counters up to this one in a byte.
const NARROW: u64 = u8::MAX as u64;

/// A simulation of one shard under a policy, with hashes in the place of keys and nothing in the place of values.
pub struct Miniature {
    policy: Box<dyn Policy>,
    touch: Touch,
    clock: AtomicU64,
    cells: Cells,
    /// The slots of the entries, by hash.
    slots: HashTable<u32>,
    free: Vec<u32>,
    capacity: usize,
}

/// What the policy of a shard would see: of a hash what a shard remembers of it, and words as wide as a shard has them.
struct AsInShard<'a> {
    cells: &'a Cells,
    touch: Touch,
}

impl WordSource for AsInShard<'_> {
    #[inline]
    fn get(&self, slot: Slot) -> u64 {
        self.cells.get(slot)
    }

    #[inline]
    fn set(&self, slot: Slot, value: u64) {
        match self.touch {
            Touch::Nothing => {}
            Touch::Count { max } if max <= NARROW => self.cells.set(slot, value.min(NARROW)),
            Touch::Count { .. } | Touch::Stamp => self.cells.set(slot, value),
        }
    }

    #[inline]
    fn hash(&self, slot: Slot) -> u64 {
        u64::from(remembered(self.cells.hash(slot)))
    }
}

impl Miniature {
    /// An empty cache of at least one entry.
    #[must_use]
    pub fn new(factory: &PolicyFactory, capacity: usize) -> Self {
        let capacity = capacity.max(1);
        let policy = factory(capacity);
        Miniature {
            touch: policy.on_hit(),
            policy,
            clock: AtomicU64::new(0),
            cells: Cells(Vec::new()),
            slots: HashTable::new(),
            free: Vec::new(),
            capacity,
        }
    }

    /// A call for the key of this hash: whether it is a hit. A miss stores the key, and evicts another if the cache is full.
    pub fn access(&mut self, hash: u64) -> bool {
        let cells = &mut self.cells.0;
        if let Some(slot) = self.slots.find(hash, |slot| cells[*slot as usize].hash == hash) {
            self.touch.apply(&cells[*slot as usize].word, &self.clock);
            return true;
        }
        while self.slots.len() >= self.capacity {
            self.evict();
        }
        self.insert(hash);
        false
    }

    /// Lets the next victim go if it is full, as the miss of a key would that is not simulated.
    #[cfg(feature = "advice")]
    pub(crate) fn make_room(&mut self) {
        if self.slots.len() >= self.capacity {
            self.evict();
        }
    }

    fn insert(&mut self, hash: u64) {
        let cells = &mut self.cells.0;
        let cell = Cell { hash, word: AtomicU64::new(self.touch.first_word(&self.clock)), live: true };
        let slot = match self.free.pop() {
            Some(slot) => {
                cells[slot as usize] = cell;
                slot
            }
            None => {
                cells.push(cell);
                cells.len() as u32 - 1
            }
        };
        self.slots.insert_unique(hash, slot, |slot| cells[*slot as usize].hash);
        let words = AsInShard { cells: &self.cells, touch: self.touch };
        self.policy.on_insert(Slot::new(slot), &Words::new(&words));
    }

    /// As in the table, a policy that names no victim or a wrong one costs hits, not the bound.
    fn evict(&mut self) {
        let words = AsInShard { cells: &self.cells, touch: self.touch };
        let named = self.policy.victim(&Words::new(&words));
        let slot = match named.filter(|slot| self.cells.word(*slot).is_some()) {
            Some(slot) => slot,
            None => {
                let Some(slot) = self.slots.iter().next().map(|slot| Slot::new(*slot)) else { return };
                self.policy.on_remove(slot);
                slot
            }
        };
        let cell = &mut self.cells.0[slot.index()];
        cell.live = false;
        if let Ok(found) = self.slots.find_entry(cell.hash, |other| *other as usize == slot.index()) {
            found.remove();
        }
        self.free.push(slot.index() as u32);
    }

    /// Changes the bound, and evicts until it holds.
    pub fn set_capacity(&mut self, capacity: usize) {
        self.capacity = capacity.max(1);
        self.policy.set_capacity(self.capacity);
        while self.slots.len() > self.capacity {
            self.evict();
        }
    }

    /// Another policy over the same entries, as in a cache that switches: it learns in which order the old one would have evicted them, and how
    /// often each was hit as far as that was counted.
    #[cfg(feature = "advice")]
    pub(crate) fn set_policy(&mut self, factory: &PolicyFactory) {
        let live: Vec<Slot> = self.slots.iter().map(|slot| Slot::new(*slot)).collect();
        let hits: Vec<u64> = self.cells.0.iter().map(|cell| cell.word.load(Ordering::Relaxed)).collect();
        let counted = matches!(self.touch, Touch::Count { .. });
        let policy = std::mem::replace(&mut self.policy, factory(self.capacity));
        let words = AsInShard { cells: &self.cells, touch: self.touch };
        let order = switch::from_coldest(Some(policy), self.capacity, &live, self.cells.0.len(), &Words::new(&words));
        self.touch = self.policy.on_hit();
        let known: Vec<(Slot, u32)> =
            order.into_iter().map(|slot| (slot, if counted { hits[slot.index()] as u32 } else { 0 })).collect();
        for (slot, hits) in &known {
            let word = match self.touch {
                Touch::Count { max } => u64::from(*hits).min(max),
                touch => touch.first_word(&self.clock),
            };
            self.cells.0[slot.index()].word.store(word, Ordering::Relaxed);
        }
        let words = AsInShard { cells: &self.cells, touch: self.touch };
        switch::adopt(&mut *self.policy, Some(self.capacity), &known, &Words::new(&words));
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// The memory in use, in bytes; what the policy allocates is estimated.
    #[must_use]
    pub fn bytes(&self) -> usize {
        size_of::<Self>()
            + self.cells.0.capacity() * size_of::<Cell>()
            + self.slots.allocation_size()
            + self.free.capacity() * size_of::<u32>()
            + self.capacity * POLICY_BYTES
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Strategy;

    fn mixed(key: u64) -> u64 {
        (key + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29).wrapping_mul(0xd6e8_feb8_6659_fd93)
    }

    #[test]
    fn lru_hits_what_a_list_in_order_of_use_would() {
        let mut miniature = Miniature::new(&Strategy::Lru.factory(), 20);
        let mut list: Vec<u64> = Vec::new();
        let mut random = 7u64;
        let mut hits = 0;
        for _ in 0..20_000 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let hash = mixed((random >> 33) % 40);
            let known = list.iter().position(|other| *other == hash);
            assert_eq!(miniature.access(hash), known.is_some());
            hits += usize::from(known.is_some());
            known.map(|place| list.remove(place));
            list.push(hash);
            if list.len() > 20 {
                list.remove(0);
            }
        }
        assert!((9_000..11_000).contains(&hits), "{hits}");
    }

    #[test]
    fn the_bound_holds_whatever_the_policy_names() {
        struct Rogue;
        impl Policy for Rogue {
            fn with_capacity(_: usize) -> Self {
                Rogue
            }
            fn on_insert(&mut self, _: Slot, _: &Words<'_>) {}
            fn on_hit(&self) -> Touch {
                Touch::Nothing
            }
            fn on_remove(&mut self, _: Slot) {}
            fn victim(&mut self, _: &Words<'_>) -> Option<Slot> {
                Some(Slot::new(1_000))
            }
        }
        let mut miniature = Miniature::new(&Strategy::of::<Rogue>().factory(), 8);
        for key in 0..1_000 {
            miniature.access(mixed(key));
            assert!(miniature.len() <= 8);
        }
        assert_eq!(miniature.len(), 8);
    }

    /// What a policy writes into a word is kept as a shard keeps it, and of a hash it is shown as much.
    #[test]
    fn a_policy_sees_what_it_would_see_in_a_shard() {
        struct Writes<const MAX: u64>(Vec<(u64, u64)>);
        impl<const MAX: u64> Policy for Writes<MAX> {
            fn with_capacity(_: usize) -> Self {
                Writes(Vec::new())
            }
            fn on_insert(&mut self, slot: Slot, words: &Words<'_>) {
                words.set(slot, 1_000);
                self.0.push((words.get(slot), words.hash(slot)));
            }
            fn on_hit(&self) -> Touch {
                if MAX == 0 { Touch::Nothing } else { Touch::Count { max: MAX } }
            }
            fn on_remove(&mut self, _: Slot) {}
            fn victim(&mut self, _: &Words<'_>) -> Option<Slot> {
                assert!(self.0.iter().all(|seen| *seen == self.0[0]), "{:?}", self.0);
                let (word, hash) = self.0[0];
                let kept = if MAX == 0 {
                    0
                } else if MAX < 256 {
                    255
                } else {
                    1_000
                };
                assert_eq!((word, hash), (kept, u64::from(remembered(u64::MAX))));
                None
            }
        }
        fn run<const MAX: u64>() {
            let mut miniature = Miniature::new(&Strategy::of::<Writes<MAX>>().factory(), 3);
            // They differ in bits that a shard does not remember.
            (0..4).for_each(|key| _ = miniature.access(u64::MAX - (key << 40)));
            assert_eq!(miniature.len(), 3);
        }
        run::<0>();
        run::<3>();
        run::<255>();
        run::<256>();
    }

    #[test]
    fn shrinking_evicts_and_growing_makes_room() {
        let mut miniature = Miniature::new(&Strategy::Lru.factory(), 10);
        (0..10).for_each(|key| _ = miniature.access(mixed(key)));
        miniature.set_capacity(4);
        assert_eq!(miniature.len(), 4);
        assert!((6..10).all(|key| miniature.access(mixed(key))), "the most recent stay");
        miniature.set_capacity(12);
        (20..40).for_each(|key| _ = miniature.access(mixed(key)));
        assert_eq!(miniature.len(), 12);
        miniature.set_capacity(0);
        assert_eq!(miniature.len(), 1, "a miniature holds at least one entry");
    }

    #[test]
    fn memory_stays_where_it_was_once_full() {
        let mut miniature = Miniature::new(&Strategy::S3Fifo.factory(), 512);
        (0..2_000).for_each(|key| _ = miniature.access(mixed(key)));
        let before = miniature.bytes();
        (0..200_000).for_each(|key| _ = miniature.access(mixed(key)));
        assert_eq!(miniature.bytes(), before);
        assert!(before < 512 * 200, "{before}");
    }
}
