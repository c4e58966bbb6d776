//! What a cache does with its far tiers: look there before a load, store there after it, invalidate there.

use super::{
    Core,
    alone::{Alone, SeenAlone},
    arrangement::Arrangement,
    core::Before,
    explain::FarPlaces,
    keys_met::KeysMet,
    lead::{After, Load, Replaces},
    near_index::NearIndex,
    timeout::race,
    turn::{Turn, Turns},
};
use crate::{
    Error,
    backend::{Address, Failure},
    far::{Accept, Asked, Far, Fill, Found, Insertion, LEASE, Question, Sealed, Watch},
    flight::{map::Lead, state::Payload},
    key::Key,
    outcome::{Outcome, OutcomeKind, RemovalCause, Tier},
    output::{OutputKind, Share, Value},
    stats::FarStats,
    tags::TagSet,
    time::{NEVER, duration, nanos},
};
use std::{
    pin::Pin,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// What the tiers are about to answer.
type Asking<V> = Pin<Box<dyn Future<Output = Answer<V>> + Send>>;

/// The far tiers of a cache, made when the first call needs them.
pub(super) struct FarTiers<K, V> {
    pub(super) arrangement: Arrangement<V>,
    met: KeysMet<K>,
    /// Of a scope: it has places of its own.
    pub(super) is_isolated: bool,
    pub(super) index: NearIndex,
    has_tags: AtomicBool,
    turns: Turns,
    pub(super) alone: Alone,
    pub(super) core: Weak<Core<K, V>>,
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
pub(super) enum Answer<V> {
    /// A fresh value.
    Found(Found<V>),
    /// Boxed, because most calls find their value.
    Asked(Box<Said<V>>),
}

pub(super) struct Said<V> {
    pub(super) asked: Asked<V>,
    pub(super) far: Arc<Far<V>>,
    pub(super) until: u64,
}

/// What a look at the far tiers finds that loads nothing.
pub(super) type Peek<V> = Pin<Box<dyn Future<Output = Option<(Found<V>, Before)>> + Send>>;

/// A value on its way into the far tiers.
pub(super) struct Store<V> {
    pending: Pending<V>,
    sealed: Box<Sealed>,
    /// Takes the value out of memory, where it was put before another process's invalidation was seen.
    forget: Option<Box<dyn FnOnce() + Send>>,
}

impl<K, V> FarTiers<K, V> {
    pub(super) fn new() -> Self {
        FarTiers {
            arrangement: Arrangement::new(),
            met: KeysMet::new(),
            is_isolated: false,
            index: NearIndex::default(),
            has_tags: AtomicBool::new(false),
            turns: Turns::default(),
            alone: Alone::default(),
            core: Weak::new(),
        }
    }

    pub(super) fn of(mut self, core: Weak<Core<K, V>>) -> Self {
        self.core = core;
        self
    }

    /// Is nothing in memory to be used without asking, because the tier that others change has not said for too long that it has told everything?
    #[inline]
    pub(super) fn is_unleased(&self) -> bool {
        self.arrangement.is_unleased()
    }

    /// As that, where its places have always been the same: for hits.
    #[inline]
    pub(super) fn is_first_unleased(&self) -> bool {
        self.arrangement.is_first_unleased()
    }

    pub(super) fn watching(&self) -> Option<Arc<Watch>> {
        self.arrangement.watching()
    }

    pub(super) fn is_watched_by(&self, watch: &Arc<Watch>) -> bool {
        self.arrangement.is_watched_by(watch)
    }

    pub(super) fn has_tags(&self) -> bool {
        self.has_tags.load(Ordering::Acquire)
    }

    /// `true`: it had none until now.
    pub(super) fn note_tags(&self) -> bool {
        !self.has_tags.swap(true, Ordering::AcqRel)
    }

    pub(super) fn of_scope() -> Self {
        FarTiers { is_isolated: true, ..Self::new() }
    }

    /// Those that a call has needed.
    #[cfg(feature = "registry")]
    pub(super) fn open(&self) -> Option<Arc<Far<V>>> {
        self.arrangement.open()
    }

    pub(super) fn stats(&self) -> FarStats {
        self.arrangement.open().map(|far| far.counters.snapshot()).unwrap_or_default()
    }
}

impl<K: Key, V: Value> Core<K, V> {
    /// To be noted by who has begun to lead a flight.
    #[inline]
    pub(super) fn flight_begins(&self, lead: Option<&Lead<K, V>>) {
        if let (Some(_), Some(lead)) = (self.far_tiers.watching(), lead) {
            lead.flight.begin(self.now());
        }
    }

    /// Before a call joins a flight of the key: while this process may have missed what was told, what began longer ago than a copy may be old answers no call of now. A process
    /// that was held up as a whole finds its flights as it left them.
    #[inline]
    pub(super) fn leave_old_flight(&self, hash: u64, key: &K) {
        if self.far_tiers.is_unleased() {
            let oldest = self.now().saturating_sub(nanos(LEASE));
            self.flights.cut_off_begun_before(oldest, hash, |other| other == key);
        }
    }

    /// To be held by a refresh; `None`: too many are under way.
    pub(super) fn turn(&self) -> Option<Turn> {
        if self.settings.far.is_far() { self.far_tiers.turns.take() } else { Some(Turn::FREE) }
    }

    /// Where the entry of a key is in the far tiers.
    pub(super) fn far_address(&self, key: &K) -> Option<(Arc<Far<V>>, Address)> {
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
        let address = far.address(text);
        Some((far, address))
    }

    /// Where the far tiers have the entry of a key, for `explain`.
    pub(super) fn far_places(&self, key: Option<K>) -> FarPlaces {
        let Some(far) = self.far() else { return FarPlaces::default() };
        let identity = far.identity();
        FarPlaces {
            backends: far.names(),
            not_asked: far.names_of_open(),
            are_asked: false,
            address: key.and_then(|key| self.far_address(&key)).map(|(_, address)| address.to_string()),
            tied_to_build: identity.opaque.filter(|_| identity.is_tied_to_executable).map(|opaque| opaque.to_string()),
        }
    }

    pub(super) fn insertion(
        &self,
        address: Address,
        value: V,
        ttl: Option<u64>,
        tags: Option<&TagSet>,
    ) -> Insertion<V> {
        if let (Some(_), Some(far)) = (tags, self.far()) {
            self.enlist_for_tags(&far);
        }
        let ttl = ttl.filter(|_| !tags.is_some_and(TagSet::is_void));
        Insertion { address, tags: names_of(tags), captured: None, value, ttl, if_error: self.stale_if_error() }
    }

    /// Its backends have entries with tags, whose invalidations they are told from now on.
    pub(super) fn enlist_for_tags(&self, far: &Far<V>) {
        if self.far_tiers.note_tags() {
            self.tell_of_tags(far);
        }
    }

    pub(super) fn tell_of_tags(&self, far: &Far<V>) {
        far.links().for_each(|link| self.tags.enlist(link));
        far.has_tags();
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
        let question = self.core.far_address(key);
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
        self.traced.failed();
        if let Some(lead) = self.lead.take() {
            // Those who wait ask for themselves.
            lead.finish(|| None);
        }
        Some(output)
    }

    /// What a far tier has of the key, unless this load is to replace it. Otherwise notes what the fill needs. `None`: there is nobody to ask; so the
    /// future of a cache in memory alone stays small.
    pub(super) fn ask_far_async(&mut self) -> Option<Asking<V>> {
        self.far_question().map(|(_, asking)| asking)
    }

    /// The tiers that are asked, and the asking: those of one moment.
    fn far_question(&mut self) -> Option<(Arc<Far<V>>, Asking<V>)> {
        if self.is_asked {
            return None;
        }
        let seen = self.seen.take();
        // Its tiers may have become others since.
        let is_there = |seen: &SeenAlone<V>| self.core.far().is_some_and(|far| Arc::ptr_eq(&far, &seen.far));
        let (far, budget, mut question) = match seen {
            Some(seen) if is_there(&seen) => {
                let SeenAlone { far, address, budget, glimpse } = *seen;
                let mut question = self.asking(&far, address);
                // What was invalidated or cleared since is asked for anew: this flight has begun after that.
                question.glimpse = glimpse.filter(|glimpse| far.is_of_now(&question.address, glimpse));
                (far, budget, question)
            }
            seen => {
                let (far, address) = self.question()?;
                let budget = seen.map_or_else(|| far.budget(), |seen| seen.budget);
                let question = self.asking(&far, address);
                (far, budget, question)
            }
        };
        let asked = far.clone();
        let asking = Box::pin(async move {
            let far = asked;
            if let Some(found) = far.glimpse(&mut question, &budget).await {
                return Answer::Found(found);
            }
            let until = budget.deadline();
            // In a box of its own: the future of a hit stays small.
            let asked = Box::pin(far.clone().ask(question, budget)).await;
            Answer::Asked(Box::new(Said { asked, far, until }))
        });
        Some((far, asking))
    }

    /// What is asked for.
    pub(super) fn asking(&self, far: &Far<V>, address: Address) -> Question<V> {
        if self.tags.is_some() {
            self.core.enlist_for_tags(far);
        }
        Question {
            known: self.key.as_ref().and_then(|key| self.core.known(self.hash, key)),
            sight: self.core.sight(far, &address, self.hash),
            address,
            accept: self.accept(),
            tags: names_of(self.tags.as_ref()),
            refresh: (self.replaces == Replaces::Due)
                .then(|| self.key.as_ref().map(|key| self.core.refresh_lease(self.hash, key)))
                .flatten(),
            takes_stale: self.confirming_since.is_some(),
            glimpse: None,
        }
    }

    /// As [`ask_far_async`](Self::ask_far_async), on this thread.
    pub(super) fn ask_far(&mut self) -> Option<Found<V>> {
        let (far, asking) = self.far_question()?;
        let answer = far.wait(asking)?;
        self.answered(answer)
    }

    /// The value, if there is one.
    pub(super) fn answered(&mut self, answer: Answer<V>) -> Option<Found<V>> {
        let said = match answer {
            Answer::Found(found) => return Some(found),
            Answer::Asked(said) => *said,
        };
        let Said { asked: Asked { found, stale, fill, failed, is_elsewhere }, far, until } = said;
        self.failed = failed.map(Box::new);
        if found.is_some() {
            return found;
        }
        if let (Some(_), Some(key), Some(outage)) = (&self.failed, &self.key, self.core.near_outage())
            && self.replaces != Replaces::Everything
            && let Some(value) = self.core.in_an_outage(self.hash, key, outage)
        {
            self.failed = None;
            return Some(value);
        }
        let revalidate = nanos(self.core.stale_while_revalidate());
        // What is past its ttl is for loads that fail.
        let may_be_given = |stale: &Found<V>| stale.stale_for > 0 && stale.stale_for < revalidate;
        // Its value will be taken from the tier when this one is due again.
        if is_elsewhere
            && let Some(key) = &self.key
            && let Some(value) = self.core.due(self.hash, key).or_else(|| stale.clone().filter(may_be_given))
        {
            if fill.has_witness() {
                far.spawn_from_thread(far.clone().abandon(fill));
            }
            return Some(value);
        }
        let if_error = self.core.stale_if_error();
        let is_good = |stale: &Found<V>| if_error > Duration::ZERO && stale.stale_for < nanos(if_error);
        let stale = stale.filter(is_good).map(|stale| stale.value);
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
        let kind = if found.is_stale() { OutcomeKind::StaleHit } else { OutcomeKind::Hit };
        trace.found(kind, found.tier, found.age);
        self.traced.found(found.tier);
        if self.core.is_near()
            && let Some(key) = self.key.take()
        {
            if found.is_known && found.tier == Tier::Memory {
                if let Some(tie) = &found.tie {
                    self.core.trust_again(self.hash, &key, tie);
                }
                return self.give::<R, M>(found.value);
            }
            let flight = self.lead.as_ref().map(|lead| lead.flight.clone());
            self.core.store_found(self.hash, key, &found, self.before, flight.as_deref());
        }
        self.give::<R, M>(found.value)
    }

    fn give<R, M>(&mut self, value: V) -> R
    where
        M: OutputKind<R, Stored = V>,
    {
        if let Some(lead) = self.lead.take() {
            lead.finish(|| Some(Payload::Value(value.clone())));
        }
        M::wrap(value)
    }

    /// What becomes of the value in the far tiers.
    pub(super) fn after<R, M>(&mut self, loaded: R) -> After<R, V, Store<V>>
    where
        M: OutputKind<R, Stored = V>,
    {
        let Some(mut pending) = self.pending.take() else { return After::Settle(loaded) };
        // With more tags than are honoured it would outlive the invalidation of those that are left out.
        let value = M::stored(&loaded).filter(|_| !self.tags.as_ref().is_some_and(TagSet::is_void));
        let ttl = value.and_then(|value| self.ttl_of(value));
        let sealed = value.zip(ttl).and_then(|(value, ttl)| self.seal(&pending, value, ttl));
        if self.core.is_near() {
            self.tie = sealed.as_ref().and_then(|sealed| sealed.tie.clone());
        }
        match (sealed, value) {
            (Some(sealed), _) if self.core.is_near() => {
                let forget = self.forget();
                After::Detach(loaded, Store { pending, sealed, forget })
            }
            (Some(sealed), Some(value)) => After::Wait(value.clone(), Store { pending, sealed, forget: None }),
            _ => {
                // For `stale_if_error`, where memory has nothing.
                self.instead = self.instead.take().or_else(|| pending.stale());
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
        let sealed = pending.inner.far.seal(&pending.inner.fill, value, ttl, self.core.stale_if_error());
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

    /// `false`: another process has invalidated the entry meanwhile.
    fn into_future(self) -> (Arc<Far<V>>, u64, impl Future<Output = bool> + Send + 'static) {
        let Left { far, fill, until, .. } = *self.pending.inner;
        let budget = far.budget();
        // In a box: each future that it is handed through would have room for it twice.
        let store = Box::pin(far.clone().store(fill, *self.sealed, budget));
        let forget = self.forget;
        let whole = async move {
            let is_current = store.await;
            if !is_current && let Some(forget) = forget {
                forget();
            }
            is_current
        };
        (far, until, whole)
    }

    /// Stores without the caller, which is a task.
    pub(super) fn detach(self) {
        let (far, _, store) = self.into_future();
        far.spawn(false, async move { _ = store.await });
    }

    /// As [`detach`](Self::detach), for a caller that is a thread.
    pub(super) fn detach_from_thread(self) {
        let (far, _, store) = self.into_future();
        far.spawn_from_thread(async move { _ = store.await });
    }

    /// Waits for the store while the call's time lasts; then it goes on alone. `false`: another process has invalidated the entry meanwhile.
    pub(super) fn wait_async(self) -> Pin<Box<dyn Future<Output = bool> + Send>> {
        let (far, until, store) = self.into_future();
        let mut store = Box::pin(store);
        Box::pin(async move {
            let stored = race(store.as_mut(), far.sleep_until(until)).await;
            if stored.is_none() {
                far.spawn(false, async move { _ = store.await });
            }
            stored.unwrap_or(true)
        })
    }

    /// As [`wait_async`](Self::wait_async), on this thread.
    pub(super) fn wait(self) -> bool {
        let far = self.pending.inner.far.clone();
        far.wait(self.wait_async()).unwrap_or(true)
    }
}

impl<K: Key, V: Value> Core<K, V> {
    /// What the far tiers have, on the way, and what is to be noted before they are asked.
    pub(super) fn peek(&self, hash: u64, key: &K) -> Option<(Arc<Far<V>>, Peek<V>)> {
        self.look_far(hash, key, true)
    }

    /// As [`peek`](Self::peek), of somebody who operates the cache: it counts as no use.
    pub(super) fn inspect_far(&self, hash: u64, key: &K) -> Option<(Arc<Far<V>>, Peek<V>)> {
        self.look_far(hash, key, false)
    }

    fn look_far(&self, hash: u64, key: &K, is_use: bool) -> Option<(Arc<Far<V>>, Peek<V>)> {
        let (far, address) = self.far_address(key)?;
        let before = self.before_load(hash);
        let looking = far.clone().peek(self.peeking(&far, address, key), far.budget(), is_use);
        Some((far, Box::pin(async move { looking.await.map(|found| (found, before)) })))
    }

    /// Keeps near what a far tier had.
    pub(super) fn keep(&self, key: &K, found: &Found<V>, before: Before) {
        if self.is_near() {
            self.store_found(self.hash_one(key), key.clone(), found, before, None);
        }
    }
}

/// As backends know them.
pub(super) fn names_of(tags: Option<&TagSet>) -> Vec<String> {
    tags.into_iter().flat_map(TagSet::written).map(|(name, _)| name).collect()
}
