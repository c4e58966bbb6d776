//! The peers, each as it comes.

use super::{OwnMap, PerThread, Shared, Store, StoreKey, StoreValue, TTL};
use cached::{ShardedLruCache, ShardedLruTtlCache};
use dashmap::DashMap;
use foyer_memory::{Cache as Foyer, CacheBuilder, EvictionConfig};
use lru::LruCache;
use mini_moka::sync::{Cache as MiniMoka, ConcurrentCacheExt};
use moka::sync::Cache as Moka;
use quick_cache::sync::Cache as Quick;
use std::{
    cell::RefCell,
    num::NonZeroUsize,
    sync::{Mutex, MutexGuard},
};

/// Those whose operations are what they seem.
macro_rules! plain {
    ($($cache:ident: $insert:ident),+) => {
        $(impl<K: StoreKey, V: StoreValue> Store<K, V> for $cache<K, V> {
            #[inline]
            fn get(&self, key: &K::Look) -> Option<V> {
                $cache::get(self, key)
            }

            #[inline]
            fn insert(&self, key: K, value: V) {
                $cache::$insert(self, key, value);
            }

            fn entries(&self) -> usize {
                self.len()
            }
        })+
    };
}

plain!(Quick: insert, ShardedLruCache: set, ShardedLruTtlCache: set);

/// `quick_cache`.
pub fn quick<K: StoreKey, V: StoreValue>(entries: usize) -> Shared<Quick<K, V>> {
    Shared(Quick::new(entries))
}

/// `moka`, sync.
pub fn moka<K: StoreKey, V: StoreValue>(entries: usize) -> Shared<Moka<K, V>> {
    Shared(Moka::new(entries as u64))
}

/// `moka`, sync, with a ttl.
pub fn moka_ttl<K: StoreKey, V: StoreValue>(entries: usize) -> Shared<Moka<K, V>> {
    Shared(Moka::builder().max_capacity(entries as u64).time_to_live(TTL).build())
}

impl<K: StoreKey, V: StoreValue> Store<K, V> for Moka<K, V> {
    #[inline]
    fn get(&self, key: &K::Look) -> Option<V> {
        Moka::get(self, key)
    }

    #[inline]
    fn insert(&self, key: K, value: V) {
        Moka::insert(self, key, value);
    }

    fn settle(&self) {
        self.run_pending_tasks();
    }

    fn entries(&self) -> usize {
        self.entry_count() as usize
    }
}

/// `mini-moka`, sync.
pub fn mini_moka<K: StoreKey, V: StoreValue>(entries: usize) -> Shared<MiniMoka<K, V>> {
    Shared(MiniMoka::new(entries as u64))
}

impl<K: StoreKey, V: StoreValue> Store<K, V> for MiniMoka<K, V> {
    #[inline]
    fn get(&self, key: &K::Look) -> Option<V> {
        // It looks up by `&K` only, so that a borrowed key is converted on every call.
        MiniMoka::get(self, &key.to_owned())
    }

    #[inline]
    fn insert(&self, key: K, value: V) {
        MiniMoka::insert(self, key, value);
    }

    fn settle(&self) {
        self.sync();
    }

    fn entries(&self) -> usize {
        self.entry_count() as usize
    }
}

/// The memory cache of `foyer`.
pub fn foyer<K: StoreKey, V: StoreValue>(entries: usize, eviction: impl Into<EvictionConfig>) -> Shared<Foyer<K, V>> {
    Shared(CacheBuilder::new(entries).with_eviction_config(eviction).build())
}

impl<K: StoreKey, V: StoreValue> Store<K, V> for Foyer<K, V> {
    #[inline]
    fn get(&self, key: &K::Look) -> Option<V> {
        Foyer::get(self, key).map(|entry| entry.value().clone())
    }

    #[inline]
    fn insert(&self, key: K, value: V) {
        Foyer::insert(self, key, value);
    }

    fn entries(&self) -> usize {
        Foyer::entries(self)
    }
}

type Lru<K, V> = Mutex<LruCache<K, V, foldhash::fast::RandomState>>;

/// `lru` under a mutex.
pub fn lru_in_mutex<K: StoreKey, V: StoreValue>(entries: usize) -> Shared<Lru<K, V>> {
    let bound = NonZeroUsize::new(entries).unwrap_or(NonZeroUsize::MIN);
    Shared(Mutex::new(LruCache::with_hasher(bound, foldhash::fast::RandomState::default())))
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    match mutex.lock() {
        Ok(guard) => guard,
        Err(_) => panic!("a turn panicked"),
    }
}

impl<K: StoreKey, V: StoreValue> Store<K, V> for Lru<K, V> {
    #[inline]
    fn get(&self, key: &K::Look) -> Option<V> {
        locked(self).get(key).cloned()
    }

    #[inline]
    fn insert(&self, key: K, value: V) {
        // What goes is dropped after the lock.
        let gone = locked(self).push(key, value);
        drop(gone);
    }

    fn entries(&self) -> usize {
        locked(self).len()
    }
}

/// The concurrent LRU of `cached`.
pub fn cached_lru<K: StoreKey, V: StoreValue>(entries: usize) -> Shared<ShardedLruCache<K, V>> {
    Shared(ShardedLruCache::new(entries))
}

/// The concurrent LRU of `cached` with a ttl.
pub fn cached_lru_ttl<K: StoreKey, V: StoreValue>(entries: usize) -> Shared<ShardedLruTtlCache<K, V>> {
    match ShardedLruTtlCache::builder().max_size(entries).ttl(TTL).build() {
        Ok(cache) => Shared(cache),
        Err(error) => panic!("cached refuses a bound of {entries}: {error}"),
    }
}

/// `dashmap`, which has no bound.
pub fn dash_map<K: StoreKey, V: StoreValue>(_: usize) -> Shared<DashMap<K, V>> {
    Shared(DashMap::new())
}

impl<K: StoreKey, V: StoreValue> Store<K, V> for DashMap<K, V> {
    #[inline]
    fn get(&self, key: &K::Look) -> Option<V> {
        DashMap::get(self, key).map(|entry| entry.value().clone())
    }

    #[inline]
    fn insert(&self, key: K, value: V) {
        DashMap::insert(self, key, value);
    }

    fn entries(&self) -> usize {
        self.len()
    }
}

/// A map for each thread, which has no bound either: the limit of what a hash lookup and a clone cost.
pub fn own_map<K: StoreKey, V: StoreValue>(_: usize) -> PerThread<OwnMap<K, V>> {
    PerThread::of(RefCell::default)
}

impl<K: StoreKey, V: StoreValue> Store<K, V> for OwnMap<K, V> {
    #[inline]
    fn get(&self, key: &K::Look) -> Option<V> {
        self.borrow().get(key).cloned()
    }

    #[inline]
    fn insert(&self, key: K, value: V) {
        self.borrow_mut().insert(key, value);
    }

    fn entries(&self) -> usize {
        self.borrow().len()
    }
}
