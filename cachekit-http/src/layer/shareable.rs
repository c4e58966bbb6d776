//! Which URIs give those who tell who they are what everybody gets: their requests wait for each other, those for a page of one's own do not.

use crate::store::EntryKey;
use std::{
    hash::{BuildHasher, RandomState},
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

/// So many are remembered at most: what is forgotten is asked for once by each until it is stored again.
const SLOTS: usize = 1024;

#[derive(Debug, Default)]
pub(super) struct Shareable {
    /// Hashes of keys, each in the one slot that it may be in.
    slots: OnceLock<Box<[AtomicU64]>>,
    hasher: RandomState,
}

impl Shareable {
    fn slot(&self, key: &EntryKey) -> Option<(&AtomicU64, u64)> {
        // No hash is that of an empty slot.
        let hash = self.hasher.hash_one(key) | 1;
        let slots = self.slots.get_or_init(|| (0..SLOTS).map(|_| AtomicU64::new(0)).collect());
        let at = usize::try_from(hash >> 32).unwrap_or_default() % SLOTS;
        slots.get(at).map(|slot| (slot, hash))
    }

    pub(super) fn add(&self, key: &EntryKey) {
        if let Some((slot, hash)) = self.slot(key) {
            slot.store(hash, Ordering::Relaxed);
        }
    }

    pub(super) fn remove(&self, key: &EntryKey) {
        if let Some((slot, hash)) = self.slot(key) {
            let _ = slot.compare_exchange(hash, 0, Ordering::Relaxed, Ordering::Relaxed);
        }
    }

    pub(super) fn contains(&self, key: &EntryKey) -> bool {
        self.slot(key).is_some_and(|(slot, hash)| slot.load(Ordering::Relaxed) == hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_each_slot_is_remembered_until_it_is_taken_away() {
        let shareable = Shareable::default();
        let key = |number: usize| EntryKey::primary(&format!("http://a/{number}"), None);
        for number in 0..100 * SLOTS {
            shareable.add(&key(number));
            assert!(shareable.contains(&key(number)));
        }
        let remembered = (0..100 * SLOTS).filter(|number| shareable.contains(&key(*number))).count();
        assert!(remembered <= SLOTS, "{remembered}");
        shareable.remove(&key(100 * SLOTS - 1));
        assert!(!shareable.contains(&key(100 * SLOTS - 1)));
        shareable.remove(&key(0));
    }
}
