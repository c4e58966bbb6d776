//! How keys are hashed: foldhash with a seed per cache, or a hasher of the user's.

use crate::key::Parts;
use foldhash::fast::RandomState;
use std::{
    hash::{BuildHasher, Hash, Hasher},
    sync::Arc,
};

/// Hashes the keys of one cache. Clones hash alike.
#[derive(Clone)]
pub(crate) enum KeyHasher {
    Fold(RandomState),
    Own(Arc<dyn AnyHasher>),
}

/// A [`BuildHasher`] whatever the type of its hashers, which live on the stack: a hash allocates nothing.
pub(crate) trait AnyHasher: Send + Sync {
    /// The hash of what `feed` feeds.
    fn hash_with(&self, feed: &mut dyn FnMut(&mut dyn Hasher)) -> u64;
}

impl<S: BuildHasher + Send + Sync> AnyHasher for S {
    fn hash_with(&self, feed: &mut dyn FnMut(&mut dyn Hasher)) -> u64 {
        let mut hasher = self.build_hasher();
        feed(&mut hasher);
        hasher.finish()
    }
}

impl KeyHasher {
    /// The user's, or foldhash with a seed that no other cache has.
    pub(crate) fn new(own: Option<&Arc<dyn AnyHasher>>) -> Self {
        match own {
            Some(own) => KeyHasher::Own(Arc::clone(own)),
            None => KeyHasher::Fold(RandomState::default()),
        }
    }

    /// What hashes for the path of a hit, without a branch. With a hasher of the user's it is some foldhash, whose hashes nobody looks for: such a cache has that
    /// path only behind a closer look.
    pub(crate) fn fold(&self) -> RandomState {
        match self {
            KeyHasher::Fold(state) => state.clone(),
            KeyHasher::Own(_) => RandomState::default(),
        }
    }

    /// Is it the user's?
    pub(crate) fn is_own(&self) -> bool {
        matches!(self, KeyHasher::Own(_))
    }

    /// Of a key in parts; equal to [`hash_one`](Self::hash_one) of the key that they make.
    #[inline]
    pub(crate) fn hash_parts<P: Parts>(&self, parts: &P) -> u64 {
        match self {
            KeyHasher::Fold(state) => hash_parts_by(state, parts),
            KeyHasher::Own(own) => parts_by_own(own, parts),
        }
    }

    /// Of a key.
    #[inline]
    pub(crate) fn hash_one<Q: ?Sized + Hash>(&self, key: &Q) -> u64 {
        match self {
            KeyHasher::Fold(state) => state.hash_one(key),
            KeyHasher::Own(own) => key_by_own(own, key),
        }
    }
}

/// Of a key in parts, by foldhash.
#[inline(always)]
pub(crate) fn hash_parts_by<P: Parts>(state: &RandomState, parts: &P) -> u64 {
    let mut hasher = state.build_hasher();
    parts.hash_parts(&mut hasher);
    hasher.finish()
}

// Out of the way of the default, to which they leave nothing but a branch.
#[cold]
#[inline(never)]
fn parts_by_own<P: Parts>(own: &Arc<dyn AnyHasher>, parts: &P) -> u64 {
    mixed(own.hash_with(&mut |mut hasher| parts.hash_parts(&mut hasher)))
}

#[cold]
#[inline(never)]
fn key_by_own<Q: ?Sized + Hash>(own: &Arc<dyn AnyHasher>, key: &Q) -> u64 {
    mixed(own.hash_with(&mut |mut hasher| key.hash(&mut hasher)))
}

/// The table takes its shard and its fingerprints from single bits, of which some hashers, the identity of integers for one, leave many alike. This
/// spreads them and merges no two hashes. The finalizer of MurmurHash3 for 64 bits (Appleby, 2011).
pub(crate) fn mixed(mut hash: u64) -> u64 {
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ hash >> 33
}

/// A type that `hasher = path` can name.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot hash the keys of a cache",
    label = "`hasher` takes a type that is `BuildHasher + Default + Send + Sync + 'static`",
    note = "for example `hasher = std::hash::RandomState`; for a type `H` that is `Hasher + Default`, `hasher = std::hash::BuildHasherDefault<H>`"
)]
pub trait HasherType: BuildHasher + Default + Send + Sync + 'static {}

#[diagnostic::do_not_recommend]
impl<S: BuildHasher + Default + Send + Sync + 'static> HasherType for S {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::{form::Ref, part};
    use std::{collections::HashSet, hash::BuildHasherDefault};

    #[derive(Default)]
    struct Identity(u64);
    impl Hasher for Identity {
        fn write(&mut self, bytes: &[u8]) {
            for byte in bytes {
                self.0 = self.0 << 8 | u64::from(*byte);
            }
        }
        fn write_u64(&mut self, number: u64) {
            self.0 = number;
        }
        fn finish(&self) -> u64 {
            self.0
        }
    }

    fn own<S: BuildHasher + Send + Sync + 'static>(state: S) -> KeyHasher {
        let own: Arc<dyn AnyHasher> = Arc::new(state);
        KeyHasher::new(Some(&own))
    }

    fn hashers() -> [KeyHasher; 3] {
        [KeyHasher::new(None), own(std::hash::RandomState::new()), own(BuildHasherDefault::<Identity>::default())]
    }

    /// Each bit of a hash changes each bit of what comes out, in about half of the hashes.
    #[test]
    fn numbers_of_keys_are_as_good_as_hashes() {
        const KEYS: u64 = 1_024;
        for bit in 0..64 {
            let mut changes = [0_u32; 64];
            for key in 0..KEYS {
                let change = mixed(key) ^ mixed(key ^ (1 << bit));
                changes.iter_mut().enumerate().for_each(|(at, count)| *count += (change >> at & 1) as u32);
            }
            // Ten standard deviations.
            assert!(changes.iter().all(|count| (352..=672).contains(count)), "bit {bit}: {changes:?}");
        }
    }

    #[test]
    fn parts_hash_like_the_key_and_clones_like_the_original() {
        for hasher in hashers() {
            let (owned, borrowed) = ("Ada".to_owned(), "Ada");
            let borrowed = part::<&str, Ref, true>(&borrowed);
            assert_eq!(hasher.hash_parts(&borrowed), hasher.hash_one(&owned));
            assert_eq!(hasher.hash_one("Ada"), hasher.hash_one(&owned));
            assert_eq!(hasher.clone().hash_one(&owned), hasher.hash_one(&owned));
            assert_eq!(hasher.hash_parts(&()), hasher.hash_one(&()));
        }
    }

    #[test]
    fn every_cache_has_its_own_seed() {
        let hashes: HashSet<u64> = (0..100).map(|_| KeyHasher::new(None).hash_one(&1_u64)).collect();
        assert_eq!(hashes.len(), 100);
    }

    #[test]
    fn weak_hashes_differ_in_the_bits_that_tables_use() {
        let hasher = own(BuildHasherDefault::<Identity>::default());
        let tops: HashSet<u64> = (0..1_000_u64).map(|key| hasher.hash_one(&key) >> 57).collect();
        assert!(tops.len() > 100, "{} of 128", tops.len());
        let all: HashSet<u64> = (0..1_000_u64).map(|key| hasher.hash_one(&key)).collect();
        assert_eq!(all.len(), 1_000);
    }

    #[test]
    fn the_default_costs_no_more_room_than_an_erased_one() {
        assert_eq!(size_of::<KeyHasher>(), size_of::<Arc<dyn AnyHasher>>());
    }
}
