//! What a cache does with its far tiers: look there before a load, store there after it, invalidate there.

use super::{
    Cache, Core,
    explain::FarPlaces,
    keys_met::KeysMet,
    lead::{After, Load, Replaces},
    timeout::race,
};
use crate::{
    Error,
    backend::{Address, Failure},
    config,
    far::{Accept, Asked, Far, Fill, Found, Insertion, Parts, Sealed},
    flight::state::Payload,
    key::Key,
    outcome::{Delivery, Outcome, OutcomeKind, RemovalCause},
    output::{OutputKind, Share, Value},
    scope,
    stats::FarStats,
    time::{NEVER, duration},
};
use std::{
    pin::Pin,
    sync::{Arc, OnceLock},
    time::Duration,
};

/// The far tiers of a cache, made when the first call needs them.
pub(super) struct FarTiers<K, V> {
    far: OnceLock<Option<Arc<Far<V>>>>,
    met: KeysMet<K>,
    /// Of a scope: it has places of its own.
    is_isolated: bool,
}

/// What a look left for the fill.
pub(super) struct Pending<V> {
    /// Boxed, so that the loads of caches in memory alone stay small, which may be nested deeply.
    inner: Box<Left<V>>,
}

struct Left<V> {
    far: Arc<Far<V>>,
    fill: Fill,
    /// When the waits of the call are over.
    until: u64,
    /// A value past its ttl that a tier had, for `stale_if_error`.
    stale: Option<V>,
}

/// What the far tiers said.
pub(super) struct Answer<V> {
    pub(super) asked: Asked<V>,
    pub(super) far: Arc<Far<V>>,
    pub(super) until: u64,
}

/// A value on its way into the far tiers.
pub(super) struct Store<V> {
    pending: Pending<V>,
    sealed: Box<Sealed>,
    /// Takes the value out of memory, where it was put before another process's invalidation was seen.
    forget: Option<Box<dyn FnOnce() + Send>>,
}

/// What is done whatever happens.
struct AtLast<F: Fn()>(F);

impl<F: Fn()> Drop for AtLast<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

impl<K, V> FarTiers<K, V> {
    pub(super) fn new() -> Self {
        FarTiers { far: OnceLock::new(), met: KeysMet::new(), is_isolated: false }
    }

    pub(super) fn of_scope() -> Self {
        FarTiers { is_isolated: true, ..Self::new() }
    }

    pub(super) fn stats(&self) -> FarStats {
        let far = self.far.get().and_then(Option::as_ref);
        far.map(|far| far.counters.snapshot()).unwrap_or_default()
    }
}

impl<K: Key, V: Value> Core<K, V> {
    /// `None`: it has none, or none that can be used.
    pub(super) fn far(&self) -> Option<&Arc<Far<V>>> {
        let settings = &self.settings.far;
        if !settings.is_far() {
            return None;
        }
        self.far_tiers.far.get_or_init(|| self.find_far()).as_ref()
    }

    #[cold]
    fn find_far(&self) -> Option<Arc<Far<V>>> {
        let settings = &self.settings.far;
        let links = settings.links(&self.clock, self.far_tiers.is_isolated);
        if links.is_empty() {
            return None;
        }
        let limits = config::limits();
        Some(Far::new(Parts {
            name: self.settings.name.clone().into_owned(),
            links,
            codec: settings.codec.clone()?,
            version: (self.settings.version != 0).then_some(self.settings.version),
            compress: settings.compress,
            timeout: settings.timeout,
            lock: settings.lock,
            near_ttl: settings.near_ttl.clone().unwrap_or_else(|| Arc::new(|_| None)),
            max_value_bytes: limits.max_value_bytes,
            clock: self.clock.clone(),
        }))
    }

    /// Whether values are kept in the memory of this process.
    #[inline]
    pub(super) fn is_near(&self) -> bool {
        self.settings.far.near
    }

    /// Where the entry of a key is in the far tiers.
    pub(super) fn far_address(&self, key: &K) -> Option<(&Arc<Far<V>>, Address)> {
        let far = self.far()?;
        let text = match (self.settings.far.text_of?)(key) {
            Ok(text) => text,
            Err(error) => {
                tracing::warn!(cache = %self.settings.name, %error, "a key cannot be written for a backend; the call stays in memory");
                return None;
            }
        };
        if let Some(disagreement) = self.far_tiers.met.meet(key, &text) {
            tracing::error!(cache = %self.settings.name, %disagreement, "the type of the keys is not fit for a backend; the call stays in memory");
            return None;
        }
        Some((far, far.address(&text)))
    }

    /// Where the far tiers have the entry of a key, for `explain`.
    pub(super) fn far_places(&self, key: Option<K>) -> FarPlaces {
        let Some(far) = self.far() else { return FarPlaces::default() };
        let identity = far.identity();
        FarPlaces {
            backends: far.names(),
            address: key.and_then(|key| self.far_address(&key)).map(|(_, address)| address.to_string()),
            tied_to_build: identity.opaque.filter(|_| identity.is_tied_to_executable).map(|opaque| opaque.to_string()),
        }
    }

    fn insertion(&self, address: Address, value: V, ttl: Option<u64>) -> Insertion<V> {
        Insertion { address, value, ttl, if_error: self.settings.stale_if_error }
    }

    /// How long the memory in front of far tiers keeps a value of this ttl.
    pub(super) fn near_ttl(&self, value: &V, ttl: u64) -> u64 {
        match &self.settings.far.near_ttl {
            Some(near_ttl) => near_ttl(value).map_or(ttl, |near| ttl.min(crate::time::nanos(near))),
            None => ttl,
        }
    }
}

impl<K: Key, V: Value> Load<K, V> {
    pub(super) fn question(&mut self) -> Option<(Arc<Far<V>>, Address)> {
        let key = self.key.as_ref()?;
        let question = self.core.far_address(key).map(|(far, address)| (far.clone(), address));
        if question.is_none() && self.core.settings.far.is_far() {
            let message = "the backends of the cache cannot be used; the log says why";
            self.failed = Some(Box::new(Error::backend(&*self.core.settings.name, Failure::Misconfigured, message)));
        }
        question
    }

    /// What a call gives that asked to fail with its backends, if they failed.
    pub(super) fn failed_output<R>(&mut self, share: Share<R>, trace: &mut Outcome) -> Option<R> {
        let output = share.failed(*self.failed.take()?)?;
        trace.computed(OutcomeKind::Bypassed);
        if let Some(lead) = self.lead.take() {
            // Those who wait ask for themselves.
            lead.finish(|| None);
        }
        Some(output)
    }

    /// What a far tier has of the key, unless this load is to replace it. Otherwise notes what the fill needs. `None`: there is nobody to ask; so the
    /// future of a cache in memory alone stays small.
    pub(super) fn ask_far_async(&mut self) -> Option<Pin<Box<dyn Future<Output = Answer<V>> + Send>>> {
        let (far, address) = self.question()?;
        let budget = far.budget();
        let until = budget.deadline();
        let ask = far.clone().ask(address, self.accept(), budget);
        Some(Box::pin(async move { Answer { asked: ask.await, far, until } }))
    }

    /// As [`ask_far_async`](Self::ask_far_async), on this thread.
    pub(super) fn ask_far(&mut self) -> Option<Found<V>> {
        let asking = self.ask_far_async()?;
        let answer = self.core.far()?.wait(asking)?;
        self.answered(answer)
    }

    /// The value, if there is one.
    pub(super) fn answered(&mut self, answer: Answer<V>) -> Option<Found<V>> {
        let Answer { asked: Asked { found, stale, fill, failed }, far, until } = answer;
        self.failed = failed.map(Box::new);
        if found.is_some() {
            return found;
        }
        let stale = stale.filter(|_| self.core.settings.stale_if_error > Duration::ZERO).map(|stale| stale.value);
        self.pending = Some(Pending { inner: Box::new(Left { far, fill, until, stale }) });
        None
    }

    pub(super) fn accept(&self) -> Accept {
        match (self.replaces, self.core.settings.refresh_ahead) {
            (Replaces::Nothing, _) | (Replaces::Due, None) => Accept::Any,
            (Replaces::Due, Some(percent)) => Accept::Left(100.0 - percent),
            (Replaces::Everything, _) => Accept::Nothing,
        }
    }

    /// A far tier had the value: keeps it near, and gives it to all who wait.
    pub(super) fn settle_found<R, M>(mut self, found: Found<V>, trace: &mut Outcome) -> R
    where
        M: OutputKind<R, Stored = V>,
    {
        trace.found(OutcomeKind::Hit, found.tier, found.age);
        if self.core.is_near()
            && let Some(key) = self.key.take()
        {
            let flight = self.lead.as_ref().map(|lead| lead.flight.clone());
            self.core.store_found(self.hash, key, &found, self.before, flight.as_deref());
        }
        if let Some(lead) = self.lead.take() {
            lead.finish(|| Some(Payload::Value(found.value.clone())));
        }
        M::wrap(found.value)
    }

    /// What becomes of the value in the far tiers.
    pub(super) fn after<R, M>(&mut self, loaded: R) -> After<R, V, Store<V>>
    where
        M: OutputKind<R, Stored = V>,
    {
        let Some(pending) = self.pending.take() else { return After::Settle(loaded) };
        // Tags are known in memory alone: what has some would come back from a backend after their invalidation.
        let value = M::stored(&loaded).filter(|_| self.tags.is_none());
        let ttl = value.and_then(|value| self.ttl_of(value));
        let sealed = value.zip(ttl).and_then(|(value, ttl)| self.seal(&pending, value, ttl));
        match (sealed, value) {
            (Some(sealed), _) if self.core.is_near() => {
                let forget = self.forget();
                After::Detach(loaded, Store { pending, sealed, forget })
            }
            (Some(sealed), Some(value)) => After::Wait(value.clone(), Store { pending, sealed, forget: None }),
            _ => {
                pending.abandon();
                After::Settle(loaded)
            }
        }
    }

    fn forget(&self) -> Option<Box<dyn FnOnce() + Send>> {
        let (core, hash, key) = (self.core.clone(), self.hash, self.key.clone()?);
        Some(Box::new(move || {
            if let Some(gone) = core.remove(hash, |other| *other == key) {
                core.gone(gone, RemovalCause::Invalidated);
            }
        }))
    }

    fn seal(&self, pending: &Pending<V>, value: &V, ttl: u64) -> Option<Box<Sealed>> {
        let ttl = (ttl != NEVER).then(|| duration(ttl));
        let sealed = pending.inner.far.seal(&pending.inner.fill, value, ttl, self.core.settings.stale_if_error);
        let failed = |error: &Error| {
            pending.inner.far.counters.store_failed();
            tracing::debug!(cache = %self.core.settings.name, %error, "a value is not stored in a backend");
        };
        sealed.inspect_err(failed).ok().map(Box::new)
    }
}

impl<V: Value> Pending<V> {
    pub(super) fn stale(&mut self) -> Option<V> {
        self.inner.stale.take()
    }

    /// For those who give up several at once.
    pub(super) fn into_parts(self) -> (Arc<Far<V>>, Fill) {
        let Left { far, fill, .. } = *self.inner;
        (far, fill)
    }

    /// Nothing will be stored.
    fn abandon(self) {
        let Left { far, fill, .. } = *self.inner;
        if fill.has_witness() {
            far.spawn_from_thread(far.clone().abandon(fill));
        }
    }
}

impl<V: Value> Store<V> {
    /// For those who store several at once: where, when the call's waits are over, what, and what is done if an invalidation was faster.
    #[expect(clippy::type_complexity, reason = "taken apart at once")]
    pub(super) fn into_parts(self) -> (Arc<Far<V>>, u64, Fill, Sealed, Option<Box<dyn FnOnce() + Send>>) {
        let Left { far, fill, until, .. } = *self.pending.inner;
        (far, until, fill, *self.sealed, self.forget)
    }

    fn into_future(self) -> (Arc<Far<V>>, u64, impl Future<Output = ()> + Send + 'static) {
        let Left { far, fill, until, .. } = *self.pending.inner;
        let budget = far.budget();
        let store = far.clone().store(fill, *self.sealed, budget);
        let forget = self.forget;
        let whole = async move {
            if !store.await
                && let Some(forget) = forget
            {
                forget();
            }
        };
        (far, until, whole)
    }

    /// Stores without the caller, which is a task.
    pub(super) fn detach(self) {
        let (far, _, store) = self.into_future();
        far.spawn(false, store);
    }

    /// As [`detach`](Self::detach), for a caller that is a thread.
    pub(super) fn detach_from_thread(self) {
        let (far, _, store) = self.into_future();
        far.spawn_from_thread(store);
    }

    /// Waits for the store while the call's time lasts; then it goes on alone.
    pub(super) fn wait_async(self) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let (far, until, store) = self.into_future();
        let mut store = Box::pin(store);
        Box::pin(async move {
            if race(store.as_mut(), far.sleep_until(until)).await.is_none() {
                far.spawn(false, store);
            }
        })
    }

    /// As [`wait_async`](Self::wait_async), on this thread.
    pub(super) fn wait(self) {
        let far = self.pending.inner.far.clone();
        let _ = far.wait(self.wait_async());
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
        if scope::is_off(self) {
            return None;
        }
        let cache = self.here().into_owned();
        let core = &cache.core;
        let (far, address) = core.far_address(key).filter(|_| core.live.is_enabled())?;
        let before = core.before_load(core.hash_one(key));
        let found = far.clone().peek(address, far.budget()).await?;
        core.keep(key, &found, before);
        Some(found.value)
    }

    pub(super) fn get_far(&self, key: &K) -> Option<V> {
        if scope::is_off(self) { None } else { self.here().far_value(key) }
    }

    /// As [`get_far`](Self::get_far), of this very cache.
    pub(super) fn far_value(&self, key: &K) -> Option<V> {
        let core = &self.core;
        let (far, address) = core.far_address(key).filter(|_| core.live.is_enabled())?;
        let before = core.before_load(core.hash_one(key));
        let found = far.wait(far.clone().peek(address, far.budget()))??;
        core.keep(key, &found, before);
        Some(found.value)
    }

    /// As [`insert`](Self::insert).
    ///
    /// Cancel-safe: dropped meanwhile, the value may be in some of the tiers and not in others.
    pub async fn insert_async(&self, key: K, value: V) -> Delivery {
        let cache = self.here().into_owned();
        let has_tags = cache.core.tags_of(&key).is_some();
        let far = cache.core.far_address(&key).filter(|_| !has_tags).map(|(far, address)| (far.clone(), address));
        let Some((far, address)) = far else {
            return self.insert_with(key, value, None, None);
        };
        let ttl = cache.core.inserted_ttl(&value, None);
        let delivery = far.replace(cache.core.insertion(address, value.clone(), ttl)).await;
        cache.insert_near(key, value, ttl, None);
        delivery
    }

    /// Without a ttl it removes what is there.
    pub(super) fn insert_far(&self, key: &K, value: &V, ttl: Option<u64>) -> Option<Delivery> {
        let core = &self.core;
        let (far, address) = core.far_address(key)?;
        let replace = far.clone().replace(core.insertion(address.clone(), value.clone(), ttl));
        Some(far.wait(replace).unwrap_or_else(|| {
            // What is there is invalid, and will be removed.
            drop(far.clone().invalidate(address));
            Delivery::Queued
        }))
    }

    /// As [`invalidate`](Self::invalidate).
    ///
    /// Cancel-safe: dropped meanwhile, it goes on.
    pub async fn invalidate_async(&self, key: &K) -> Delivery {
        let cache = self.here().into_owned();
        let hash = cache.core.hash_one(key);
        cache.core.invalidate(hash, |other| other == key);
        let Some((far, address)) = cache.core.far_address(key) else { return Delivery::Local };
        // Again, also when this is dropped: what was read from the tiers in between is in memory.
        let again = AtLast(|| cache.core.invalidate(hash, |other| other == key));
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
        let Some(far) = cache.core.far().cloned() else { return Delivery::Local };
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

impl<K: Key, V: Value> Core<K, V> {
    /// Keeps near what a far tier had.
    pub(super) fn keep(&self, key: &K, found: &Found<V>, before: super::core::Before) {
        if self.is_near() {
            self.store_found(self.hash_one(key), key.clone(), found, before, None);
        }
    }
}
