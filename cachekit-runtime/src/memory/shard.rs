//! One shard: the entries, and the policy that chooses among them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use hashbrown::HashTable;

use super::slots::{MAX_SLOTS, Slots};
use super::{Removal, RemovalKind};
use crate::policy::{Policy, Slot, Touch, WordSource, Words};

/// All that a hit needs is in one place: key, payload and policy word.
#[repr(C)] // the key beside the beginning of its payload
pub(super) struct Entry<K, T> {
    pub(super) key: K,
    pub(super) payload: T,
    word: AtomicU64,
    slot: Slot,
}

/// Methods that run user code (closures, `Eq`, policies) do so at points where the shard is whole, so that a panic leaves it usable.
#[repr(C)] // what a hit reads stands first, in one cache line with the lock
pub(super) struct Shard<K, T> {
    entries: HashTable<Entry<K, T>>,
    /// Words from this on stay as they are on a hit: one comparison for most hits, whatever the policy. 0: no word is even read.
    settled: u64,
    touch: Touch,
    /// Logical time for `Touch::Stamp`.
    clock: AtomicU64,
    slots: Slots,
    capacity: usize,
    /// `None` if nothing is ever evicted. The mutex is never locked: it makes a policy that is only `Send` usable in a shard that
    /// readers share.
    policy: Option<Mutex<Box<dyn Policy>>>,
}

/// The words of a shard's entries, found by slot.
struct EntryWords<'a, K, T> {
    entries: &'a HashTable<Entry<K, T>>,
    slots: &'a Slots,
}

impl<K, T> WordSource for EntryWords<'_, K, T> {
    fn word(&self, slot: Slot) -> Option<&AtomicU64> {
        self.entries.find(self.slots.hash(slot), |entry| entry.slot == slot).map(|entry| &entry.word)
    }

    fn hash(&self, slot: Slot) -> u64 {
        self.slots.hash(slot)
    }
}

fn policy_mut(policy: &mut Option<Mutex<Box<dyn Policy>>>) -> Option<&mut dyn Policy> {
    let policy = policy.as_mut()?.get_mut().unwrap_or_else(PoisonError::into_inner);
    Some(&mut **policy)
}

impl<K, T> Shard<K, T> {
    /// No policy: nothing is evicted by choice.
    pub(super) fn new(capacity: usize, policy: Option<Box<dyn Policy>>) -> Self {
        let touch = policy.as_ref().map_or(Touch::Nothing, |policy| policy.on_hit());
        Shard {
            entries: HashTable::new(),
            settled: match touch {
                Touch::Nothing => 0,
                Touch::Count { max } => max,
                Touch::Stamp => u64::MAX,
            },
            touch,
            clock: AtomicU64::new(0),
            slots: Slots::new(),
            capacity: capacity.min(MAX_SLOTS),
            policy: policy.map(Mutex::new),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }

    #[inline]
    pub(super) fn find(&self, hash: u64, eq: impl Fn(&K) -> bool) -> Option<&Entry<K, T>> {
        self.entries.find(hash, |entry| eq(&entry.key))
    }

    #[inline]
    pub(super) fn touch(&self, entry: &Entry<K, T>) {
        if self.settled != 0 && entry.word.load(Ordering::Relaxed) < self.settled {
            self.touch.apply(&entry.word, &self.clock);
        }
    }

    pub(super) fn into_pairs(self) -> impl Iterator<Item = (K, T)> {
        self.entries.into_iter().map(|entry| (entry.key, entry.payload))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Entry<K, T>> {
        self.entries.iter()
    }

    /// Swaps the pair with what the entry of that key holds, if there is one and `keep` agrees.
    pub(super) fn replace(
        &mut self,
        hash: u64,
        same: impl Fn(&K, &K) -> bool,
        keep: impl FnOnce(Option<&T>) -> bool,
        pair: &mut Option<(K, T)>,
    ) -> Replaced {
        let is_key = |entry: &Entry<K, T>| pair.as_ref().is_some_and(|(key, _)| same(key, &entry.key));
        let Some(entry) = self.entries.find_mut(hash, is_key) else {
            return if keep(None) { Replaced::Vacant } else { Replaced::Refused };
        };
        if !keep(Some(&entry.payload)) {
            return Replaced::Refused;
        }
        if let Some((key, payload)) = pair {
            std::mem::swap(&mut entry.key, key);
            std::mem::swap(&mut entry.payload, payload);
        }
        self.touch.apply(&entry.word, &self.clock);
        Replaced::Swapped
    }

    /// Evicts until one more entry fits.
    pub(super) fn make_room(&mut self, out: &mut Vec<Removal<K, T>>) {
        while self.entries.len() >= self.capacity {
            let Some(slot) = self.choose_victim() else { return };
            if let Some((key, payload)) = self.take(slot) {
                out.push(Removal { key, payload, kind: RemovalKind::Evicted });
            }
        }
    }

    /// A slot that holds an entry. Where the policy fails to name one, the bound still holds: any entry goes.
    fn choose_victim(&mut self) -> Option<Slot> {
        let words = EntryWords { entries: &self.entries, slots: &self.slots };
        let policy = policy_mut(&mut self.policy);
        let chosen = policy.and_then(|policy| policy.victim(&Words::new(&words)));
        if let Some(slot) = chosen.filter(|slot| words.word(*slot).is_some()) {
            return Some(slot);
        }
        let slot = self.entries.iter().next()?.slot;
        if let Some(policy) = policy_mut(&mut self.policy) {
            policy.on_remove(slot);
        }
        Some(slot)
    }

    fn take(&mut self, slot: Slot) -> Option<(K, T)> {
        let found = self.entries.find_entry(self.slots.hash(slot), |entry| entry.slot == slot).ok()?;
        let (entry, _) = found.remove();
        self.slots.give_back(slot);
        Some((entry.key, entry.payload))
    }

    /// Adds an entry that is not there yet. Runs no user code; `admit` follows.
    pub(super) fn add(&mut self, hash: u64, key: K, payload: T) -> Slot {
        let slot = self.slots.take(hash);
        let word = AtomicU64::new(self.touch.first_word(&self.clock));
        let slots = &self.slots;
        self.entries.insert_unique(hash, Entry { key, payload, word, slot }, |entry| slots.hash(entry.slot));
        slot
    }

    /// Tells the policy of an added entry.
    pub(super) fn admit(&mut self, slot: Slot) {
        if let Some(policy) = policy_mut(&mut self.policy) {
            policy.on_insert(slot, &Words::new(&EntryWords { entries: &self.entries, slots: &self.slots }));
        }
    }

    pub(super) fn remove_if(
        &mut self,
        hash: u64,
        eq: impl Fn(&K) -> bool,
        condition: impl FnOnce(&K, &T) -> bool,
    ) -> Option<(K, T)> {
        let found = self.entries.find_entry(hash, |entry| eq(&entry.key)).ok()?;
        if !condition(&found.get().key, &found.get().payload) {
            return None;
        }
        let slot = found.get().slot;
        // Before the removal: if the policy panics, the entry is still here, and nothing of the user's is dropped under the lock.
        if let Some(policy) = policy_mut(&mut self.policy) {
            policy.on_remove(slot);
        }
        let (entry, _) = found.remove();
        self.slots.give_back(slot);
        Some((entry.key, entry.payload))
    }

    pub(super) fn retain(&mut self, keep: &mut impl FnMut(&K, &T) -> bool, out: &mut Vec<(K, T)>) {
        for entry in self.entries.extract_if(|entry| !keep(&entry.key, &entry.payload)) {
            out.push((entry.key, entry.payload));
            self.slots.give_back(entry.slot);
            if let Some(policy) = policy_mut(&mut self.policy) {
                policy.on_remove(entry.slot);
            }
        }
    }
}

/// What became of an insertion before there is need for a new entry.
pub(super) enum Replaced {
    /// No entry has the key, and one is wanted.
    Vacant,
    /// The pair now holds what the entry held.
    Swapped,
    /// `keep` said no.
    Refused,
}
