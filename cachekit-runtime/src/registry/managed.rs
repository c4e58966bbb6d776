//! A cache of certain types as the registry has it.

use super::{
    AnyCache, Configuration, Cursor, Entries, Entry, Invalidated, Operation, OperationError, Place, Registered,
    TierState, Values,
    key::{self, Named, named},
    names::{self, Slot},
    strategies,
};
use crate::{
    Error,
    adaptive::AdaptiveStats,
    cache::{Cache, Explain, SeenEntry, Setting, WeakCache},
    key::Key,
    outcome::{Delivery, Tier},
    output::Value,
    policy::UnknownStrategy,
    scope::DryRunReport,
    stats::Stats,
};
use std::{
    any::type_name,
    panic::Location,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// A cache that may be gone, and its number.
struct Numbered<K, V>(WeakCache<K, V>, u64);

impl<K: Key, V: Value> Slot for Numbered<K, V> {
    fn upgrade(&self, name: Arc<str>, place: Place) -> Option<Arc<dyn AnyCache>> {
        let Numbered(cache, number) = self;
        Some(Arc::new(Managed { name, place, number: *number, cache: cache.upgrade()? }))
    }

    #[cfg(feature = "config")]
    fn configure(
        &self,
        version: u64,
        configured: std::collections::BTreeMap<crate::cache::Setting, crate::cache::Configured>,
    ) -> Vec<crate::cache::Setting> {
        self.0.upgrade().map(|cache| cache.configured(version, configured)).unwrap_or_default()
    }
}

/// Names the cache.
pub(crate) fn enlist<K: Key, V: Value>(
    cache: &Cache<K, V>,
    name: &str,
    built_at: &'static Location<'static>,
) -> Registered {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let slot = Numbered(cache.downgrade(), NEXT.fetch_add(1, Ordering::Relaxed));
    let registered = names::add(names::normalized(name), Place::of(built_at), Arc::new(slot));
    #[cfg(feature = "config")]
    if let Some(name) = registered.registered_name() {
        crate::config::apply_to_new(&name);
    }
    registered
}

struct Managed<K, V> {
    name: Arc<str>,
    place: Place,
    number: u64,
    cache: Cache<K, V>,
}

fn entry<K: Key, V: Value>(cache: &Cache<K, V>, key: &K, seen: SeenEntry<V>, values: Values) -> Entry {
    let about = seen.value.as_ref().and_then(|value| cache.about(value));
    let value = seen.value.filter(|_| values == Values::Written);
    Entry {
        key: key::shown(cache, key, seen.hash),
        value: value.and_then(|value| cache.value_text(&value)),
        about,
        tier: seen.tier,
        state: seen.state,
        age: seen.age,
        ttl_left: seen.ttl_left,
        tags: seen.tags,
    }
}

impl<K: Key, V: Value> Managed<K, V> {
    /// What is to be said of the key; or the key, of which the backends are to be asked.
    fn near(&self, text: &str) -> Result<Result<Option<Entry>, K>, OperationError> {
        let cache = &self.cache;
        match named(cache, text)? {
            Named::Key(key) => Ok(match cache.seen(&key) {
                Some(seen) if seen.value.is_some() || !cache.is_far() => {
                    Ok(Some(entry(cache, &key, seen, Values::Written)))
                }
                None if !cache.is_far() => Ok(None),
                _ => Err(key),
            }),
            Named::NoText if cache.is_far() => Err(key::no_key(cache, text)),
            Named::NoHash(_) | Named::NoText => Ok(Ok(None)),
        }
    }

    /// The key that is to be explained.
    fn explained(&self, text: &str) -> Result<K, OperationError> {
        match named(&self.cache, text)? {
            Named::Key(key) => Ok(key),
            Named::NoHash(_) | Named::NoText => Err(key::no_key(&self.cache, text)),
        }
    }

    fn check_texts(&self) -> Result<(), OperationError> {
        if self.cache.has_key_texts() {
            return Ok(());
        }
        Err(OperationError::NoText { cache: self.cache.name().to_owned(), key_type: type_name::<K>() })
    }
}

impl<K: Key, V: Value> AnyCache for Managed<K, V> {
    fn name(&self) -> &str {
        &self.name
    }

    fn place(&self) -> Place {
        self.place
    }

    fn number(&self) -> u64 {
        self.number
    }

    fn key_type(&self) -> &'static str {
        type_name::<K>()
    }

    fn value_type(&self) -> &'static str {
        type_name::<V>()
    }

    fn stats(&self) -> Stats {
        self.cache.stats()
    }

    fn adaptive_stats(&self) -> Option<AdaptiveStats> {
        self.cache.adaptive_stats()
    }

    fn loads_in_flight(&self) -> usize {
        self.cache.loads_in_flight()
    }

    fn configuration(&self) -> Configuration {
        self.cache.configuration()
    }

    fn tiers(&self) -> Vec<TierState> {
        self.cache.tiers()
    }

    fn set_ttl(&self, ttl: Option<Duration>) {
        self.cache.set_ttl(ttl);
    }

    fn set_capacity(&self, most: u64) {
        self.cache.set_capacity(most);
    }

    fn set_strategy(&self, name: &str) -> Result<(), UnknownStrategy> {
        self.cache.set_strategy(strategies::named(name)?);
        Ok(())
    }

    fn set_enabled(&self, enabled: bool) {
        self.cache.set_enabled(enabled);
    }

    fn set_idle(&self, idle: Option<Duration>) {
        self.cache.set_idle(idle);
    }

    fn set_stale_while_revalidate(&self, time: Duration) {
        self.cache.set_stale_while_revalidate(time);
    }

    fn set_stale_if_error(&self, time: Duration) {
        self.cache.set_stale_if_error(time);
    }

    fn set_timeout(&self, timeout: Duration) {
        self.cache.set_timeout(timeout);
    }

    fn set_soft_load_timeout(&self, time: Option<Duration>) {
        self.cache.set_soft_load_timeout(time);
    }

    fn set_hard_load_timeout(&self, time: Option<Duration>) {
        self.cache.set_hard_load_timeout(time);
    }

    fn set_dry_run(&self, on: bool) {
        self.cache.set_dry_run(on);
    }

    fn dry_run_report(&self) -> DryRunReport {
        self.cache.dry_run_report()
    }

    fn set_tier(&self, tier: Tier, used: bool) -> Result<(), Error> {
        self.cache.set_tier(tier, used)
    }

    fn take_back(&self, setting: Setting) {
        self.cache.take_back(setting);
    }

    #[cfg(feature = "advice")]
    fn start_advice(&self) {
        self.cache.start_advice();
    }

    #[cfg(feature = "advice")]
    fn start_thorough_advice(&self) {
        self.cache.start_thorough_advice();
    }

    #[cfg(feature = "advice")]
    fn stop_advice(&self) {
        self.cache.stop_advice();
    }

    #[cfg(feature = "advice")]
    fn is_advised(&self) -> bool {
        self.cache.is_advised()
    }

    #[cfg(feature = "advice")]
    fn advice(&self) -> Option<crate::advice::Advice> {
        self.cache.advice()
    }

    #[cfg(feature = "advice")]
    fn start_top_keys(&self) {
        self.cache.start_top_keys();
    }

    #[cfg(feature = "advice")]
    fn stop_top_keys(&self) {
        self.cache.stop_top_keys();
    }

    #[cfg(feature = "advice")]
    fn counts_keys(&self) -> bool {
        self.cache.counts_keys()
    }

    #[cfg(feature = "advice")]
    fn top_keys(&self, most: usize) -> Option<crate::advice::TopKeys<String>> {
        let cache = &self.cache;
        Some(cache.top_keys(most)?.map(|key| key::shown(cache, key, cache.hash_of_key(key))))
    }

    fn entries(&self, from: Option<Cursor>, at_most: usize, values: Values) -> Entries {
        let (keys, next) = self.cache.keys_by_hash(from.map(|Cursor(hash)| hash), at_most);
        let entries = keys.iter().filter_map(|key| Some(entry(&self.cache, key, self.cache.seen(key)?, values)));
        let entries = entries.collect();
        Entries { entries, next: next.map(Cursor) }
    }

    fn get(&self, text: &str) -> Result<Option<Entry>, OperationError> {
        Ok(match self.near(text)? {
            Ok(entry) => entry,
            Err(key) => {
                let cache = &self.cache;
                let seen = cache.seen_far(&key).or_else(|| cache.seen(&key));
                seen.map(|seen| entry(cache, &key, seen, Values::Written))
            }
        })
    }

    fn get_async(&self, text: &str) -> Operation<Result<Option<Entry>, OperationError>> {
        let near = self.near(text);
        let cache = self.cache.clone();
        Box::pin(async move {
            Ok(match near? {
                Ok(entry) => entry,
                Err(key) => {
                    let seen = cache.seen_far_async(&key).await.or_else(|| cache.seen(&key));
                    seen.map(|seen| entry(&cache, &key, seen, Values::Written))
                }
            })
        })
    }

    fn explain(&self, text: &str) -> Result<Explain, OperationError> {
        self.explained(text).map(|key| self.cache.explain_key(&key))
    }

    fn explain_async(&self, text: &str) -> Operation<Result<Explain, OperationError>> {
        let explaining = self.explained(text).map(|key| self.cache.explain_key_async(&key));
        Box::pin(async move { Ok(explaining?.await) })
    }

    fn invalidate(&self, text: &str) -> Result<Delivery, OperationError> {
        Ok(match named(&self.cache, text)? {
            Named::Key(key) => self.cache.invalidate_key(&key),
            Named::NoHash(hash) => self.cache.cut_off_hash(hash),
            Named::NoText => self.cache.invalidate_text(text),
        })
    }

    fn invalidate_async(&self, text: &str) -> Operation<Result<Delivery, OperationError>> {
        let (named, cache, text) = (named(&self.cache, text), self.cache.clone(), text.to_owned());
        Box::pin(async move {
            Ok(match named? {
                Named::Key(key) => cache.invalidate_key_async(&key).await,
                Named::NoHash(hash) => cache.cut_off_hash(hash),
                Named::NoText => cache.invalidate_text_async(text).await,
            })
        })
    }

    fn invalidate_prefix(&self, prefix: &str) -> Result<Invalidated, OperationError> {
        self.check_texts()?;
        let (near, far) = self.cache.invalidate_prefix(prefix);
        let (far, delivery) = far?;
        Ok(Invalidated::new(near + far, delivery))
    }

    fn invalidate_prefix_async(&self, prefix: &str) -> Operation<Result<Invalidated, OperationError>> {
        let (checked, cache, prefix) = (self.check_texts(), self.cache.clone(), prefix.to_owned());
        Box::pin(async move {
            checked?;
            let (near, far) = cache.invalidate_prefix_async(prefix).await;
            let (far, delivery) = far?;
            Ok(Invalidated::new(near + far, delivery))
        })
    }

    fn clear(&self) -> Delivery {
        self.cache.clear()
    }

    fn clear_async(&self) -> Operation<Delivery> {
        let cache = self.cache.clone();
        Box::pin(async move { cache.clear_async().await })
    }
}
