//! The cache as a map.

use super::{
    Cache,
    entry::{Life, Worth},
    follow::Alone,
    store::Terms,
};
use crate::{
    flight::{map::Joined, state::Payload},
    key::{Key, Parts},
    memory::Glance,
    outcome::{Delivery, RemovalCause},
    output::Value,
    scope::{self, View},
    stats::Miss as Why,
    tags::TagSet,
};
use std::{
    borrow::Borrow,
    hash::{BuildHasher, Hash},
    marker::PhantomData,
    time::Duration,
};

/// A key that somebody else holds.
pub(super) struct Borrowed<'a, K, Q: ?Sized> {
    key: &'a Q,
    owned: PhantomData<fn() -> K>,
}

impl<'a, K, Q: ?Sized> Borrowed<'a, K, Q> {
    pub(super) fn new(key: &'a Q) -> Self {
        Borrowed { key, owned: PhantomData }
    }
}

impl<K, Q> Parts for Borrowed<'_, K, Q>
where
    K: Key + Borrow<Q>,
    Q: ?Sized + Hash + Eq + ToOwned<Owned = K>,
{
    type Key = K;
    #[inline]
    fn hash_parts<H: std::hash::Hasher>(&self, hasher: &mut H) {
        self.key.hash(hasher);
    }
    #[inline]
    fn matches_key(&self, key: &K) -> bool {
        self.key == key.borrow()
    }
    fn to_key(&self) -> Option<K> {
        Some(self.key.to_owned())
    }
}

impl<K: Key, V: Value> Cache<K, V> {
    fn hash_of<Q: ?Sized + Hash>(&self, key: &Q) -> u64 {
        self.core.hash_one(key)
    }

    /// The value, if there is a fresh one, or one within the allowance of `stale_while_revalidate`. Counts as a hit or a miss. Never computes.
    ///
    /// Where the cache has backends of bytes, they are asked for what is not in memory, for at most its timeout.
    #[must_use]
    pub fn get<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: ?Sized + Hash + Eq + ToOwned<Owned = K>,
    {
        let found = self.get_near(key);
        if found.is_none() && self.has_far() {
            return self.get_far(&key.to_owned());
        }
        found
    }

    #[inline]
    pub(super) fn get_near<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: ?Sized + Hash + Eq,
    {
        let hash = self.fold.hash_one(key);
        match self.core.fast_hit(hash, |other| other.borrow() == key) {
            Glance::Hit(value) => Some(value),
            Glance::Absent => {
                self.core.count_absent();
                None
            }
            Glance::Unsure => self.get_again(hash, key),
        }
    }

    #[cold]
    #[inline(never)]
    fn get_again<Q>(&self, hash: u64, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: ?Sized + Hash + Eq,
    {
        if !scope::is_special() {
            if !self.core.hasher.is_own() {
                return self.get_slowly(hash, key);
            }
            let hash = self.hash_of(key);
            return match self.core.fast_own_hit(hash, |other| other.borrow() == key) {
                Glance::Hit(value) => Some(value),
                _ => self.get_slowly(hash, key),
            };
        }
        match scope::view(self) {
            View::Disabled(_) => None,
            View::Cached(cache) | View::DryRun(cache, _) => {
                let hash = cache.hash_of(key);
                cache.core.saw(hash);
                cache.get_slowly(hash, key)
            }
        }
    }

    fn get_slowly<Q>(&self, hash: u64, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: ?Sized + Hash + Eq,
    {
        let core = &self.core;
        if !core.live.is_enabled() {
            return None;
        }
        let found = core.find(hash, |other| other.borrow() == key, true);
        let why = match found {
            None => Why::Absent,
            Some(found) => match (found.worth, found.value) {
                (Worth::Stale, Some(value)) => {
                    core.counters.stale_hit();
                    return Some(value);
                }
                (_, Some(value)) => {
                    core.counters.hit();
                    return Some(value);
                }
                (Worth::Invalidated, None) => Why::Invalidated,
                (Worth::Unsure, None) => Why::Unsure,
                (_, None) => Why::Expired,
            },
        };
        if why != Why::Absent {
            core.remove_spent(hash, |other| other.borrow() == key);
        }
        core.counters.miss(why);
        None
    }

    /// Whether a look would hit. Counts as no use.
    #[must_use]
    pub fn contains<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: ?Sized + Hash + Eq,
    {
        if scope::is_special() && matches!(scope::view(self), View::Disabled(_)) {
            return false;
        }
        let cache = self.here();
        let seen = cache.core.inspect(cache.hash_of(key), |other| other.borrow() == key);
        cache.core.live.is_enabled()
            && seen.is_some_and(|seen| matches!(seen.worth, Worth::Fresh | Worth::Ahead | Worth::Stale))
    }

    /// Stores a value as a load would: with the cache's ttl, unless `cache_if`, `none` or `errors` say otherwise. Loads of the key that are under
    /// way are older and not stored.
    pub fn insert(&self, key: K, value: V) -> Delivery {
        if let Some(ttl) = self.core.plain_ttl
            && !scope::is_special()
        {
            self.core.store_plain(self.hash_of(&key), key, value, ttl);
            return Delivery::Local;
        }
        self.insert_with(key, value, None, None)
    }

    /// Stores a value for so long, jitter and the cache's own ttl aside. Zero removes what is there. Needs a cache that has some freshness
    /// argument (`ttl`, `idle`, …); in one without, entries carry no times and this is [`insert`](Self::insert).
    pub fn insert_with_ttl(&self, key: K, value: V, ttl: Duration) -> Delivery {
        self.insert_with(key, value, Some(ttl), None)
    }

    /// Stores a value that goes when one of its tags is invalidated ([`crate::invalidate_tag`]): of these, and of those that
    /// [`tags_with`](crate::Builder::tags_with) says. At most 16 tags, with more it is not kept.
    pub fn insert_tagged<S: AsRef<str>>(&self, key: K, value: V, tags: impl IntoIterator<Item = S>) -> Delivery {
        let tags = self.here().core.tags_beside(&key, tags);
        self.insert_with(key, value, None, tags)
    }

    pub(crate) fn insert_with(&self, key: K, value: V, ttl: Option<Duration>, tags: Option<TagSet>) -> Delivery {
        let cache = self.here();
        let tags = tags.or_else(|| cache.core.tags_of(&key));
        // Before the memory: a call in between may read there what was.
        let ttl = cache.core.inserted_ttl(&value, ttl);
        let (delivery, tie) = cache.insert_far(&key, &value, ttl, tags.as_ref()).unwrap_or((Delivery::Local, None));
        cache.insert_near(key, value, Terms::new(ttl, tags, tie));
        delivery
    }

    pub(super) fn insert_near(&self, key: K, value: V, terms: Terms) {
        let hash = self.hash_of(&key);
        if !self.core.is_near() {
            // Loads under way are older.
            return self.core.invalidate(hash, |other| *other == key);
        }
        self.core.store_inserted(hash, key, value, terms);
    }

    /// Removes the entry and gives its value if it was fresh. Loads of the key that are under way are not stored.
    pub fn remove<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: ?Sized + Hash + Eq + ToOwned<Owned = K>,
    {
        let cache = self.here();
        let hash = cache.hash_of(key);
        let far = if cache.has_far() && !scope::is_off(self) {
            cache.get_slowly(hash, key).or_else(|| cache.far_value(&key.to_owned()))
        } else {
            None
        };
        let gone = cache.core.take_out(hash, |other| other.borrow() == key);
        if cache.has_far() {
            cache.invalidate_far(&key.to_owned());
            cache.core.invalidate(hash, |other| other.borrow() == key);
        }
        let Some(gone) = gone else { return far };
        let value = cache.core.is_usable(Life::of_gone(&gone), cache.core.now()).then(|| gone.value.clone());
        cache.core.gone(gone, RemovalCause::Invalidated);
        value
    }

    /// Removes the entry. When this returns, no call gets a value from before it; loads that are under way go to those who wait already.
    pub fn invalidate<Q>(&self, key: &Q) -> Delivery
    where
        K: Borrow<Q>,
        Q: ?Sized + Hash + Eq + ToOwned<Owned = K>,
    {
        let cache = self.here();
        cache.invalidate_hashed(cache.hash_of(key), |other| other.borrow() == key, || Some(key.to_owned()))
    }

    pub(crate) fn invalidate_key(&self, key: &K) -> Delivery {
        let cache = self.here();
        cache.invalidate_hashed(cache.hash_of(key), |other| other == key, || Some(key.clone()))
    }

    /// `to_key` is asked for where there are far tiers.
    pub(crate) fn invalidate_hashed(
        &self,
        hash: u64,
        is_key: impl Fn(&K) -> bool,
        to_key: impl FnOnce() -> Option<K>,
    ) -> Delivery {
        self.core.drop_own(hash, &is_key);
        if !self.has_far() {
            return Delivery::Local;
        }
        let delivery = to_key().and_then(|key| self.invalidate_far(&key));
        // Again: what was read from the tiers in between is in memory.
        self.core.drop_own(hash, is_key);
        delivery.unwrap_or(Delivery::Local)
    }

    /// Removes the entries for which `test` holds, and returns how many. Loads that are under way are not stored. `test` runs under a lock of the
    /// cache and must not call it.
    ///
    /// Entries in backends of bytes are not asked: they stay, and are read again.
    pub fn invalidate_if(&self, mut test: impl FnMut(&K, &V) -> bool) -> usize {
        self.here().core.retain(|key, value| !test(key, value))
    }

    /// Keeps the entries for which `keep` holds, and returns how many went. Loads that are under way are not stored. `keep` runs under a lock of the
    /// cache and must not call it.
    ///
    /// Entries in backends of bytes are not asked: they stay, and are read again.
    pub fn retain(&self, keep: impl FnMut(&K, &V) -> bool) -> usize {
        self.here().core.retain(keep)
    }

    /// Removes all entries. Loads that are under way are not stored.
    pub fn clear(&self) -> Delivery {
        let cache = self.here();
        cache.core.clear();
        let delivery = cache.clear_far();
        if delivery.is_some() {
            // Again: what was read from the tiers in between is in memory.
            cache.core.clear();
        }
        delivery.unwrap_or(Delivery::Local)
    }

    /// How many entries there are, expired ones that nobody has met yet included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.here().core.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The most entries it holds, or the most bytes where it was built with a bound in bytes; `None`: unbounded.
    #[must_use]
    pub fn capacity(&self) -> Option<u64> {
        self.here().core.capacity()
    }

    /// The fresh entries of now, copied, in no order. Counts as no use.
    pub fn iter(&self) -> std::vec::IntoIter<(K, V)> {
        let mut entries = Vec::new();
        self.here().core.for_each(|key, value| entries.push((key.clone(), value.clone())));
        entries.into_iter()
    }

    /// Stores several values.
    pub fn insert_many(&self, entries: impl IntoIterator<Item = (K, V)>) -> Delivery {
        entries.into_iter().map(|(key, value)| self.insert(key, value)).fold(Delivery::Local, Delivery::and)
    }

    /// Removes several entries; returns how many were there and fresh.
    pub fn remove_many<'a, Q>(&self, keys: impl IntoIterator<Item = &'a Q>) -> usize
    where
        K: Borrow<Q>,
        Q: ?Sized + Hash + Eq + ToOwned<Owned = K> + 'a,
    {
        keys.into_iter().filter(|key| self.remove(*key).is_some()).count()
    }

    /// One key's place, to be filled if it is empty.
    pub fn entry(&self, key: K) -> EntryRef<'_, K, V> {
        EntryRef { cache: self, key }
    }

    /// Changes a value with nobody in between: other `compute`s and loads of the key wait, readers see the old value. `change` sees the fresh
    /// value, if there is one. Returns what is there afterwards.
    ///
    /// Where the cache has backends of bytes, `change` sees what they have, and they get what it makes; only calls of this process wait.
    ///
    /// Blocks while another flight of the key is under way; a nested `compute` of the same key runs `change` at once.
    pub fn compute(&self, key: K, change: impl FnOnce(Option<V>) -> Compute<V>) -> Option<V> {
        let cache = self.here();
        let core = &cache.core;
        let hash = cache.hash_of(&key);
        let lead = loop {
            match core.flights.join(hash, &key, None, false) {
                Joined::Lead(lead) => break Ok(lead),
                Joined::Follow(follower) => match core.wait_out(follower) {
                    Ok(()) => {}
                    Err(lead) => break lead,
                },
            }
        };
        let tags = core.tags_of(&key);
        let executing = lead.as_ref().ok().map(|lead| crate::flight::graph::Executing::enter(&lead.flight.node));
        let found = core
            .find(hash, |other| *other == key, false)
            .filter(|found| core.live.is_enabled() && matches!(found.worth, Worth::Fresh | Worth::Ahead));
        let old = found.and_then(|found| found.value);
        let old = old.or_else(|| cache.far_value(&key));
        // What is made from a tagged value goes with it.
        let tags = tags.or_else(|| old.as_ref().and_then(|_| core.tags_there(hash, &key)));
        let change = change(old.clone());
        if matches!(lead, Err(Alone::SyncBesideAsync)) && !matches!(change, Compute::Keep) {
            // It could not wait for the load that is under way, which is older.
            core.cut_off(hash, |other| *other == key);
        }
        let mut followers = old.clone();
        let now = match change {
            Compute::Keep => old,
            Compute::Set(value) => {
                let ttl = core.inserted_ttl(&value, None);
                let tie = cache.insert_far(&key, &value, ttl, tags.as_ref()).and_then(|(_, tie)| tie);
                let is_far = tie.is_some();
                let is_near = if core.is_near() {
                    let flight = lead.as_ref().ok().map(|lead| &*lead.flight);
                    core.store_current(hash, key, value.clone(), Terms::new(ttl, tags, tie), flight)
                } else {
                    core.outdate_unlisted(hash);
                    ttl.is_some()
                };
                followers = Some(value.clone());
                // In a tier that others read too it is there, also where what they are told has taken the copy away again.
                (is_near || is_far).then_some(value)
            }
            Compute::Remove => {
                followers = None;
                cache.invalidate_far(&key);
                core.outdate_unlisted(hash);
                if let Some(gone) = core.remove(hash, |other| *other == key) {
                    core.gone(gone, RemovalCause::Invalidated);
                }
                None
            }
        };
        drop(executing);
        if let Ok(lead) = lead {
            // Callers that came for a load get the value; without one they load themselves.
            lead.finish(|| followers.map(Payload::Value));
        }
        now
    }
}

/// What becomes of a value; for [`Cache::compute`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Compute<V> {
    /// Leave what is there.
    Keep,
    /// Store this.
    Set(V),
    /// Remove what is there.
    Remove,
}

/// One key's place in a cache; from [`Cache::entry`].
#[must_use]
pub struct EntryRef<'a, K, V> {
    cache: &'a Cache<K, V>,
    key: K,
}

impl<K: Key, V: Value> EntryRef<'_, K, V> {
    /// The value that is there, or the one that `make` gives, computed once for all concurrent callers.
    pub fn or_insert_with(self, make: impl FnOnce() -> V) -> V {
        self.cache.get_or_compute(&self.key, make)
    }

    /// The value that is there, or this one.
    pub fn or_insert(self, value: V) -> V {
        self.or_insert_with(|| value)
    }
}

pub(crate) fn get<P: Parts, V: Value>(cache: &Cache<P::Key, V>, parts: &P) -> Option<V> {
    // An owned key would do, but a companion's `get` borrows like the function itself.
    match super::look(cache, parts) {
        super::Look::Hit(value) => Some(value),
        super::Look::Stale(stale) => Some(stale.into_value()),
        super::Look::Miss(miss) => miss.into_compared(),
    }
}

/// What the far tiers have.
pub(crate) fn get_far<P: Parts, V: Value>(cache: &Cache<P::Key, V>, parts: &P) -> Option<V> {
    if cache.has_far() { cache.get_far(&parts.to_key()?) } else { None }
}

pub(crate) fn insert<P: Parts, V: Value, const N: usize>(
    cache: &Cache<P::Key, V>,
    parts: &P,
    value: V,
    tags: [String; N],
) -> Delivery {
    match parts.to_key() {
        Some(key) if N == 0 => cache.insert(key, value),
        Some(key) => cache.insert_tagged(key, value, tags),
        None => Delivery::Local,
    }
}

pub(crate) fn invalidate<P: Parts, V: Value>(cache: &Cache<P::Key, V>, parts: &P) -> Delivery {
    let cache = cache.here();
    cache.invalidate_hashed(cache.core.hash(parts), |key| parts.matches_key(key), || parts.to_key())
}
