//! What the registry asks of a cache whose types it does not know.

use super::{Cache, Core, Setting, State, setting::Change, settings::ByValue};
use crate::{
    Error,
    far::Found,
    identity::text::KeyText,
    key::Key,
    memory::Bound as TableBound,
    outcome::{Delivery, Tier},
    output::Value,
    registry::{self, Bound, Configuration, Conflict, Registered, Text, Texts, TierState},
    sync::lock,
    time::{NEVER, duration},
};
use std::{
    panic::Location,
    sync::{Arc, Weak},
    time::Duration,
};

/// What the builder says for the registry.
pub(crate) struct Named<K, V> {
    /// A name was given.
    pub(super) is_named: bool,
    /// What the registry calls it, where the name of the cache says too little.
    pub(super) name: Option<String>,
    pub(super) texts: Texts<K, V>,
    /// What is said of a value beside its text.
    pub(super) about: Option<ByValue<V, String>>,
}

impl<K, V> Named<K, V> {
    pub(super) const NOT: Self = Named { is_named: false, name: None, texts: Texts::NONE, about: None };
}

/// A cache that may be gone.
pub(crate) struct WeakCache<K, V>(Weak<Core<K, V>>);

impl<K, V> WeakCache<K, V> {
    pub(crate) fn upgrade(&self) -> Option<Cache<K, V>> {
        let core = self.0.upgrade()?;
        Some(Cache { fold: core.hasher.fold(), core })
    }
}

/// An entry that was met.
pub(crate) struct SeenEntry<V> {
    pub(crate) hash: u64,
    pub(crate) tier: Tier,
    pub(crate) state: State,
    /// If it is worth anything.
    pub(crate) value: Option<V>,
    pub(crate) age: Option<Duration>,
    pub(crate) ttl_left: Option<Duration>,
    pub(crate) tags: usize,
}

impl<K, V> Cache<K, V> {
    pub(crate) fn downgrade(&self) -> WeakCache<K, V> {
        WeakCache(Arc::downgrade(&self.core))
    }

    pub(crate) fn conflict(&self) -> Option<Conflict> {
        self.core.registered.get().and_then(Registered::conflict).cloned()
    }

    /// How its keys and values are written.
    pub(crate) fn texts(&self) -> Texts<K, V> {
        self.core.settings.registry.texts
    }

    pub(crate) fn has_key_texts(&self) -> bool {
        self.texts().write_key.is_some() || self.core.settings.far.text_of.is_some()
    }

    pub(crate) fn text_of(&self, key: &K) -> Option<KeyText> {
        let write = self.texts().write_key.or(self.core.settings.far.text_of)?;
        write(key).ok()
    }

    pub(crate) fn about(&self, value: &V) -> Option<String> {
        self.core.settings.registry.about.as_ref().map(|about| about(value))
    }

    pub(crate) fn value_text(&self, value: &V) -> Option<Text> {
        self.texts().write_value.and_then(|write| write(value))
    }
}

impl<K, V> Core<K, V> {
    /// As settings have it.
    fn unopened(&self, tier: Tier, name: String) -> TierState {
        let levels = lock(&self.live.levels);
        TierState { is_used: !self.is_off(&levels, tier), ..TierState::new(tier, name) }
    }
}

impl<K: Key, V: Value> Cache<K, V> {
    /// Puts it into the registry, if it has a name.
    pub(super) fn register(&self, built_at: &'static Location<'static>) {
        let said = &self.core.settings.registry;
        if said.is_named {
            let name = said.name.as_deref().unwrap_or_else(|| self.name());
            // Once: it has just been built.
            let _ = self.core.registered.set(registry::enlist(self, name, built_at));
        }
    }

    /// The configuration of that version says this. Returns what is another than before.
    #[cfg(feature = "config")]
    pub(crate) fn configured(
        &self,
        version: u64,
        configured: std::collections::BTreeMap<Setting, super::Configured>,
    ) -> Vec<Setting> {
        self.core.configure(version, configured)
    }

    pub(crate) fn is_far(&self) -> bool {
        self.core.settings.far.is_far()
    }

    pub(crate) fn configuration(&self) -> Configuration {
        let cache = self.here();
        let (core, settings) = (&cache.core, &cache.core.settings);
        let levels = lock(&core.live.levels);
        Configuration {
            bound: match core.table.bound() {
                TableBound::Unbounded => Bound::Unbounded,
                TableBound::Entries(most) => Bound::Entries(most as u64),
                TableBound::Weight(most) => Bound::Weight(most),
            },
            ttl: match (core.live.ttl(), &settings.ttl) {
                (Some(NEVER), _) | (None, super::settings::Ttl::Never) => registry::Ttl::Never,
                (Some(ttl), _) => registry::Ttl::Fixed(duration(ttl)),
                (None, super::settings::Ttl::Fixed(ttl)) => registry::Ttl::Fixed(*ttl),
                (None, super::settings::Ttl::ByValue(_)) => registry::Ttl::ByValue,
            },
            idle: Some(core.allowed.idle()).filter(|idle| *idle != NEVER).map(duration),
            stale_while_revalidate: core.stale_while_revalidate(),
            stale_if_error: core.stale_if_error(),
            refresh_ahead: settings.refresh_ahead,
            strategy: core.live.strategy().name().to_owned(),
            is_enabled: core.live.is_enabled(),
            version: settings.version,
            max_loads: settings.max_loads,
            single_flight: settings.single_flight,
            timeout: match levels.in_force(Setting::Timeout) {
                Some(Change::Timeout(timeout)) => *timeout,
                _ => settings.far.timeout,
            },
            lock: settings.far.lock,
            is_dry_run: core.live.is_dry_run(),
            soft_load_timeout: core.live.soft_load_timeout(),
            hard_load_timeout: core.live.hard_load_timeout(),
            has_soft_load_timeout: settings.load_timeout_soft.is_some(),
            has_hard_load_timeout: settings.load_timeout_hard.is_some(),
            sources: Setting::ALL
                .into_iter()
                .map(|setting| (setting, levels.source(setting)))
                .filter(|(_, source)| *source != registry::Source::Code)
                .collect(),
        }
    }

    /// Its places, nearest first.
    pub(crate) fn tiers(&self) -> Vec<TierState> {
        let core = &self.here().core;
        let memory = core.settings.far.near.then(|| core.unopened(Tier::Memory, "memory".to_owned()));
        let mut opened = core.far_tiers.open().map(|far| far.states()).unwrap_or_default();
        // Also those that could not be opened: the code declares them.
        let mut all: Vec<TierState> = memory.into_iter().collect();
        for (tier, name) in core.settings.far.places() {
            let those: Vec<TierState> = opened.extract_if(.., |state| state.tier == tier).collect();
            if those.is_empty() && all.iter().all(|state| state.tier != tier) {
                all.push(core.unopened(tier, name));
            }
            all.extend(those);
        }
        all.extend(opened);
        all
    }

    /// At least `at_most` keys in memory, by hash, from the first that is larger than `after`; and where to go on.
    pub(crate) fn keys_by_hash(&self, after: Option<u64>, at_most: usize) -> (Vec<K>, Option<u64>) {
        let core = &self.here().core;
        let at_most = at_most.max(1);
        let mut met: Vec<(u64, K)> = Vec::new();
        // Of those that are met so far, the last that can be in this page.
        let mut last = u64::MAX;
        let mut more = false;
        for shard in 0..core.table.shards() {
            core.table.for_each_in(shard, |key, _| {
                let hash = core.hash_one(key);
                if after.is_none_or(|after| hash > after) {
                    if hash <= last {
                        met.push((hash, key.clone()));
                    } else {
                        more = true;
                    }
                }
            });
            if met.len() > at_most {
                met.sort_unstable_by_key(|(hash, _)| *hash);
                last = met.get(at_most - 1).map_or(u64::MAX, |(hash, _)| *hash);
                let kept = met.partition_point(|(hash, _)| *hash <= last);
                more |= kept < met.len();
                met.truncate(kept);
            }
        }
        met.sort_unstable_by_key(|(hash, _)| *hash);
        let next = met.last().map(|(hash, _)| *hash).filter(|_| more);
        (met.into_iter().map(|(_, key)| key).collect(), next)
    }

    #[cfg(feature = "advice")]
    pub(crate) fn hash_of_key(&self, key: &K) -> u64 {
        self.here().core.hash_one(key)
    }

    pub(crate) fn key_of_hash(&self, hash: u64) -> Option<K> {
        let core = &self.here().core;
        core.table.key(hash, |key| core.hash_one(key) == hash)
    }

    /// A key in memory of which the test holds, which runs outside of locks.
    pub(crate) fn any_key(&self, test: impl Fn(&K) -> bool) -> Option<K> {
        let core = &self.here().core;
        (0..core.table.shards()).find_map(|shard| {
            let mut keys = Vec::new();
            core.table.for_each_in(shard, |key, _| keys.push(key.clone()));
            keys.into_iter().find(&test)
        })
    }

    /// What memory has of the key.
    pub(crate) fn seen(&self, key: &K) -> Option<SeenEntry<V>> {
        let core = &self.here().core;
        let hash = core.hash_one(key);
        let seen = core.inspect(hash, |other| other == key)?;
        let value = core.find(hash, |other| other == key, false).and_then(|found| found.value);
        let (state, tier) = (State::from(seen.worth), Tier::Memory);
        Some(SeenEntry { hash, tier, state, value, age: seen.age, ttl_left: seen.left, tags: seen.tags })
    }

    /// What the backends have of it, which is copied nowhere.
    pub(crate) fn seen_far(&self, key: &K) -> Option<SeenEntry<V>> {
        let cache = self.here();
        let hash = cache.core.hash_one(key);
        let (far, looking) = cache.core.inspect_far(hash, key)?;
        let (found, _) = far.wait(looking)??;
        Some(seen_of(hash, found))
    }

    pub(crate) async fn seen_far_async(&self, key: &K) -> Option<SeenEntry<V>> {
        let cache = self.here().into_owned();
        let hash = cache.core.hash_one(key);
        let (_, looking) = cache.core.inspect_far(hash, key)?;
        looking.await.map(|(found, _)| seen_of(hash, found))
    }

    /// Of a key that is not known: loads of it that are under way are not stored.
    pub(crate) fn cut_off_hash(&self, hash: u64) -> Delivery {
        let core = &self.here().core;
        core.outdate_unlisted(hash);
        core.flights.cut_off_hash(hash);
        Delivery::Local
    }

    /// Invalidates the entry of a text that leads to no key.
    pub(crate) fn invalidate_text(&self, text: &str) -> Delivery {
        let cache = self.here();
        cache.forget(|written| registry::is_text(written, text));
        let Some(far) = cache.core.far() else { return Delivery::Local };
        let address = far.address(KeyText::in_short(text));
        let told = far.wait(far.clone().invalidate(address.clone()));
        cache.forget(|written| registry::is_text(written, text));
        told.unwrap_or_else(|| {
            let far = far.clone();
            far.clone().spawn(true, async move { _ = far.invalidate(address).await });
            Delivery::Queued
        })
    }

    pub(crate) async fn invalidate_text_async(&self, text: String) -> Delivery {
        let cache = self.here().into_owned();
        cache.forget(|written| registry::is_text(written, &text));
        let Some(far) = cache.core.far() else { return Delivery::Local };
        let address = far.address(KeyText::in_short(&text));
        let delivery = far.invalidate(address).await;
        cache.forget(|written| registry::is_text(written, &text));
        delivery
    }

    /// Takes what has such a text out of memory, and cuts off all loads under way.
    fn forget(&self, is_meant: impl Fn(&KeyText) -> bool) -> usize {
        self.core.retain(|key, _| !self.text_of(key).is_some_and(|text| is_meant(&text)))
    }

    /// How many went from memory, and what the backends say.
    pub(crate) fn invalidate_prefix(&self, prefix: &str) -> (usize, Result<(usize, Delivery), Error>) {
        let cache = self.here();
        let near = cache.forget(|text| text.whole().starts_with(prefix));
        let Some(far) = cache.core.far() else { return (near, Ok((0, Delivery::Local))) };
        let told = far.wait(far.clone().invalidate_prefix(prefix.to_owned()));
        cache.forget(|text| text.whole().starts_with(prefix));
        (near, told.unwrap_or_else(|| Err(far.nobody_to_ask())))
    }

    pub(crate) async fn invalidate_prefix_async(&self, prefix: String) -> (usize, Result<(usize, Delivery), Error>) {
        let cache = self.here().into_owned();
        let near = cache.forget(|text| text.whole().starts_with(&prefix));
        let Some(far) = cache.core.far() else { return (near, Ok((0, Delivery::Local))) };
        let told = far.invalidate_prefix(prefix.clone()).await;
        cache.forget(|text| text.whole().starts_with(&prefix));
        (near, told)
    }
}

fn seen_of<V>(hash: u64, found: Found<V>) -> SeenEntry<V> {
    SeenEntry {
        hash,
        tier: found.tier,
        state: if found.is_stale() { State::Stale } else { State::Fresh },
        value: Some(found.value),
        age: Some(found.age),
        ttl_left: (found.left != NEVER).then(|| duration(found.left)),
        tags: found.tags.as_ref().map_or(0, crate::tags::TagSet::len),
    }
}
