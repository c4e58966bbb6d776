//! Caches as maps: what each library is asked by the benchmarks of the engine and of memory.

mod kinds;
mod ours;
mod peers;

pub use kinds::{StoreKey, StoreValue};
pub use ours::{capacity, capacity_and_ttl};
pub use peers::{cached_lru, cached_lru_ttl, dash_map, foyer, lru_in_mutex, mini_moka, moka, moka_ttl, own_map, quick};

use std::{cell::RefCell, sync::Mutex, time::Duration};

/// Longer than any run.
const TTL: Duration = Duration::from_secs(3_600);

/// A cache as a map.
pub trait Store<K: StoreKey, V: StoreValue> {
    /// The value of a key, cloned.
    fn get(&self, key: &K::Look) -> Option<V>;
    /// Stores it.
    fn insert(&self, key: K, value: V);
    /// Does what the library has put off, so that what was inserted counts.
    fn settle(&self) {}
    /// How many entries it has, after [`settle`](Self::settle).
    fn entries(&self) -> usize;
}

/// Where a thread finds its store.
pub trait Home<K: StoreKey, V: StoreValue>: Send + Sync + 'static {
    /// What it finds there.
    type Store: Store<K, V>;

    /// Has the thread of this number work with its store.
    fn enter<R>(&self, thread: usize, work: impl FnOnce(&Self::Store) -> R) -> R;

    /// In how many places entries have to be put so that every one of `threads` finds them.
    fn places(&self, threads: usize) -> usize;
}

/// One store for all threads.
#[derive(Debug)]
pub struct Shared<S>(pub S);

impl<K: StoreKey, V: StoreValue, S: Store<K, V> + Send + Sync + 'static> Home<K, V> for Shared<S> {
    type Store = S;

    fn enter<R>(&self, _: usize, work: impl FnOnce(&S) -> R) -> R {
        work(&self.0)
    }

    fn places(&self, _: usize) -> usize {
        1
    }
}

/// The most threads that have a store of their own; those beyond share.
const OWNERS: usize = 64;

/// A store for each thread, taken once per turn: no call pays for its protection.
#[derive(Debug)]
pub struct PerThread<S>(Vec<Mutex<S>>);

impl<S> PerThread<S> {
    fn of(make: impl Fn() -> S) -> Self {
        PerThread((0..OWNERS).map(|_| Mutex::new(make())).collect())
    }
}

impl<K: StoreKey, V: StoreValue, S: Store<K, V> + Send + 'static> Home<K, V> for PerThread<S> {
    type Store = S;

    fn enter<R>(&self, thread: usize, work: impl FnOnce(&S) -> R) -> R {
        match self.0[thread % OWNERS].lock() {
            Ok(store) => work(&store),
            Err(_) => panic!("a turn panicked"),
        }
    }

    fn places(&self, threads: usize) -> usize {
        threads.min(OWNERS)
    }
}

/// A plain map of one thread.
pub type OwnMap<K, V> = RefCell<hashbrown::HashMap<K, V, foldhash::fast::RandomState>>;
