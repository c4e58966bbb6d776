//! The in-memory table: sharded, bounded exactly, and ignorant of time, tags and statistics, which are the payload's business.
//!
//! User code runs under a shard's lock only where the table calls `eq` or a closure; keys and payloads are never dropped there.
//! Such code must not call the same table.

mod shard;
mod slots;
#[cfg(test)]
mod tests;

use std::sync::RwLock;

use self::shard::{Replaced, Shard};
use crate::policy::PolicyFactory;
use crate::sync::{read, try_read, write};

/// Below this capacity one shard holds everything: the bound and the order of eviction are then those of the whole table.
const SHARDED_FROM: usize = 1024;
const SHARDS: usize = 16;

/// Above the bits that hashbrown takes for its index in any table that fits into memory, below the seven that it compares.
const SHARD_SHIFT: u32 = 53;

/// Own cache lines for each shard (two, because neighbours are prefetched in pairs), so that locks do not disturb each other.
#[repr(align(128))]
struct Padded<S>(RwLock<S>);

/// A map from keys to payloads, bounded by a number of entries.
///
/// The bound is exact: never more than `capacity` entries, and up to that many when there is one shard. From 1024 entries on
/// there are 16 shards whose capacities sum up to the whole; a shard evicts when it is full itself, so with keys spread evenly the
/// table settles at its capacity, and before that it may evict while other shards have room.
///
/// Beside key and payload an entry costs 12 bytes (policy word, slot) and a byte of hashbrown's, both divided by its load factor, and
/// 8 bytes for its hash, plus what the policy keeps by slot.
pub(crate) struct Table<K, T> {
    shards: Box<[Padded<Shard<K, T>>]>,
    capacity: Option<usize>,
    make_policy: PolicyFactory,
}

/// An entry that an insertion pushed out.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Removal<K, T> {
    pub(crate) key: K,
    pub(crate) payload: T,
    pub(crate) kind: RemovalKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RemovalKind {
    /// The same key was inserted again.
    Replaced,
    /// The policy chose it.
    Evicted,
}

/// What an insertion did.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Inserted<K, T> {
    /// The key was not there.
    Stored,
    /// The key was there; what it held is among the removals.
    Replaced,
    /// `keep` said no, or the capacity is 0. Here is what was not stored.
    Refused(K, T),
}

impl<K, T> Table<K, T> {
    /// `None`: unbounded, without a policy.
    pub(crate) fn new(capacity: Option<usize>, make_policy: PolicyFactory) -> Self {
        let count = if capacity.is_some_and(|capacity| capacity < SHARDED_FROM) { 1 } else { SHARDS };
        let shards = (0..count)
            .map(|index| {
                let shard = match capacity {
                    None => Shard::new(usize::MAX, None),
                    Some(0) => Shard::new(0, None),
                    Some(capacity) => {
                        let share = share(capacity, count, index);
                        Shard::new(share, Some(make_policy(share)))
                    }
                };
                Padded(RwLock::new(shard))
            })
            .collect();
        Table { shards, capacity, make_policy }
    }

    #[inline]
    fn shard(&self, hash: u64) -> &RwLock<Shard<K, T>> {
        let index = (hash >> SHARD_SHIFT) as usize & (self.shards.len() - 1);
        &self.shards[index].0
    }

    /// Hands the entry to `f`, whose second answer says whether this was a hit in the sense of the policy.
    pub(crate) fn get<R>(&self, hash: u64, eq: impl Fn(&K) -> bool, f: impl FnOnce(&K, &T) -> (R, bool)) -> Option<R> {
        Self::get_in(&read(self.shard(hash)), hash, eq, f)
    }

    /// As `get`, but `None` also where it would have to wait for a writer: nothing is then kept in registers across a call that waits, and the
    /// frame of a hit is small.
    #[inline(always)]
    pub(crate) fn try_get<R>(
        &self,
        hash: u64,
        eq: impl Fn(&K) -> bool,
        f: impl FnOnce(&K, &T) -> (R, bool),
    ) -> Option<R> {
        Self::get_in(&*try_read(self.shard(hash))?, hash, eq, f)
    }

    #[inline(always)]
    fn get_in<R>(
        shard: &Shard<K, T>,
        hash: u64,
        eq: impl Fn(&K) -> bool,
        f: impl FnOnce(&K, &T) -> (R, bool),
    ) -> Option<R> {
        let entry = shard.find(hash, eq)?;
        let (answer, touch) = f(&entry.key, &entry.payload);
        if touch {
            shard.touch(entry);
        }
        Some(answer)
    }

    /// Stores the payload if `keep`, which sees what is there now, agrees; evicts if full. What went is added to `out`.
    pub(crate) fn insert(
        &self,
        hash: u64,
        key: K,
        payload: T,
        same: impl Fn(&K, &K) -> bool,
        keep: impl FnOnce(Option<&T>) -> bool,
        out: &mut Vec<Removal<K, T>>,
    ) -> Inserted<K, T> {
        // Declared before the lock is taken, so that a panic below drops it after the lock is released.
        let mut pair = Some((key, payload));
        let mut shard = write(self.shard(hash));
        let outcome =
            if shard.capacity() == 0 { Replaced::Refused } else { shard.replace(hash, same, keep, &mut pair) };
        if let Replaced::Vacant = outcome {
            shard.make_room(out);
        }
        match (pair.take(), outcome) {
            (Some((key, payload)), Replaced::Refused) => return Inserted::Refused(key, payload),
            (Some((key, payload)), Replaced::Swapped) => {
                out.push(Removal { key, payload, kind: RemovalKind::Replaced });
                return Inserted::Replaced;
            }
            (Some((key, payload)), Replaced::Vacant) => {
                let slot = shard.add(hash, key, payload);
                shard.admit(slot);
            }
            (None, _) => {}
        }
        Inserted::Stored
    }

    /// Removes the entry if `condition` holds.
    pub(crate) fn remove_if(
        &self,
        hash: u64,
        eq: impl Fn(&K) -> bool,
        condition: impl FnOnce(&K, &T) -> bool,
    ) -> Option<(K, T)> {
        write(self.shard(hash)).remove_if(hash, eq, condition)
    }

    /// Removes all entries that `keep` gives up, shard by shard, into `out`.
    pub(crate) fn retain(&self, mut keep: impl FnMut(&K, &T) -> bool, out: &mut Vec<(K, T)>) {
        for shard in &self.shards {
            write(&shard.0).retain(&mut keep, out);
        }
    }

    /// Removes all entries, shard by shard, into `out`.
    pub(crate) fn clear(&self, out: &mut Vec<(K, T)>) {
        for shard in &self.shards {
            let capacity = read(&shard.0).capacity();
            let policy = self.capacity.is_some_and(|all| all > 0).then(|| (self.make_policy)(capacity));
            let fresh = Shard::new(capacity, policy);
            let old = std::mem::replace(&mut *write(&shard.0), fresh);
            out.extend(old.into_pairs());
        }
    }

    /// Calls `f` for each entry, shard by shard under the shared lock.
    pub(crate) fn for_each(&self, mut f: impl FnMut(&K, &T)) {
        for shard in &self.shards {
            for entry in read(&shard.0).iter() {
                f(&entry.key, &entry.payload);
            }
        }
    }

    /// How many entries there are, shard by shard: exact while no one inserts or removes.
    pub(crate) fn len(&self) -> usize {
        self.shards.iter().map(|shard| read(&shard.0).len()).sum()
    }

    /// `None` if unbounded.
    pub(crate) fn capacity(&self) -> Option<usize> {
        self.capacity
    }
}

/// The part of `capacity` that falls to one of `count` shards; the parts sum up to the whole.
fn share(capacity: usize, count: usize, index: usize) -> usize {
    capacity / count + usize::from(index < capacity % count)
}
