//! The operations of a cache that reach its far tiers: get, insert, invalidate, clear.

use super::{Cache, Core, bond::Tie, store::Terms};
use crate::{
    far::{Found, without_own},
    key::Key,
    outcome::Delivery,
    output::Value,
    scope,
    tags::TagSet,
};

/// What is done whatever happens.
struct AtLast<F: Fn()>(F);

impl<F: Fn()> Drop for AtLast<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

impl<K, V> Core<K, V> {
    /// What this process's own memory has of an entry that it invalidates.
    pub(super) fn drop_own(&self, hash: u64, is_key: impl Fn(&K) -> bool) {
        if !without_own() {
            self.invalidate(hash, is_key);
        }
    }
}

/// The operations that reach the far tiers, for async code. Their sync forms block the thread for at most the timeout of the cache.
impl<K: Key, V: Value> Cache<K, V> {
    /// Whether it says that it has far tiers, whether they can be used or not.
    #[inline]
    pub(super) fn has_far(&self) -> bool {
        self.core.settings.far.is_far()
    }

    /// What any tier has of the key, nearest first. Never computes. `None` also where a tier does not answer in time.
    ///
    /// Cancel-safe.
    pub async fn get_async(&self, key: &K) -> Option<V> {
        match self.get_near(key) {
            Some(value) => Some(value),
            None => self.fetch(key).await,
        }
    }

    /// What a far tier has.
    pub(crate) async fn fetch(&self, key: &K) -> Option<V> {
        self.fetch_found(key).await.map(|found| found.value)
    }

    pub(super) async fn fetch_found(&self, key: &K) -> Option<Found<V>> {
        if scope::is_off(self) {
            return None;
        }
        let cache = self.here().into_owned();
        let core = &cache.core;
        if !core.live.is_enabled() {
            return None;
        }
        let (_, looking) = core.peek(core.hash_one(key), key)?;
        let (found, before) = looking.await?;
        core.keep(key, &found, before);
        Some(found)
    }

    pub(super) fn get_far(&self, key: &K) -> Option<V> {
        if scope::is_off(self) { None } else { self.here().far_value(key) }
    }

    /// As [`get_far`](Self::get_far), of this very cache.
    pub(super) fn far_value(&self, key: &K) -> Option<V> {
        let core = &self.core;
        if !core.live.is_enabled() {
            return None;
        }
        let (far, looking) = core.peek(core.hash_one(key), key)?;
        let (found, before) = far.wait(looking)??;
        core.keep(key, &found, before);
        Some(found.value)
    }

    /// As [`insert`](Self::insert).
    ///
    /// Cancel-safe: dropped meanwhile, the value may be in some of the tiers and not in others.
    pub async fn insert_async(&self, key: K, value: V) -> Delivery {
        self.insert_tagged_async(key, value, [""; 0]).await
    }

    /// As [`insert_tagged`](Self::insert_tagged).
    ///
    /// Cancel-safe: dropped meanwhile, the value may be in some of the tiers and not in others.
    pub async fn insert_tagged_async<S: AsRef<str>>(
        &self,
        key: K,
        value: V,
        tags: impl IntoIterator<Item = S>,
    ) -> Delivery {
        let cache = self.here().into_owned();
        let tags = cache.core.tags_beside(&key, tags);
        let far = cache.core.far_address(&key);
        let Some((far, address)) = far else {
            return self.insert_with(key, value, None, tags);
        };
        let ttl = cache.core.inserted_ttl(&value, None);
        let insertion = cache.core.insertion(address, value.clone(), ttl, tags.as_ref());
        let (delivery, tie) = far.replace(insertion).await;
        cache.insert_near(key, value, Terms::new(ttl, tags, tie));
        delivery
    }

    /// Without a ttl it removes what is there.
    pub(super) fn insert_far(
        &self,
        key: &K,
        value: &V,
        ttl: Option<u64>,
        tags: Option<&TagSet>,
    ) -> Option<(Delivery, Option<Box<Tie>>)> {
        let core = &self.core;
        let (far, address) = core.far_address(key)?;
        let replace = far.clone().replace(core.insertion(address.clone(), value.clone(), ttl, tags));
        Some(far.wait(replace).unwrap_or_else(|| {
            // What is there is invalid, and will be removed.
            drop(far.clone().invalidate(address));
            (Delivery::Queued, None)
        }))
    }

    /// As [`invalidate`](Self::invalidate).
    ///
    /// Cancel-safe: dropped meanwhile, it goes on.
    pub async fn invalidate_async(&self, key: &K) -> Delivery {
        let cache = self.here().into_owned();
        let hash = cache.core.hash_one(key);
        cache.core.drop_own(hash, |other| other == key);
        let Some((far, address)) = cache.core.far_address(key) else { return Delivery::Local };
        // Again, also when this is dropped: what was read from the tiers in between is in memory.
        let again = AtLast(|| cache.core.drop_own(hash, |other| other == key));
        let delivery = far.clone().invalidate(address).await;
        drop(again);
        delivery
    }

    pub(crate) async fn invalidate_key_async(&self, key: &K) -> Delivery {
        self.invalidate_async(key).await
    }

    pub(super) fn invalidate_far(&self, key: &K) -> Option<Delivery> {
        let (far, address) = self.core.far_address(key)?;
        let told = far.wait(far.clone().invalidate(address.clone()));
        Some(told.unwrap_or_else(|| {
            let far = far.clone();
            far.clone().spawn(true, async move { _ = far.invalidate(address).await });
            Delivery::Queued
        }))
    }

    /// As [`clear`](Self::clear).
    ///
    /// Cancel-safe: dropped meanwhile, it goes on.
    pub async fn clear_async(&self) -> Delivery {
        let cache = self.here().into_owned();
        cache.core.clear();
        let Some(far) = cache.core.far() else { return Delivery::Local };
        let again = AtLast(|| cache.core.clear());
        let delivery = far.clear().await;
        drop(again);
        delivery
    }

    pub(super) fn clear_far(&self) -> Option<Delivery> {
        let far = self.core.far()?;
        Some(far.wait(far.clone().clear()).unwrap_or_else(|| {
            let far = far.clone();
            far.clone().spawn(true, async move { _ = far.clear().await });
            Delivery::Queued
        }))
    }
}
