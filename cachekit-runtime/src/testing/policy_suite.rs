//! The conformance kit of policies: a model of the table that a policy serves, and the checks that drive it.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::policy::{Cell, Cells, Known, Policy, Slot, Touch, WordSource, Words};

/// Emits a module of tests that check a [`Policy`] against a model: it always names a living victim, never one that was
/// removed, drains to the last entry, and goes on doing so over long random streams of operations.
///
/// `policy_suite!(Mine)` emits `mod policy_suite`; `policy_suite!(mine_suite, Mine)` names the module, for the second in one place.
/// The type must be nameable from where the macro stands.
///
/// ```
/// # use cachekit_runtime as cachekit;
/// use cachekit::policy::{Fifo, Lru};
///
/// cachekit::testing::policy_suite!(Fifo);
/// cachekit::testing::policy_suite!(lru_suite, Lru);
/// # fn main() {} // keeps the items above at the root, where the suite finds them
/// ```
#[doc(inline)]
pub use crate::__policy_suite as policy_suite;

#[doc(hidden)]
#[macro_export]
macro_rules! __policy_suite {
    ($policy:ty) => {
        $crate::testing::policy_suite!(policy_suite, $policy);
    };
    ($module:ident, $policy:ty) => {
        mod $module {
            #[allow(unused_imports)] // the type may be given by an absolute path
            use super::*;

            type Subject = $policy;

            #[test]
            fn names_no_victim_when_empty() {
                $crate::testing::checks::names_no_victim_when_empty::<Subject>();
            }
            #[test]
            fn keeps_within_capacity() {
                $crate::testing::checks::keeps_within_capacity::<Subject>();
            }
            #[test]
            fn every_entry_can_be_evicted() {
                $crate::testing::checks::every_entry_can_be_evicted::<Subject>();
            }
            #[test]
            fn removed_entries_are_never_victims() {
                $crate::testing::checks::removed_entries_are_never_victims::<Subject>();
            }
            #[test]
            fn survives_equal_hashes() {
                $crate::testing::checks::survives_equal_hashes::<Subject>();
            }
            #[test]
            fn survives_random_operations() {
                $crate::testing::checks::survives_random_operations::<Subject>();
            }
            #[test]
            fn survives_changes_of_capacity() {
                $crate::testing::checks::survives_changes_of_capacity::<Subject>();
            }
            #[test]
            fn survives_switches() {
                $crate::testing::checks::survives_switches::<Subject>();
            }
            #[test]
            fn survives_a_million_operations() {
                $crate::testing::checks::survives_a_million_operations::<Subject>();
            }
        }
    };
}

/// What [`PolicyHarness::insert`] did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Insertion {
    /// The slot of the new entry.
    pub slot: Slot,
    /// The entry that made room for it, if the harness was full. It may be the same slot.
    pub evicted: Option<Slot>,
}

/// A model of the table that a policy serves, on one thread and without keys or values. It fails the test (by a panic that names
/// the operation) when the policy breaks the contract of [`Policy`].
///
/// ```
/// # use cachekit_runtime as cachekit;
/// use cachekit::{policy::Lru, testing::PolicyHarness};
///
/// let mut harness = PolicyHarness::<Lru>::new(2);
/// let first = harness.insert(1).slot;
/// let second = harness.insert(2).slot;
/// harness.hit(first);
/// assert_eq!(harness.insert(3).evicted, Some(second));
/// ```
pub struct PolicyHarness<P> {
    policy: P,
    touch: Touch,
    capacity: usize,
    cells: Cells,
    free: Vec<Slot>,
    live: usize,
    clock: AtomicU64,
    operations: u64,
    seed: Option<u64>,
}

impl<P: Policy> PolicyHarness<P> {
    /// An empty shard of that capacity.
    pub fn new(capacity: usize) -> Self {
        Self::with_clock(capacity, 0)
    }

    /// Like [`new`](Self::new), with the logical time of [`Touch::Stamp`] starting elsewhere than at 0.
    pub fn with_clock(capacity: usize, clock: u64) -> Self {
        let policy = P::with_capacity(capacity);
        PolicyHarness {
            touch: policy.on_hit(),
            policy,
            capacity,
            cells: Cells(Vec::new()),
            free: Vec::new(),
            live: 0,
            clock: AtomicU64::new(clock),
            operations: 0,
            seed: None,
        }
    }

    fn seeded(capacity: usize, seed: u64) -> Self {
        PolicyHarness { seed: Some(seed), ..Self::new(capacity) }
    }

    /// Inserts an entry whose key has that hash, evicting one first if full.
    pub fn insert(&mut self, hash: u64) -> Insertion {
        let evicted = (self.live >= self.capacity).then(|| self.evict());
        let slot = self.add(hash);
        self.policy.on_insert(slot, &Words::new(&self.cells));
        Insertion { slot, evicted }
    }

    /// Inserts an entry as a live switch does, without evicting: see [`Policy::on_adopt`]. To be called from the coldest to the
    /// hottest.
    pub fn adopt(&mut self, hash: u64, known: Known) -> Slot {
        let slot = self.add(hash);
        if let Touch::Count { max } = self.touch {
            self.cells.0[slot.index()].word = AtomicU64::new(max.min(u64::from(known.hits)));
        }
        self.policy.on_adopt(slot, known, &Words::new(&self.cells));
        slot
    }

    /// Switches to another policy as a live cache does: the old one is drained, and the new one adopts what it had.
    pub fn switch<Q: Policy>(mut self) -> PolicyHarness<Q> {
        let mut next = PolicyHarness::<Q>::with_clock(self.capacity, self.clock.load(Relaxed));
        next.seed = self.seed;
        let counts = matches!(self.touch, Touch::Count { .. });
        let hits: Vec<_> = self.cells.0.iter().map(|cell| cell.word.load(Relaxed)).collect();
        let all = self.live;
        for place in 0..all {
            let slot = self.evict();
            let hits = if counts { hits[slot.index()] as u32 } else { 0 };
            next.adopt(self.hash(slot), Known::new(hits, place as f32 / all.saturating_sub(1).max(1) as f32));
        }
        next
    }

    /// Changes the bound, and evicts until it holds.
    pub fn set_capacity(&mut self, capacity: usize) {
        self.capacity = capacity.max(1);
        self.policy.set_capacity(self.capacity);
        while self.live > self.capacity {
            self.evict();
        }
    }

    fn add(&mut self, hash: u64) -> Slot {
        self.operations += 1;
        let cell = Cell { hash, word: AtomicU64::new(self.touch.first_word(&self.clock)), live: true };
        let slot = match self.free.pop() {
            Some(slot) => {
                self.cells.0[slot.index()] = cell;
                slot
            }
            None => {
                self.cells.0.push(cell);
                Slot::new(self.cells.0.len() as u32 - 1)
            }
        };
        self.live += 1;
        slot
    }

    /// Hits the entry at `slot`. Nothing happens if there is none.
    pub fn hit(&mut self, slot: Slot) {
        self.operations += 1;
        if let Some(word) = self.cells.word(slot) {
            self.touch.apply(word, &self.clock);
        }
    }

    /// Removes the entry at `slot` as an invalidation would. Nothing happens if there is none.
    pub fn remove(&mut self, slot: Slot) {
        self.operations += 1;
        if self.is_live(slot) {
            self.policy.on_remove(slot);
            self.forget(slot);
        }
    }

    /// Has the policy choose a victim and evicts it.
    ///
    /// # Panics
    ///
    /// When entries live and the policy names none, or names a slot that holds none.
    #[track_caller]
    pub fn evict(&mut self) -> Slot {
        let victim = self.try_evict();
        match victim {
            Some(slot) => slot,
            None => panic!("the policy names no victim though {} entries live ({})", self.live, self.place()),
        }
    }

    /// Like [`evict`](Self::evict); the policy may name none.
    ///
    /// # Panics
    ///
    /// When the policy names a slot that holds no entry.
    #[track_caller]
    pub fn try_evict(&mut self) -> Option<Slot> {
        self.operations += 1;
        let slot = self.policy.victim(&Words::new(&self.cells))?;
        assert!(self.is_live(slot), "the policy names {slot:?}, which holds no entry ({})", self.place());
        self.forget(slot);
        Some(slot)
    }

    /// How many entries live.
    pub fn len(&self) -> usize {
        self.live
    }

    /// Whether no entry lives.
    pub fn is_empty(&self) -> bool {
        self.live == 0
    }

    /// Whether `slot` holds an entry.
    pub fn is_live(&self, slot: Slot) -> bool {
        self.cells.word(slot).is_some()
    }

    /// The policy word of the entry at `slot`, 0 if there is none.
    pub fn word(&self, slot: Slot) -> u64 {
        Words::new(&self.cells).get(slot)
    }

    /// The key hash of the entry that `slot` holds, or held last.
    pub fn hash(&self, slot: Slot) -> u64 {
        self.cells.hash(slot)
    }

    /// The slots that hold entries.
    pub fn slots(&self) -> impl Iterator<Item = Slot> {
        (0u32..).zip(&self.cells.0).filter(|(_, cell)| cell.live).map(|(index, _)| Slot::new(index))
    }

    /// The policy under test.
    pub fn policy(&self) -> &P {
        &self.policy
    }

    /// The policy under test, to look at what needs `&mut`.
    pub fn policy_mut(&mut self) -> &mut P {
        &mut self.policy
    }

    fn forget(&mut self, slot: Slot) {
        let cell = &mut self.cells.0[slot.index()];
        cell.live = false;
        cell.word.store(u64::MAX, Relaxed);
        self.free.push(slot);
        self.live -= 1;
    }

    fn place(&self) -> String {
        let seed = self.seed.map(|seed| format!(", seed {seed}")).unwrap_or_default();
        format!("capacity {}, operation {}{seed}", self.capacity, self.operations)
    }

    #[track_caller]
    fn drain(&mut self) {
        while self.live > 0 {
            self.evict();
        }
        let more = self.policy.victim(&Words::new(&self.cells));
        assert!(more.is_none(), "the policy names {more:?} though no entry lives ({})", self.place());
    }

    fn random_operation(&mut self, random: &mut Random) {
        let slot = Slot::new(random.below(self.cells.0.len() as u64 + 1) as u32);
        match random.below(16) {
            0..6 => {
                // Few enough keys for some to come back soon after their eviction.
                let hash = random.below(4 * self.capacity as u64 + 4).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                self.insert(hash);
            }
            6..14 => self.hit(slot),
            _ => self.remove(slot),
        }
        assert!(self.live <= self.capacity, "{} entries live ({})", self.live, self.place());
    }
}

/// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", OOPSLA 2014, figure 17).
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

/// The checks of [`policy_suite!`](policy_suite), for those who write their own tests around them. Each panics where the policy
/// breaks the contract of [`Policy`].
pub mod checks {
    use super::{PolicyHarness, Random};
    use crate::policy::{Fifo, Known, Lru, Policy};

    const CAPACITIES: [usize; 6] = [1, 2, 3, 9, 10, 64];

    /// An empty policy names no victim, neither when new nor when its last entry was removed.
    pub fn names_no_victim_when_empty<P: Policy>() {
        for capacity in CAPACITIES {
            let mut harness = PolicyHarness::<P>::new(capacity);
            harness.drain();
            let slot = harness.insert(1).slot;
            harness.remove(slot);
            harness.drain();
        }
    }

    /// A full shard always gets a victim, whether or not entries are hit.
    pub fn keeps_within_capacity<P: Policy>() {
        for capacity in CAPACITIES {
            for hits in 0..5 {
                let mut harness = PolicyHarness::<P>::new(capacity);
                for hash in 0..20 * capacity as u64 {
                    let slot = harness.insert(hash).slot;
                    assert!(harness.is_live(slot) && harness.len() <= capacity);
                    (0..hits).for_each(|_| harness.hit(slot));
                }
            }
        }
    }

    /// Without insertions between, all entries go one after another: none is protected for ever, none goes twice.
    pub fn every_entry_can_be_evicted<P: Policy>() {
        for capacity in CAPACITIES {
            for hits in 0..5 {
                let mut harness = PolicyHarness::<P>::new(capacity);
                for round in 0..3 {
                    for hash in 0..capacity as u64 {
                        let slot = harness.insert(hash + round).slot;
                        (0..hits).for_each(|_| harness.hit(slot));
                    }
                    harness.drain();
                }
            }
        }
    }

    /// What was removed is no victim, also when its slot was used again in between.
    pub fn removed_entries_are_never_victims<P: Policy>() {
        for capacity in CAPACITIES {
            for step in 1..4 {
                let mut harness = PolicyHarness::<P>::new(capacity);
                for hash in 0..3 * capacity as u64 {
                    harness.insert(hash);
                }
                let removed: Vec<_> = harness.slots().step_by(step).collect();
                removed.iter().for_each(|slot| harness.remove(*slot));
                for hash in 0..removed.len() as u64 / 2 {
                    harness.insert(1_000 + hash);
                }
                harness.drain();
            }
        }
    }

    /// Keys may share a hash; a hash is a hint, never an identity.
    pub fn survives_equal_hashes<P: Policy>() {
        for capacity in CAPACITIES {
            let mut harness = PolicyHarness::<P>::new(capacity);
            for step in 0..20 * capacity {
                let slot = harness.insert(7).slot;
                if step % 3 == 0 {
                    harness.hit(slot);
                    harness.hit(slot);
                }
            }
            harness.drain();
        }
    }

    /// Random insertions, hits and removals. A failure names the seed.
    pub fn survives_random_operations<P: Policy>() {
        for capacity in CAPACITIES {
            for seed in 0..64 {
                let mut random = Random(seed);
                let mut harness = PolicyHarness::<P>::seeded(capacity, seed);
                for _ in 0..8 * capacity + 64 {
                    harness.random_operation(&mut random);
                }
                harness.drain();
            }
        }
    }

    /// Bounds that shrink and grow between random operations.
    pub fn survives_changes_of_capacity<P: Policy>() {
        for seed in 0..64 {
            let mut random = Random(seed);
            let mut harness = PolicyHarness::<P>::seeded(9, seed);
            for _ in 0..32 {
                harness.set_capacity(CAPACITIES[random.below(6) as usize]);
                for _ in 0..64 {
                    harness.random_operation(&mut random);
                }
            }
            harness.drain();
        }
    }

    /// Switches on a live cache: from [`Fifo`] to the policy, with random counts of hits, and to [`Lru`] and back.
    pub fn survives_switches<P: Policy>() {
        for capacity in CAPACITIES {
            for seed in 0..16 {
                let mut random = Random(seed);
                let mut before = PolicyHarness::<Fifo>::seeded(capacity, seed);
                (0..4 * capacity).for_each(|_| before.random_operation(&mut random));
                let mut harness = before.switch::<P>();
                (0..4 * capacity).for_each(|_| harness.random_operation(&mut random));
                let mut harness = harness.switch::<Lru>().switch::<P>();
                for place in 0..capacity - harness.len() {
                    let hits = random.below(1000) as u32;
                    harness.adopt(random.next(), Known::new(hits, place as f32 / capacity as f32));
                }
                (0..4 * capacity).for_each(|_| harness.random_operation(&mut random));
                harness.drain();
            }
        }
    }

    /// One policy lives through a million operations: bookkeeping that only grows becomes slow enough to be seen.
    pub fn survives_a_million_operations<P: Policy>() {
        let mut random = Random(42);
        let mut harness = PolicyHarness::<P>::seeded(16, 42);
        for _ in 0..1_000_000 {
            harness.random_operation(&mut random);
        }
        harness.drain();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Fifo;

    /// What a user would write: the newest of all is evicted first.
    struct Mru {
        live: Vec<Slot>,
    }

    impl Policy for Mru {
        fn with_capacity(_: usize) -> Self {
            Mru { live: Vec::new() }
        }
        fn on_insert(&mut self, slot: Slot, _: &Words<'_>) {
            self.live.push(slot);
        }
        fn on_hit(&self) -> Touch {
            Touch::Stamp
        }
        fn on_remove(&mut self, slot: Slot) {
            self.live.retain(|other| *other != slot);
        }
        fn victim(&mut self, words: &Words<'_>) -> Option<Slot> {
            let newest = (0..self.live.len()).max_by_key(|&i| words.get(self.live[i]))?;
            Some(self.live.swap_remove(newest))
        }
    }

    crate::testing::policy_suite!(mru_suite, Mru);

    /// A policy with a chosen mistake, to see that the checks can fail.
    struct Broken<const MISTAKE: u8>(Fifo, Option<Slot>);

    const IGNORES_REMOVALS: u8 = 0;
    const PROTECTS_ONE: u8 = 1;
    const FORGETS_NOTHING: u8 = 2;

    impl<const MISTAKE: u8> Policy for Broken<MISTAKE> {
        fn with_capacity(capacity: usize) -> Self {
            Broken(Fifo::with_capacity(capacity), None)
        }
        fn on_insert(&mut self, slot: Slot, words: &Words<'_>) {
            if MISTAKE == PROTECTS_ONE && words.hash(slot) == 0 {
                return;
            }
            self.1 = Some(slot);
            self.0.on_insert(slot, words);
        }
        fn on_hit(&self) -> Touch {
            Touch::Nothing
        }
        fn on_remove(&mut self, slot: Slot) {
            if MISTAKE != IGNORES_REMOVALS {
                self.0.on_remove(slot);
            }
        }
        fn victim(&mut self, words: &Words<'_>) -> Option<Slot> {
            if MISTAKE == FORGETS_NOTHING {
                return self.1;
            }
            self.0.victim(words)
        }
    }

    #[test]
    #[should_panic(expected = "though no entry lives")]
    fn a_policy_that_ignores_removals_is_caught() {
        checks::removed_entries_are_never_victims::<Broken<IGNORES_REMOVALS>>();
    }

    #[test]
    #[should_panic(expected = "names no victim though 1 entries live")]
    fn a_policy_that_protects_an_entry_for_ever_is_caught() {
        checks::every_entry_can_be_evicted::<Broken<PROTECTS_ONE>>();
    }

    #[test]
    #[should_panic(expected = "seed ")]
    fn the_seed_of_a_failure_is_named() {
        checks::survives_random_operations::<Broken<FORGETS_NOTHING>>();
    }
}
