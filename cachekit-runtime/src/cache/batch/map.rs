//! The map operations over several keys.

use super::{super::map::Borrowed, Batch, batch};
use crate::{
    cache::Cache,
    key::{Key, Parts},
    outcome::Delivery,
    output::{BatchOutput, ElementProbe, Value, ViaElement},
    scope,
};
use std::{borrow::Borrow, hash::Hash};

impl<K: Key, V: Value> Cache<K, V> {
    /// The values of several keys, in their order. Never computes. Where the cache has backends of bytes, each is asked once for all that is not in memory.
    #[must_use]
    pub fn get_many<'a, Q>(&self, keys: impl IntoIterator<Item = &'a Q>) -> Vec<Option<V>>
    where
        K: Borrow<Q>,
        Q: ?Sized + Hash + Eq + ToOwned<Owned = K> + 'a,
    {
        let mut wanted = batch(self, 0).getting();
        keys.into_iter().for_each(|key| wanted.look(&Borrowed::<K, Q>::new(key)));
        wanted.get()
    }

    /// The values of several keys, of which `load` computes the missing ones: once with each of them, in their order, as a map by key or as a
    /// `Vec<Option<V>>` in their order, plain or in a `Result`. Each key is loaded once for all concurrent callers, of one key or of several, sync and
    /// async.
    ///
    /// A key for which `load` gives nothing is not stored, and asked for again. `load` is called once more only where other callers were loading some of
    /// the keys and gave up. Where it fails nothing that is stored is lost, and its error is returned; callers that wait for one of its keys load
    /// themselves.
    ///
    /// Blocks this thread while other callers load.
    ///
    /// ```
    /// # use cachekit_runtime as cachekit;
    /// use cachekit::Cache;
    /// use std::collections::HashMap;
    ///
    /// let squares: Cache<u64, u64> = Cache::builder().build();
    /// squares.insert(2, 4);
    /// let found: HashMap<u64, u64> = squares.get_or_compute_many(&[1, 2, 3], |missing| {
    ///     assert_eq!(missing, [1, 3]);
    ///     missing.iter().map(|n| (*n, n * n)).collect()
    /// });
    /// assert_eq!(found, HashMap::from([(1, 1), (2, 4), (3, 9)]));
    /// ```
    pub fn get_or_compute_many<R>(&self, keys: &[K], mut load: impl FnMut(&[K]) -> R) -> R
    where
        R: BatchOutput<K, Value = V>,
    {
        let wanted = self.look_many(keys);
        let own = |at: usize| keys.get(at).cloned();
        match wanted.complete::<R, K, true>(keys.iter().cloned().map(Some)) {
            Ok(output) => output,
            Err(wanted) => {
                wanted.run::<R, K, true>(ElementProbe::NEW.share(), own, |positions| load(&chosen(keys, positions)))
            }
        }
    }

    /// The async form of [`get_or_compute_many`](Self::get_or_compute_many).
    ///
    /// Cancel-safe: a dropped call hands each load over to another caller that waits for it.
    pub async fn get_or_compute_many_async<R, Fut>(&self, keys: &[K], mut load: impl FnMut(Vec<K>) -> Fut) -> R
    where
        R: BatchOutput<K, Value = V>,
        Fut: Future<Output = R>,
    {
        let wanted = self.look_many(keys);
        let own = |at: usize| keys.get(at).cloned();
        match wanted.complete::<R, K, true>(keys.iter().cloned().map(Some)) {
            Ok(output) => output,
            Err(wanted) => {
                let load = |positions: &[usize]| load(chosen(keys, positions));
                wanted.run_async::<R, K, Fut, true>(ElementProbe::NEW.share(), own, load).await
            }
        }
    }

    fn look_many(&self, keys: &[K]) -> Batch<K, V, V> {
        let mut wanted = batch(self, keys.len());
        keys.iter().for_each(|key| wanted.look(&Whole(key)));
        wanted
    }

    /// As [`invalidate`](Self::invalidate) for several keys.
    pub fn invalidate_many<'a, Q>(&self, keys: impl IntoIterator<Item = &'a Q>) -> Delivery
    where
        K: Borrow<Q>,
        Q: ?Sized + Hash + Eq + ToOwned<Owned = K> + 'a,
    {
        self.invalidate_keys(&keys.into_iter().map(ToOwned::to_owned).collect::<Vec<K>>())
    }

    /// Of owned keys.
    pub(crate) fn invalidate_keys(&self, keys: &[K]) -> Delivery {
        let cache = self.here();
        cache.invalidate_near(keys);
        if !cache.has_far() {
            return Delivery::Local;
        }
        let delivery = cache.invalidate_many_far(keys);
        // Again: what was read from the tiers in between is in memory.
        cache.invalidate_near(keys);
        delivery
    }

    pub(super) fn invalidate_near(&self, keys: &[K]) {
        for key in keys {
            self.core.invalidate(self.core.hash_one(key), |other| other == key);
        }
    }
}

impl<K: Key, S: Value, V: Value> Batch<K, S, V> {
    /// What there is in any tier, by position. Never computes.
    #[must_use]
    pub fn get(mut self) -> Vec<Option<V>> {
        if !self.wanted.is_empty() && !scope::is_off(&self.cache) {
            self.fetch();
        }
        self.values()
    }

    /// As [`get`](Self::get), without blocking.
    ///
    /// Cancel-safe.
    pub async fn get_async(mut self) -> Vec<Option<V>> {
        if !self.wanted.is_empty() && !scope::is_off(&self.cache) {
            self.fetch_async().await;
        }
        self.values()
    }
}

fn chosen<K: Clone>(keys: &[K], positions: &[usize]) -> Vec<K> {
    positions.iter().filter_map(|at| keys.get(*at)).cloned().collect()
}

/// A key as it is.
struct Whole<'a, K>(&'a K);

impl<K: Key> Parts for Whole<'_, K> {
    type Key = K;
    #[inline]
    fn hash_parts<H: std::hash::Hasher>(&self, hasher: &mut H) {
        self.0.hash(hasher);
    }
    #[inline]
    fn matches_key(&self, key: &K) -> bool {
        self.0 == key
    }
    fn to_key(&self) -> Option<K> {
        Some(self.0.clone())
    }
}
