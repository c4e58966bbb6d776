//! One shard: the entries, what is known of them by slot, and the policy that chooses among them.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use hashbrown::HashTable;

use super::columns::{Columns, MAX_SLOTS};
use super::evictor::{Evictor, SlotWords};
use super::words::WordColumn;
use super::{Besides, Freshness, Glance, Gone, RemovalKind, Removed, Seen};
use crate::{
    policy::{Policy, Slot, Standing, Touch, Words},
    time::Tick,
};

/// All that a hit needs beside the policy word.
pub(super) struct Entry<K, V> {
    pub(super) key: K,
    pub(super) value: V,
    think: AtomicU32,
    slot: Slot,
}

impl<K, V> Entry<K, V> {
    /// One that has no slot yet.
    #[inline(always)]
    pub(super) fn new(key: K, value: V, think: Tick) -> Self {
        Entry { key, value, think: AtomicU32::new(think), slot: Slot::new(0) }
    }
}

/// Methods that run user code (closures, `Eq`, policies) do so at points where the shard is whole, so that a panic leaves it usable.
#[repr(C)] // what a hit reads stands first
pub(super) struct Shard<K, V, M> {
    entries: HashTable<Entry<K, V>>,
    words: WordColumn,
    columns: Columns<M>,
    capacity: usize,
    /// The capacity that the policy knows.
    told: usize,
    policy: Evictor,
}

/// hashbrown takes the place of an entry from the lowest bits of its hash, as many as the table has buckets, and compares the top seven; the bits
/// between choose the shard. So a slot remembers these 25 and 7 only.
const PLACE: u32 = 25;

/// What is remembered of a hash.
#[expect(clippy::cast_possible_truncation, reason = "the bits that are cut off choose the shard")]
pub(crate) fn remembered(hash: u64) -> u32 {
    hash as u32 & ((1 << PLACE) - 1) | (hash >> 57 << PLACE) as u32
}

/// A hash that leads to the same place.
fn recalled(remembered: u32) -> u64 {
    u64::from(remembered & ((1 << PLACE) - 1)) | u64::from(remembered >> PLACE) << 57
}

impl<K, V, M> Shard<K, V, M> {
    /// No policy: nothing is evicted by choice.
    pub(super) fn new(capacity: usize, policy: Option<Box<dyn Policy>>) -> Self {
        let touch = policy.as_ref().map_or(Touch::Nothing, |policy| policy.on_hit());
        Shard {
            entries: HashTable::new(),
            words: WordColumn::new(touch),
            columns: Columns::new(),
            capacity: capacity.min(MAX_SLOTS),
            told: capacity,
            policy: Evictor::new(policy),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }

    #[inline(always)]
    fn find(&self, hash: u64, eq: impl Fn(&K) -> bool) -> Option<&Entry<K, V>> {
        // Such keys are compared without a call.
        if const { size_of::<K>() <= 8 && !std::mem::needs_drop::<K>() } {
            return self.entries.find(hash, |entry| eq(&entry.key));
        }
        // The first candidate is nearly always the one, and a loop around it would have to keep its state across a comparison that is a call.
        let first = self.entries.find(hash, |_| true)?;
        if eq(&first.key) { Some(first) } else { self.find_further(hash, eq) }
    }

    #[cold]
    #[inline(never)]
    fn find_further(&self, hash: u64, eq: impl Fn(&K) -> bool) -> Option<&Entry<K, V>> {
        let mut is_first = true;
        self.entries.find(hash, |entry| !std::mem::take(&mut is_first) && eq(&entry.key))
    }

    /// The path of a hit: the value, if it is fresh beyond doubt; then this was a hit in the sense of the policy.
    #[inline(always)]
    pub(super) fn hit(&self, hash: u64, eq: impl Fn(&K) -> bool, freshness: impl Freshness<M>) -> Glance<&V> {
        let Some(entry) = self.find(hash, eq) else { return Glance::Absent };
        if !freshness.by_mark(entry.think.load(Relaxed)) {
            let Some(compared) = self.columns.compared.get(entry.slot) else { return Glance::Unsure };
            if !freshness.as_compared(compared)
                && !self.see(entry).more.is_some_and(|more| freshness.closely(compared, more))
            {
                return Glance::Unsure;
            }
        }
        self.words.touch(entry.slot);
        Glance::Hit(&entry.value)
    }

    pub(super) fn get<R>(
        &self,
        hash: u64,
        eq: impl Fn(&K) -> bool,
        f: impl FnOnce(Seen<'_, V, M>) -> (R, bool),
    ) -> Option<R> {
        let entry = self.find(hash, eq)?;
        let (answer, touch) = f(self.see(entry));
        if touch {
            self.words.touch(entry.slot);
        }
        Some(answer)
    }

    fn see<'a>(&'a self, entry: &'a Entry<K, V>) -> Seen<'a, V, M> {
        see(&self.columns, entry)
    }

    pub(super) fn for_each(&self, mut f: impl FnMut(&K, Seen<'_, V, M>)) {
        self.entries.iter().for_each(|entry| f(&entry.key, self.see(entry)));
    }

    /// What the policy says of the entry of that key.
    pub(super) fn standing(&self, hash: u64, eq: impl Fn(&K) -> bool) -> Option<Standing> {
        let slot = self.find(hash, eq)?.slot;
        self.policy.standing(slot, &SlotWords { words: &self.words, hashes: self.columns.hashes() })
    }

    /// The slots of its entries, each with its policy word.
    #[cfg(feature = "backend")]
    pub(super) fn slots_with_words(&self) -> Vec<(u64, Slot)> {
        self.entries.iter().map(|entry| (self.words.get(entry.slot), entry.slot)).collect()
    }

    /// The key of that hash for which `is_it` holds.
    #[cfg(any(feature = "advice", feature = "registry"))]
    pub(super) fn key(&self, hash: u64, is_it: impl Fn(&K) -> bool) -> Option<&K> {
        self.entries.find(hash, |entry| is_it(&entry.key)).map(|entry| &entry.key)
    }

    /// The entry at that slot, and its hits as far as the policy counts them.
    #[cfg(feature = "backend")]
    pub(super) fn at_slot<R>(&self, slot: Slot, f: impl FnOnce(&K, Seen<'_, V, M>, u32) -> R) -> Option<R> {
        let entry = self.entries.find(recalled(self.columns.hash(slot)), |entry| entry.slot == slot)?;
        Some(f(&entry.key, self.see(entry), self.words.hits(slot)))
    }

    /// Where the entry of that key is, until the next change of the shard.
    #[inline]
    pub(super) fn place(&self, hash: u64, eq: impl Fn(&K) -> bool) -> Option<usize> {
        self.entries.find_bucket_index(hash, |entry| eq(&entry.key))
    }

    pub(super) fn see_at(&self, place: usize) -> Option<Seen<'_, V, M>> {
        self.entries.get_bucket(place).map(|entry| self.see(entry))
    }

    /// Swaps what is stored with what the entry at that place holds.
    pub(super) fn swap(&mut self, place: usize, mut fresh: Entry<K, V>, besides: Besides<M>) -> Option<Gone<K, V, M>> {
        let there = self.entries.get_bucket_mut(place)?;
        let slot = there.slot;
        fresh.slot = slot;
        let old = std::mem::replace(there, fresh);
        let gone = Gone {
            key: old.key,
            value: old.value,
            think: old.think.into_inner(),
            born: self.columns.born.get(slot).copied().unwrap_or(0),
            more: self.columns.more.take(slot),
            weight: self.columns.weights.take(slot),
        };
        self.columns.set(slot, besides.marks, besides.more);
        self.columns.set_weight(slot, besides.weight);
        self.words.touch(slot);
        Some(gone)
    }

    /// Evicts until one more entry fits. The slot that this left to be used again, for [`add`](Self::add), which is to follow at once.
    #[inline(always)]
    pub(super) fn make_room(&mut self, out: &mut Removed<K, V, M>) -> Option<Slot> {
        let mut left = None;
        while self.entries.len() >= self.capacity {
            // Before a policy is asked, which may panic.
            if let Some(slot) = left.take() {
                self.columns.give_back(slot);
            }
            left = self.evict_one(out);
            if left.is_none() {
                break;
            }
        }
        left
    }

    /// Evicts until no more entries are there than the capacity says, at most `most` of them. Are there still too many?
    pub(super) fn trim(&mut self, most: usize, out: &mut Removed<K, V, M>) -> bool {
        for _ in 0..most {
            if self.entries.len() <= self.capacity {
                return false;
            }
            if !self.evict(out) {
                return false;
            }
        }
        self.entries.len() > self.capacity
    }

    /// Evicts one entry, of the policy's choice. Was there one?
    #[inline]
    pub(super) fn evict(&mut self, out: &mut Removed<K, V, M>) -> bool {
        let evicted = self.evict_one(out);
        if let Some(slot) = evicted {
            self.columns.give_back(slot);
        }
        evicted.is_some()
    }

    /// As [`evict`](Self::evict), but the slot is yet to be given back.
    #[inline(always)]
    fn evict_one(&mut self, out: &mut Removed<K, V, M>) -> Option<Slot> {
        let chosen = self.policy.victim(&SlotWords { words: &self.words, hashes: self.columns.hashes() });
        match chosen {
            Some(slot) if self.take(slot, out) => chosen,
            _ => self.evict_any(out),
        }
    }

    /// Where the policy fails to name an entry, the bound still holds: any entry goes.
    #[cold]
    #[inline(never)]
    fn evict_any(&mut self, out: &mut Removed<K, V, M>) -> Option<Slot> {
        let slot = self.entries.iter().next().map(|entry| entry.slot)?;
        self.policy.remove(slot);
        self.take(slot, out).then_some(slot)
    }

    // Inlined, as what it calls: an entry is written into `out` once, and not passed on from return value to return value.
    #[inline(always)]
    fn take(&mut self, slot: Slot, out: &mut Removed<K, V, M>) -> bool {
        let hash = recalled(self.columns.hash(slot));
        let Ok(found) = self.entries.find_entry(hash, |entry| entry.slot == slot) else { return false };
        let (born, more, weight) = self.columns.take(slot);
        if more.is_none() && out.count_evicted() {
            found.remove();
            return true;
        }
        let (Entry { key, value, think, .. }, _) = found.remove();
        out.push(Gone { key, value, think: think.into_inner(), born, more, weight }, RemovalKind::Evicted);
        true
    }

    /// Adds an entry that is not there yet. Runs no user code; `admit` follows.
    #[inline(always)]
    pub(super) fn add(&mut self, hash: u64, left: Option<Slot>, mut entry: Entry<K, V>, besides: Besides<M>) -> Slot {
        if self.entries.len() == self.entries.capacity() {
            self.make_place();
        }
        let most = self.capacity;
        let slot = self.columns.add(left, remembered(hash), besides, most);
        self.words.begin(slot, most);
        entry.slot = slot;
        let columns = &self.columns;
        self.entries.insert_unique(hash, entry, |entry| recalled(columns.hash(entry.slot)));
        slot
    }

    /// Makes the table have a free bucket. hashbrown would double a table whose free buckets are used up by the traces of removed entries, so it
    /// is swept here while it has room otherwise.
    #[cold]
    #[inline(never)]
    fn make_place(&mut self) {
        let len = self.entries.len();
        let whole = self.entries.num_buckets() / 8 * 7;
        let want = if len < whole / 8 * 7 { whole } else { (len + 1).max(whole + 1) };
        let mut swept = HashTable::with_capacity(want);
        for entry in self.entries.drain() {
            let hash = recalled(self.columns.hash(entry.slot));
            swept.insert_unique(hash, entry, |entry| recalled(self.columns.hash(entry.slot)));
        }
        self.entries = swept;
    }

    /// Tells the policy of an added entry.
    #[inline(always)]
    pub(super) fn admit(&mut self, slot: Slot) {
        self.policy.insert(slot, &SlotWords { words: &self.words, hashes: self.columns.hashes() });
    }

    pub(super) fn remove_if(
        &mut self,
        hash: u64,
        eq: impl Fn(&K) -> bool,
        condition: impl FnOnce(&K, Seen<'_, V, M>) -> bool,
    ) -> Option<Gone<K, V, M>> {
        let found = self.entries.find_entry(hash, |entry| eq(&entry.key)).ok()?;
        if !condition(&found.get().key, see(&self.columns, found.get())) {
            return None;
        }
        // Before the removal: if the policy panics, the entry is still here, and nothing of the user's is dropped under the lock.
        self.policy.remove(found.get().slot);
        let (entry, _) = found.remove();
        Some(gone(&mut self.columns, entry))
    }

    pub(super) fn retain(&mut self, keep: &mut impl FnMut(&K, &V) -> bool, out: &mut Removed<K, V, M>) {
        for entry in self.entries.extract_if(|entry| !keep(&entry.key, &entry.value)) {
            let slot = entry.slot;
            out.push(gone(&mut self.columns, entry), RemovalKind::Taken);
            self.policy.remove(slot);
        }
    }

    pub(super) fn into_gone(mut self) -> impl Iterator<Item = Gone<K, V, M>> {
        let entries = std::mem::take(&mut self.entries);
        entries.into_iter().map(move |entry| gone(&mut self.columns, entry))
    }

    /// Asks for up to about `most` entries that are due what is to become of them. Is there perhaps more to do?
    pub(super) fn sweep(
        &mut self,
        now: u32,
        most: usize,
        ask: &mut impl FnMut(Seen<'_, V, M>) -> Option<u32>,
        out: &mut Removed<K, V, M>,
    ) -> bool {
        let mut due = Vec::new();
        let more = self.columns.expiry.take_due(now, most, &mut due);
        for slot in due {
            let hash = recalled(self.columns.hash(slot));
            let Ok(found) = self.entries.find_entry(hash, |entry| entry.slot == slot) else { continue };
            match ask(see(&self.columns, found.get())) {
                Some(later) => self.columns.expiry.set(slot, later, 0),
                None => {
                    self.policy.remove(slot);
                    let (entry, _) = found.remove();
                    out.push(gone(&mut self.columns, entry), RemovalKind::Swept);
                }
            }
        }
        more
    }

    /// The first tick at which a sweep may find something.
    pub(super) fn first_due(&self) -> u32 {
        self.columns.expiry.first()
    }

    /// What the policy is to take for the capacity, where that is an estimate.
    pub(super) fn tell_capacity(&mut self, capacity: usize) {
        if self.told.abs_diff(capacity) > self.told / 8 {
            self.told = capacity;
            if let Some(policy) = self.policy.get() {
                policy.set_capacity(capacity.max(1));
            }
        }
    }

    pub(super) fn set_capacity(&mut self, capacity: usize) {
        self.capacity = capacity.min(MAX_SLOTS);
        self.told = self.capacity;
        if let Some(policy) = self.policy.get() {
            policy.set_capacity(self.capacity.max(1));
        }
    }

    /// Puts another policy in place of the one that is there, and tells it what that one knew. See `switch`. `made_for`: the capacity that it was made for, unless that
    /// is a guess.
    pub(super) fn switch_policy(&mut self, policy: Option<Box<dyn Policy>>, made_for: Option<usize>) {
        let (len, room) = (self.columns.len(), self.columns.room());
        let live: Vec<Slot> = self.entries.iter().map(|entry| entry.slot).collect();
        let hits = |words: &WordColumn, slot: Slot| words.hits(slot);
        let known: Vec<(Slot, u32)> = {
            let hits: Vec<u32> = (0..len as u32).map(|slot| hits(&self.words, Slot::new(slot))).collect();
            let old = self.policy.take();
            let words = SlotWords { words: &self.words, hashes: self.columns.hashes() };
            let order = super::switch::from_coldest(old, self.told, &live, len, &Words::new(&words));
            order.into_iter().map(|slot| (slot, hits.get(slot.index()).copied().unwrap_or(0))).collect()
        };
        let touch = policy.as_ref().map_or(Touch::Nothing, |policy| policy.on_hit());
        self.words = self.words.successor(touch);
        self.policy = Evictor::new(policy);
        self.told = self.capacity;
        for (slot, hits) in &known {
            self.words.adopt(*slot, *hits, room);
        }
        if let Some(policy) = self.policy.get() {
            let words = SlotWords { words: &self.words, hashes: self.columns.hashes() };
            super::switch::adopt(policy, made_for, &known, &Words::new(&words));
        }
    }

    pub(super) fn has_policy(&self) -> bool {
        self.policy.is_some()
    }
}

fn see<'a, K, V, M>(columns: &'a Columns<M>, entry: &'a Entry<K, V>) -> Seen<'a, V, M> {
    Seen {
        value: &entry.value,
        think: &entry.think,
        born: columns.born.get(entry.slot).copied().unwrap_or(0),
        more: columns.more.get(entry.slot).and_then(Option::as_deref),
        compared: columns.compared.get(entry.slot),
    }
}

#[inline]
fn gone<K, V, M>(columns: &mut Columns<M>, entry: Entry<K, V>) -> Gone<K, V, M> {
    let (born, more, weight) = columns.remove(entry.slot);
    Gone { key: entry.key, value: entry.value, think: entry.think.into_inner(), born, more, weight }
}
