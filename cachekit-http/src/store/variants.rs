//! Which variants of each URI this process has stored: of more than the cap the one goes that was not used for longest, so that nobody fills the cache with one URI.

use super::EntryKey;
use cachekit_runtime::Cache;
use std::{
    collections::VecDeque,
    hash::{BuildHasher, RandomState},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

/// The variants of one URI, the one that was used last at the end.
#[derive(Debug, Default)]
struct Known(Mutex<VecDeque<Variant>>);

#[derive(Debug)]
struct Variant {
    key: EntryKey,
    kept_until: SystemTime,
}

impl Known {
    fn lock(&self) -> MutexGuard<'_, VecDeque<Variant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn weight(&self) -> u64 {
        self.lock().iter().map(|variant| variant.key.as_str().len() as u64 + 64).sum::<u64>() + 128
    }
}

/// Bounded in bytes itself. What is forgotten for that is not counted any more.
#[derive(Debug)]
pub(super) struct Variants {
    known: Cache<u128, Arc<Known>>,
    hashers: Hashers,
    most: usize,
}

impl Variants {
    pub(super) fn new(name: &str, max_bytes: u64, most: usize) -> Self {
        let known = Cache::builder().name(format!("{name}-variants"));
        let known = known.max_bytes_with(max_bytes, |_: &u128, known: &Arc<Known>| known.weight()).build();
        Variants { known, hashers: Hashers::default(), most: most.max(1) }
    }

    /// A variant is about to be stored. Gives back those that have to go.
    pub(super) fn add(
        &self,
        primary: &EntryKey,
        key: &EntryKey,
        kept_until: SystemTime,
        now: SystemTime,
    ) -> Vec<EntryKey> {
        let hash = self.hashers.hash(primary);
        let known = self.known.get(&hash).unwrap_or_default();
        let gone = {
            let mut variants = known.lock();
            variants.retain(|variant| variant.key != *key && variant.kept_until > now);
            let spare = (variants.len() + 1).saturating_sub(self.most);
            let gone = variants.drain(..spare).map(|variant| variant.key).collect();
            variants.push_back(Variant { key: key.clone(), kept_until });
            gone
        };
        // It weighs something else now.
        let _ = self.known.insert(hash, known);
        gone
    }

    /// A variant was used.
    pub(super) fn touch(&self, primary: &EntryKey, key: &EntryKey) {
        let Some(known) = self.known.get(&self.hashers.hash(primary)) else { return };
        let mut variants = known.lock();
        // As long as there is room, their order is nobody's concern.
        if variants.len() * 2 > self.most
            && let Some(at) = variants.iter().rposition(|variant| variant.key == *key)
            && let Some(variant) = variants.remove(at)
        {
            variants.push_back(variant);
        }
    }
}

/// Keys in 128 bits, of which nobody outside can know which are equal.
#[derive(Debug, Default)]
pub(super) struct Hashers([RandomState; 2]);

impl Hashers {
    pub(super) fn hash(&self, key: &EntryKey) -> u128 {
        let [high, low] = self.0.each_ref().map(|hasher| u128::from(hasher.hash_one(key)));
        high << 64 | low
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    #[test]
    fn those_go_that_are_over_and_then_those_that_were_not_used() {
        let (variants, primary) = (Variants::new("variants-test", 1 << 20, 3), EntryKey::primary("http://a/", None));
        let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
        let key = |name: &str| primary.with('x', name);
        for (name, until) in [("a", 100), ("b", 10), ("c", 100)] {
            assert_eq!(variants.add(&primary, &key(name), at(until), at(0)), []);
        }
        assert_eq!(variants.add(&primary, &key("d"), at(100), at(10)), [], "one is over");
        variants.touch(&primary, &key("a"));
        assert_eq!(variants.add(&primary, &key("d"), at(100), at(10)), [], "it is there already");
        assert_eq!(variants.add(&primary, &key("e"), at(100), at(10)), [key("c")]);
        assert_eq!(variants.add(&EntryKey::primary("http://b/", None), &key("e"), at(100), at(10)), []);
    }
}
