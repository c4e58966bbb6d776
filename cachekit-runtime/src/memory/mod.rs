//! The in-memory table: sharded, bounded exactly, and ignorant of what time, tags and statistics mean, which is its owner's business.
//!
//! User code runs under a shard's lock only where the table calls `eq` or a closure; keys and values are never dropped there.
//! Such code must not call the same table.

mod big_reader;
mod columns;
mod evictor;
mod expiry;
mod freshness;
mod gate;
mod logical_time;
mod removed;
mod shard;
pub(crate) mod sharding;
pub(crate) mod switch;
#[cfg(all(test, not(loom)))]
mod tests;
mod weight;
mod words;

use std::sync::Mutex;
use std::sync::atomic::{
    AtomicBool, AtomicU32, AtomicU64, AtomicUsize,
    Ordering::{Acquire, Relaxed, Release},
};

use self::big_reader::BigReader;
use self::columns::MAX_SLOTS;
use self::shard::{Entry, Shard};
use self::weight::Budget;
use crate::changes::Compared;
#[cfg(feature = "backend")]
use crate::policy::Slot;
use crate::policy::{PolicyFactory, Standing};
use crate::sync::lock;
use crate::time::{NEVER_TICK, Tick, is_after};

pub(crate) use self::big_reader::{Thread, set_slow_here, this_thread};
pub(crate) use self::columns::Marks;
pub(crate) use self::freshness::Freshness;
pub(crate) use self::removed::{Gone, Removal, RemovalKind, Removed};
pub(crate) use self::shard::remembered;

/// How many entries an operation on all of them handles before it lets others have the shard.
const AT_A_TIME: usize = 512;

/// Counters of overwritings in one shard.
pub(crate) const COUNTERS: usize = 16;

/// Own cache lines for each shard (two, because neighbours are prefetched in pairs), so that they do not disturb each other.
#[repr(align(128))]
struct Padded<K, V, M> {
    shard: BigReader<Shard<K, V, M>>,
    /// No entry is due before this tick; written under the lock.
    first_due: AtomicU32,
    /// See [`Table::overwrite`].
    overwritten: [AtomicU64; COUNTERS],
}

/// What bounds a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bound {
    Unbounded,
    Entries(usize),
    Weight(u64),
}

/// A map from keys to values, bounded by a number of entries or by their weight.
///
/// Both bounds are exact: never more at any moment. By entries: up to that many while there is one shard; a larger table is made of shards whose
/// capacities sum up to the whole. A shard evicts when it is full itself, so with keys spread evenly the table settles at its capacity, and before
/// that it may evict while other shards have room. By weight: the shards share one budget.
///
/// `M` is what the owner keeps of a few entries beside their marks.
pub(crate) struct Table<K, V, M> {
    shards: Box<[Padded<K, V, M>]>,
    bound: Mutex<Bound>,
    /// `None`: not bounded by weight.
    budget: Option<Budget>,
    policies: Mutex<PolicyFactory>,
    is_closed: AtomicBool,
    /// The shard that gives way next to a heavy entry of another.
    gives_way: AtomicUsize,
}

/// What is stored.
pub(crate) struct Fresh<V, M> {
    pub(crate) value: V,
    pub(crate) marks: Marks,
    pub(crate) more: Option<Box<M>>,
    pub(crate) weight: u64,
}

/// What is stored beside key and value.
struct Besides<M> {
    marks: Marks,
    more: Option<Box<M>>,
    weight: u64,
}

/// An entry, as one who looks sees it.
pub(crate) struct Seen<'a, V, M> {
    pub(crate) value: &'a V,
    pub(crate) think: &'a AtomicU32,
    pub(crate) born: Tick,
    pub(crate) more: Option<&'a M>,
    /// Of an entry of which there is more.
    pub(crate) compared: Option<&'a Compared>,
}

/// What the path of a hit found.
pub(crate) enum Glance<R> {
    Hit(R),
    /// There is no entry of that hash and key.
    Absent,
    /// There is one that is not good enough, or it would take waiting for a writer to know.
    Unsure,
}

/// What an insertion did.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Inserted<K, V> {
    /// The key was not there.
    Stored,
    /// The key was there; what it held is among the removals.
    Replaced,
    /// `keep` said no, or the capacity is 0. Here is what was not stored.
    Refused(K, V),
    /// It weighs more than the whole table may.
    TooHeavy(K, V),
}

impl<K, V, M> Table<K, V, M> {
    pub(crate) fn new(bound: Bound, policies: PolicyFactory) -> Self {
        let count = match bound {
            Bound::Entries(capacity) => sharding::count_for(capacity),
            Bound::Weight(_) | Bound::Unbounded => sharding::MANY,
        };
        let shards = (0..count)
            .map(|index| {
                let (capacity, policy) = shard_parts(bound, count, index, &policies);
                Padded {
                    shard: BigReader::new(Shard::new(capacity, policy)),
                    first_due: AtomicU32::new(NEVER_TICK),
                    overwritten: [const { AtomicU64::new(0) }; COUNTERS],
                }
            })
            .collect();
        let budget = match bound {
            Bound::Weight(most) => Some(Budget::new(most)),
            _ => None,
        };
        Table {
            shards,
            bound: Mutex::new(bound),
            budget,
            policies: Mutex::new(policies),
            is_closed: AtomicBool::new(false),
            gives_way: AtomicUsize::new(0),
        }
    }

    #[inline(always)]
    fn at(&self, hash: u64) -> &Padded<K, V, M> {
        &self.shards[sharding::index(hash, self.shards.len())]
    }

    /// How often entries of this key, and of others that share its counter, were [overwritten](Self::overwrite).
    pub(crate) fn overwritten(&self, hash: u64) -> u64 {
        self.overwritten_of(hash).load(Acquire)
    }

    /// Says that what was read before this for the key is outdated. Only in `keep` of an [insertion](Self::insert) of the same hash: under the lock of the
    /// shard nobody else counts, so it takes no atomic addition.
    #[inline]
    pub(crate) fn overwrite(&self, hash: u64) {
        let count = self.overwritten_of(hash);
        count.store(count.load(Relaxed).wrapping_add(1), Release);
    }

    #[inline]
    fn overwritten_of(&self, hash: u64) -> &AtomicU64 {
        &self.at(hash).overwritten[(hash >> 32) as usize % COUNTERS]
    }

    /// The path of a hit: hands the value to `take`, if that is fresh beyond doubt; then this was a hit in the sense of the policy, which notes it before.
    /// `thread`: [`this_thread`].
    #[inline(always)]
    pub(crate) fn try_hit<R>(
        &self,
        thread: Thread,
        hash: u64,
        eq: impl Fn(&K) -> bool,
        freshness: impl Freshness<M>,
        take: impl FnOnce(&V) -> R,
    ) -> Glance<R> {
        let Some(shard) = self.at(hash).shard.try_read(thread) else { return Glance::Unsure };
        match shard.hit(hash, eq, freshness) {
            Glance::Hit(value) => Glance::Hit(take(value)),
            Glance::Absent => Glance::Absent,
            Glance::Unsure => Glance::Unsure,
        }
    }

    /// Hands the entry to `f`, whose second answer says whether this was a hit in the sense of the policy.
    pub(crate) fn get<R>(
        &self,
        hash: u64,
        eq: impl Fn(&K) -> bool,
        f: impl FnOnce(Seen<'_, V, M>) -> (R, bool),
    ) -> Option<R> {
        self.at(hash).shard.read(|shard| shard.get(hash, eq, f))
    }

    /// Where the policy has the entry.
    pub(crate) fn standing(&self, hash: u64, eq: impl Fn(&K) -> bool) -> Option<Standing> {
        self.at(hash).shard.read(|shard| shard.standing(hash, eq))
    }

    /// Stores the entry if `keep`, which sees what is there now, agrees; evicts if full. What went is added to `out`.
    pub(crate) fn insert(
        &self,
        hash: u64,
        key: K,
        fresh: Fresh<V, M>,
        same: impl Fn(&K, &K) -> bool,
        keep: impl FnOnce(Option<Seen<'_, V, M>>) -> bool,
        out: &mut Removed<K, V, M>,
    ) -> Inserted<K, V> {
        let (weight, sweep) = (fresh.weight, fresh.marks.sweep);
        if self.budget.as_ref().is_some_and(|budget| !budget.try_reserve(weight)) {
            // What it replaces goes first: its weight may be all that is missing.
            if let Some(gone) = self.remove_if(hash, |other| same(&key, other), |_, _| true) {
                out.push(gone, RemovalKind::Replaced);
            }
            if !self.reserve(hash, weight, out) {
                return Inserted::TooHeavy(key, fresh.value);
            }
        }
        // Declared before the lock is taken, so that a panic below drops them after the lock is released.
        let Fresh { value, marks, mut more, .. } = fresh;
        let mut fresh = Some(Entry::new(key, value, marks.think));
        let at = self.at(hash);
        let mut unspent = Unspent { budget: self.budget.as_ref(), weight };
        let outcome = at.shard.write(|shard| {
            if shard.capacity() == 0 {
                return Outcome::Refused;
            }
            let there = shard.place(hash, |other| fresh.as_ref().is_some_and(|fresh| same(&fresh.key, other)));
            if !keep(there.and_then(|place| shard.see_at(place))) {
                return Outcome::Refused;
            }
            let left = if there.is_none() { shard.make_room(out) } else { None };
            let Some(fresh) = fresh.take() else { return Outcome::Refused };
            let besides = Besides { marks, more: more.take(), weight };
            match there {
                None => {
                    let slot = shard.add(hash, left, fresh, besides);
                    unspent.spend();
                    // Before the policy is told, which may panic.
                    if sweep != NEVER_TICK {
                        at.first_due.store(shard.first_due(), Relaxed);
                    }
                    shard.admit(slot);
                    Outcome::Stored
                }
                Some(place) => {
                    if let Some(gone) = shard.swap(place, fresh, besides) {
                        unspent.spend();
                        self.give_back(gone.weight);
                        out.push(gone, RemovalKind::Replaced);
                    }
                    if sweep != NEVER_TICK {
                        at.first_due.store(shard.first_due(), Relaxed);
                    }
                    Outcome::Replaced
                }
            }
        });
        match (outcome, fresh) {
            (Outcome::Replaced, _) => Inserted::Replaced,
            (Outcome::Refused, Some(Entry { key, value, .. })) => Inserted::Refused(key, value),
            _ => Inserted::Stored,
        }
    }

    /// Takes the weight from the budget, evicting for it: from the shard where the entry will be, and if that is not enough from others.
    fn reserve(&self, hash: u64, weight: u64, out: &mut Removed<K, V, M>) -> bool {
        let Some(budget) = &self.budget else { return true };
        let own = sharding::index(hash, self.shards.len());
        let mut next = Some(own);
        while !budget.try_reserve(weight) {
            if weight > budget.most() {
                return false;
            }
            let index = next.unwrap_or_else(|| self.gives_way.fetch_add(1, Relaxed) % self.shards.len());
            if !self.evict_from(index, out) {
                next = None;
                // What others have reserved and not stored yet leaves nothing to evict: they are about to.
                std::thread::yield_now();
            }
        }
        true
    }

    fn evict_from(&self, index: usize, out: &mut Removed<K, V, M>) -> bool {
        let from = out.len();
        let evicted = self.shards[index].shard.write(|shard| {
            shard.tell_capacity(shard.len());
            shard.evict(out)
        });
        self.give_back_all(out, from);
        evicted
    }

    fn give_back(&self, weight: u64) {
        if let Some(budget) = &self.budget {
            budget.give_back(weight);
        }
    }

    /// Gives back the weight of what was added to `out` since it had `from` removals.
    fn give_back_all(&self, out: &Removed<K, V, M>, from: usize) {
        if self.budget.is_some() {
            self.give_back(out.iter().skip(from).map(|removal| removal.gone.weight).sum());
        }
    }

    /// Removes the entry if `condition` holds.
    pub(crate) fn remove_if(
        &self,
        hash: u64,
        eq: impl Fn(&K) -> bool,
        condition: impl FnOnce(&K, Seen<'_, V, M>) -> bool,
    ) -> Option<Gone<K, V, M>> {
        let gone = self.at(hash).shard.write(|shard| shard.remove_if(hash, eq, condition))?;
        self.give_back(gone.weight);
        Some(gone)
    }

    /// Removes all entries that `keep` gives up, shard by shard, into `out`.
    pub(crate) fn retain(&self, mut keep: impl FnMut(&K, &V) -> bool, out: &mut Removed<K, V, M>) {
        for padded in &self.shards {
            let handed_out = HandedOut { table: self, from: out.len(), out: &mut *out };
            padded.shard.write(|shard| shard.retain(&mut keep, &mut *handed_out.out));
        }
    }

    /// Removes all entries, shard by shard, into `out`.
    pub(crate) fn clear(&self, out: &mut Removed<K, V, M>) {
        // Held to the end, or a bound or policy that is set meanwhile would be undone by what is put in place here.
        let bound = lock(&self.bound);
        let policies = lock(&self.policies).clone();
        for (index, padded) in self.shards.iter().enumerate() {
            let (capacity, policy) = shard_parts(*bound, self.shards.len(), index, &policies);
            let fresh = Shard::new(capacity, policy);
            let old = padded.shard.write(|shard| {
                padded.first_due.store(NEVER_TICK, Relaxed);
                std::mem::replace(shard, fresh)
            });
            let from = out.len();
            old.into_gone().for_each(|gone| out.push(gone, RemovalKind::Taken));
            self.give_back_all(out, from);
        }
    }

    /// Calls `f` for each entry, shard by shard under the shared lock.
    pub(crate) fn for_each(&self, mut f: impl FnMut(&K, Seen<'_, V, M>)) {
        for padded in &self.shards {
            padded.shard.read(|shard| shard.for_each(&mut f));
        }
    }

    /// The slots of all entries, shard by shard, each with its policy word. A slot stands for the same entry until that is gone, and then perhaps for another.
    #[cfg(feature = "backend")]
    pub(crate) fn slots_by_word(&self) -> impl Iterator<Item = Vec<(u64, Slot)>> {
        self.shards.iter().map(|padded| padded.shard.read(Shard::slots_with_words))
    }

    /// The key of that hash for which `is_it` holds, which runs under the shared lock.
    #[cfg(any(feature = "advice", feature = "registry"))]
    pub(crate) fn key(&self, hash: u64, is_it: impl Fn(&K) -> bool) -> Option<K>
    where
        K: Clone,
    {
        self.at(hash).shard.read(|shard| shard.key(hash, is_it).cloned())
    }

    /// The entry at a slot of that shard, and how often it was hit, as far as its policy counts that.
    #[cfg(feature = "backend")]
    pub(crate) fn at_slot<R>(
        &self,
        shard: usize,
        slot: Slot,
        f: impl FnOnce(&K, Seen<'_, V, M>, u32) -> R,
    ) -> Option<R> {
        self.shards.get(shard)?.shard.read(|shard| shard.at_slot(slot, f))
    }

    /// How often entries of each counter were [overwritten](Self::overwrite), to be compared by [`is_overwritten`](Self::is_overwritten).
    #[cfg(feature = "backend")]
    pub(crate) fn all_overwritten(&self) -> Vec<[u64; COUNTERS]> {
        self.shards.iter().map(|padded| padded.overwritten.each_ref().map(|count| count.load(Acquire))).collect()
    }

    /// Whether this key, or one that shares its counter, was overwritten since.
    #[cfg(feature = "backend")]
    pub(crate) fn is_overwritten(&self, hash: u64, since: &[[u64; COUNTERS]]) -> bool {
        let then = since.get(sharding::index(hash, self.shards.len()));
        then.and_then(|shard| shard.get((hash >> 32) as usize % COUNTERS)) != Some(&self.overwritten(hash))
    }

    /// How many shards there are.
    #[cfg(feature = "registry")]
    pub(crate) fn shards(&self) -> usize {
        self.shards.len()
    }

    /// As [`for_each`](Self::for_each), of one shard.
    #[cfg(feature = "registry")]
    pub(crate) fn for_each_in(&self, shard: usize, mut f: impl FnMut(&K, Seen<'_, V, M>)) {
        if let Some(padded) = self.shards.get(shard) {
            padded.shard.read(|shard| shard.for_each(&mut f));
        }
    }

    /// Asks for entries whose sweep tick has come what is to become of them: another tick, or removal. A few hundred under one lock.
    pub(crate) fn sweep(
        &self,
        now: Tick,
        mut ask: impl FnMut(Seen<'_, V, M>) -> Option<Tick>,
        out: &mut Removed<K, V, M>,
    ) -> Swept {
        for padded in &self.shards {
            let due = padded.first_due.load(Relaxed);
            if due == NEVER_TICK || is_after(due, now) {
                continue;
            }
            let handed_out = HandedOut { table: self, from: out.len(), out: &mut *out };
            let more = padded.shard.write(|shard| {
                let more = shard.sweep(now, AT_A_TIME, &mut ask, &mut *handed_out.out);
                padded.first_due.store(shard.first_due(), Relaxed);
                more
            });
            drop(handed_out);
            if more {
                return Swept::More;
            }
        }
        Swept::Until(self.first_due())
    }

    /// No entry is due before this tick.
    pub(crate) fn first_due(&self) -> Tick {
        let ticks = self.shards.iter().map(|padded| padded.first_due.load(Relaxed));
        ticks
            .filter(|tick| *tick != NEVER_TICK)
            .reduce(|one, other| if is_after(one, other) { other } else { one })
            .unwrap_or(NEVER_TICK)
    }

    /// How many entries there are, shard by shard: exact while no one inserts or removes.
    pub(crate) fn len(&self) -> usize {
        self.shards.iter().map(|padded| padded.shard.read(Shard::len)).sum()
    }

    /// What the entries weigh together; without weights, how many there are.
    pub(crate) fn weight(&self) -> u64 {
        self.budget.as_ref().map_or_else(|| self.len() as u64, Budget::used)
    }

    pub(crate) fn bound(&self) -> Bound {
        *lock(&self.bound)
    }

    /// Sends all looks past the path of a hit, or lets them take it again.
    pub(crate) fn set_closed(&self, closed: bool) {
        self.is_closed.store(closed, Relaxed);
        self.shards.iter().for_each(|padded| padded.shard.set_closed(closed));
    }

    /// Another policy for the entries that are there, shard by shard; without a bound, for when there is one.
    pub(crate) fn set_policy(&self, policies: PolicyFactory) {
        let bound = lock(&self.bound);
        *lock(&self.policies) = policies.clone();
        if *bound == Bound::Unbounded {
            return;
        }
        for (index, padded) in self.shards.iter().enumerate() {
            let (capacity, policy) = shard_parts(*bound, self.shards.len(), index, &policies);
            let made_for = matches!(*bound, Bound::Entries(_)).then_some(capacity);
            padded.shard.write(|shard| shard.switch_policy(policy, made_for));
        }
    }

    /// Another bound: of weight for a table bounded by weight, another kind for others, which is ignored elsewhere. What is over it is evicted, a few
    /// hundred entries at a time.
    pub(crate) fn set_bound(&self, to: Bound, out: &mut Removed<K, V, M>) {
        let mut bound = lock(&self.bound);
        if let Some(budget) = &self.budget {
            let Bound::Weight(most) = to else { return };
            *bound = to;
            budget.set_most(most);
            let mut index = 0;
            let mut empty = 0;
            while budget.is_over() && empty < self.shards.len() {
                empty = if self.evict_from(index, out) { 0 } else { empty + 1 };
                index = (index + 1) % self.shards.len();
            }
            return;
        }
        if let Bound::Weight(_) = to {
            return;
        }
        *bound = to;
        let policies = lock(&self.policies).clone();
        for (index, padded) in self.shards.iter().enumerate() {
            let (capacity, policy) = shard_parts(*bound, self.shards.len(), index, &policies);
            padded.shard.write(|shard| {
                shard.set_capacity(capacity);
                if !shard.has_policy() || to == Bound::Unbounded {
                    shard.switch_policy(policy, matches!(to, Bound::Entries(_)).then_some(capacity));
                }
            });
            while padded.shard.write(|shard| shard.trim(AT_A_TIME, out)) {}
        }
    }
}

/// What an insertion did under the lock.
enum Outcome {
    Stored,
    Replaced,
    Refused,
}

/// What a sweep has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Swept {
    /// More that is due.
    More,
    /// Nothing before this tick.
    Until(Tick),
}

fn shard_parts(
    bound: Bound,
    count: usize,
    index: usize,
    policies: &PolicyFactory,
) -> (usize, Option<Box<dyn crate::policy::Policy>>) {
    match bound {
        Bound::Unbounded => (usize::MAX, None),
        Bound::Weight(_) => (usize::MAX, Some(policies(sharding::GUESS))),
        Bound::Entries(capacity) => match sharding::share(capacity, count, index).min(MAX_SLOTS) {
            0 => (0, None),
            share => (share, Some(policies(share))),
        },
    }
}

/// Weight that was reserved and goes back unless it is spent.
struct Unspent<'a> {
    budget: Option<&'a Budget>,
    weight: u64,
}

impl Unspent<'_> {
    fn spend(&mut self) {
        self.budget = None;
    }
}

impl Drop for Unspent<'_> {
    fn drop(&mut self) {
        if let Some(budget) = self.budget {
            budget.give_back(self.weight);
        }
    }
}

/// Gives back the weight of what went, also when user code panics in between.
struct HandedOut<'a, K, V, M> {
    table: &'a Table<K, V, M>,
    from: usize,
    out: &'a mut Removed<K, V, M>,
}

impl<K, V, M> Drop for HandedOut<'_, K, V, M> {
    fn drop(&mut self) {
        self.table.give_back_all(self.out, self.from);
    }
}
