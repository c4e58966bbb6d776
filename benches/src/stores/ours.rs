//! Ours, by the builder.

use super::{Shared, Store, StoreKey, StoreValue, TTL};
use cachekit::{Cache, policy::Strategy};

impl<K: StoreKey, V: StoreValue> Store<K, V> for Cache<K, V> {
    #[inline]
    fn get(&self, key: &K::Look) -> Option<V> {
        Cache::get(self, key)
    }

    #[inline]
    fn insert(&self, key: K, value: V) {
        // Nobody else is told, so there is nothing to wait for.
        let _ = Cache::insert(self, key, value);
    }

    fn entries(&self) -> usize {
        self.len()
    }
}

/// With a bound.
pub fn capacity<K: StoreKey, V: StoreValue>(entries: usize, strategy: Strategy) -> Shared<Cache<K, V>> {
    Shared(Cache::builder().capacity(entries).strategy(strategy).build())
}

/// With a bound and a ttl.
pub fn capacity_and_ttl<K: StoreKey, V: StoreValue>(entries: usize) -> Shared<Cache<K, V>> {
    Shared(Cache::builder().capacity(entries).ttl(TTL).build())
}
