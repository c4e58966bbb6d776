//! `get_or_compute`: the read-through for those who write their caches by hand.

use super::Cache;
use crate::{key::Key, output::Value};
use std::{borrow::Borrow, hash::Hash};

impl<K: Key, V: Value> Cache<K, V> {
    /// The value, or what `load` gives: computed once for all concurrent callers of the key, sync and async.
    ///
    /// A value past its refresh point or its ttl is recomputed inline by one caller while the others get it; background refreshes need owned
    /// arguments, which generated code has.
    ///
    /// Blocks this thread while another caller loads. A sync call on a thread of an async runtime never waits for an async loader, it runs `load`.
    pub fn get_or_compute<Q>(&self, key: &Q, load: impl FnOnce() -> V) -> V
    where
        K: Borrow<Q>,
        Q: ?Sized + Hash + Eq + ToOwned<Owned = K>,
    {
        self.call(key).get_or_compute(load)
    }

    /// As [`get_or_compute`](Self::get_or_compute) for a loader that can fail. An `Err` is not stored; it goes to this caller, and the others who
    /// wait run their own loaders.
    ///
    /// # Errors
    /// Those of `load`.
    pub fn try_get_or_compute<Q, E>(&self, key: &Q, load: impl FnOnce() -> Result<V, E>) -> Result<V, E>
    where
        K: Borrow<Q>,
        Q: ?Sized + Hash + Eq + ToOwned<Owned = K>,
    {
        self.call(key).try_get_or_compute(load)
    }

    /// As [`try_get_or_compute`](Self::try_get_or_compute); an `Err` goes to all who wait.
    ///
    /// # Errors
    /// Those of `load`.
    pub fn try_get_or_compute_shared<Q, E: Value>(&self, key: &Q, load: impl FnOnce() -> Result<V, E>) -> Result<V, E>
    where
        K: Borrow<Q>,
        Q: ?Sized + Hash + Eq + ToOwned<Owned = K>,
    {
        self.call(key).try_get_or_compute_shared(load)
    }

    /// The async form of [`get_or_compute`](Self::get_or_compute). Both share their flights.
    ///
    /// Cancel-safe: a dropped call hands its load over to another caller that waits.
    pub async fn get_or_compute_async<Q, Fut>(&self, key: &Q, load: impl FnOnce() -> Fut) -> V
    where
        K: Borrow<Q>,
        Q: ?Sized + Hash + Eq + ToOwned<Owned = K>,
        Fut: Future<Output = V>,
    {
        self.call(key).get_or_compute_async(load).await
    }

    /// The async form of [`try_get_or_compute`](Self::try_get_or_compute).
    ///
    /// Cancel-safe: a dropped call hands its load over to another caller that waits.
    ///
    /// # Errors
    /// Those of `load`.
    pub async fn try_get_or_compute_async<Q, E, Fut>(&self, key: &Q, load: impl FnOnce() -> Fut) -> Result<V, E>
    where
        K: Borrow<Q>,
        Q: ?Sized + Hash + Eq + ToOwned<Owned = K>,
        Fut: Future<Output = Result<V, E>>,
    {
        self.call(key).try_get_or_compute_async(load).await
    }

    /// The async form of [`try_get_or_compute_shared`](Self::try_get_or_compute_shared).
    ///
    /// Cancel-safe: a dropped call hands its load over to another caller that waits.
    ///
    /// # Errors
    /// Those of `load`.
    pub async fn try_get_or_compute_shared_async<Q, E: Value, Fut>(
        &self,
        key: &Q,
        load: impl FnOnce() -> Fut,
    ) -> Result<V, E>
    where
        K: Borrow<Q>,
        Q: ?Sized + Hash + Eq + ToOwned<Owned = K>,
        Fut: Future<Output = Result<V, E>>,
    {
        self.call(key).try_get_or_compute_shared_async(load).await
    }
}
