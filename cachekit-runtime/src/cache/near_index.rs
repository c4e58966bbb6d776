//! Where in memory the entries are that other processes name: from the number of an address to the hash of a key.

use crate::sync::lock;
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard},
};

const SHARDS: usize = 16;

/// A shard is not swept before it has so many.
const FEW: usize = 256;

#[derive(Default)]
pub(super) struct NearIndex {
    shards: [Mutex<Shard>; SHARDS],
}

#[derive(Default)]
struct Shard {
    hashes: HashMap<u64, u64, foldhash::fast::RandomState>,
    sweep_at: usize,
}

/// While it lives, the entry stays named.
pub(super) struct Named<'a> {
    _shard: MutexGuard<'a, Shard>,
}

impl NearIndex {
    fn shard(&self, number: u64) -> &Mutex<Shard> {
        // Bits that the map does not choose its places by; the remainder is less than the length.
        &self.shards[(number >> 52) as usize % SHARDS]
    }

    /// Names an entry, or one that is about to be there. Sometimes drops the names of those that `is_there` does not know: held while an entry is put in its
    /// place, that cannot come in between.
    pub(super) fn name(&self, number: u64, hash: u64, is_there: impl Fn(u64) -> bool) -> Named<'_> {
        let mut shard = lock(self.shard(number));
        if shard.hashes.len() >= shard.sweep_at.max(FEW) && !shard.hashes.contains_key(&number) {
            shard.hashes.retain(|_, hash| is_there(*hash));
            shard.sweep_at = shard.hashes.len() * 2;
            if shard.hashes.capacity() / 4 > shard.hashes.len().max(FEW) {
                shard.hashes.shrink_to_fit();
            }
        }
        shard.hashes.insert(number, hash);
        Named { _shard: shard }
    }

    pub(super) fn hash_of(&self, number: u64) -> Option<u64> {
        lock(self.shard(number)).hashes.get(&number).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_what_is_there_and_forgets_what_has_gone() {
        let index = NearIndex::default();
        let spread = |number: u64| number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        for number in 0..200_000 {
            drop(index.name(spread(number), number, |hash| hash >= 199_000));
        }
        assert!((199_000..200_000).all(|number| index.hash_of(spread(number)) == Some(number)));
        let names: usize = index.shards.iter().map(|shard| lock(shard).hashes.len()).sum();
        assert!(names <= 2 * 1_000 + SHARDS * (FEW + 1), "{names}");
    }
}
