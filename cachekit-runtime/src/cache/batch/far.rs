//! What a batch does with the far tiers: one look at each for all of its elements, and one store.

use super::{
    super::map::Borrowed,
    super::{
        Cache,
        core::Before,
        far_tiers::{Answer, Pending, Said, Store},
        lead::Load,
        timeout::race,
    },
    Batch, batch,
    elements::Elements,
};
use crate::{
    backend::Address,
    far::{Asked, Far, Fill, Found, Question, Sealed},
    key::Key,
    outcome::{Delivery, Outcome},
    output::{Plain, Value},
};
use std::{future::Future, pin::Pin, sync::Arc};

/// A value on its way, and what is done if an invalidation was faster.
type Filled = (Fill, Sealed, Option<Box<dyn FnOnce() + Send>>);

/// What becomes of a run's elements in the far tiers.
pub(super) struct Stores<S> {
    far: Option<Arc<Far<S>>>,
    filled: Vec<Filled>,
    /// Nothing is stored, and the witness given back.
    given_up: Vec<Fill>,
    /// When the waits of the call are over.
    until: u64,
}

/// One of each entry.
type Questions<S> = Vec<Question<S>>;

type Asking<S> = Pin<Box<dyn Future<Output = Vec<Told<S>>> + Send>>;

/// What the tiers say of one element.
struct Told<S> {
    asked: Asked<S>,
    /// Another process fills it.
    is_locked: bool,
}

impl<S: Value> Stores<S> {
    pub(super) fn new() -> Self {
        Stores { far: None, filled: Vec::new(), given_up: Vec::new(), until: 0 }
    }

    /// Its number.
    pub(super) fn push(&mut self, store: Store<S>) -> usize {
        let (far, until, fill, sealed, forget) = store.into_parts();
        self.until = self.until.max(until);
        self.far.get_or_insert(far);
        self.filled.push((fill, sealed, forget));
        self.filled.len() - 1
    }

    pub(super) fn abandon(&mut self, pending: Option<Pending<S>>) {
        let Some((far, fill)) = pending.map(Pending::into_parts) else { return };
        if fill.has_witness() {
            self.far.get_or_insert(far);
            self.given_up.push(fill);
        }
    }

    fn into_future(self) -> Option<(Arc<Far<S>>, u64, impl Future<Output = Vec<bool>> + Send + 'static)> {
        let Stores { far, filled, given_up, until } = self;
        let far = far?;
        let storing = far.clone();
        let whole = async move {
            let (mut fills, mut forgets) = (Vec::with_capacity(filled.len()), Vec::with_capacity(filled.len()));
            for (fill, sealed, forget) in filled {
                fills.push((fill, sealed));
                forgets.push(forget);
            }
            let stored = storing.clone().store_many(fills).await;
            for (forget, is_current) in forgets.into_iter().zip(&stored) {
                if let (Some(forget), false) = (forget, is_current) {
                    forget();
                }
            }
            storing.abandon_many(given_up).await;
            stored
        };
        Some((far, until, whole))
    }

    /// `wait`: while the call's time lasts; then it goes on alone. By the number of each store, `false` where an invalidation had come in between, as far
    /// as that is known.
    pub(super) fn run(self, wait: bool) -> Vec<bool> {
        let Some((far, until, storing)) = self.into_future() else { return Vec::new() };
        if !wait {
            far.spawn_from_thread(async move { _ = storing.await });
            return Vec::new();
        }
        let waited = far.clone();
        far.wait(async move { within(waited, until, storing).await }).unwrap_or_default()
    }

    /// As [`run`](Self::run), without blocking.
    pub(super) async fn run_async(self, wait: bool) -> Vec<bool> {
        if !wait {
            self.run_alone();
            return Vec::new();
        }
        let Some((far, until, storing)) = self.into_future() else { return Vec::new() };
        within(far, until, storing).await
    }

    /// Without the caller, which is a task.
    pub(super) fn run_alone(self) {
        if let Some((far, _, storing)) = self.into_future() {
            far.spawn(false, async move { _ = storing.await });
        }
    }
}

async fn within<S, F>(far: Arc<Far<S>>, until: u64, storing: F) -> Vec<bool>
where
    S: Value,
    F: Future<Output = Vec<bool>> + Send + 'static,
{
    let mut storing = Box::pin(storing);
    let stored = race(storing.as_mut(), far.sleep_until(until)).await;
    if stored.is_none() {
        far.spawn(false, async move { _ = storing.await });
    }
    stored.unwrap_or_default()
}

impl<K: Key, S: Value, V: Value> Elements<K, S, V> {
    /// Gives what the far tiers have; what they do not have is left to the body. What other processes are filling is waited for once nothing else is
    /// left to do, one at a time and with no lock held, so that two processes that overlap in any order do not wait for each other.
    pub(super) fn ask_far(&mut self) {
        loop {
            let waited = self.next();
            if let Some((far, until, asking)) = self.question() {
                // Without a thread to ask from, the body answers.
                let told = far.wait(asking);
                self.told(&far, until, told);
            }
            self.led.splice(0..0, waited);
            let Some((far, until, asking)) = self.patient_question() else { return };
            let told = far.wait(asking);
            self.told(&far, until, told);
        }
    }

    /// As [`ask_far`](Self::ask_far), without blocking.
    pub(super) async fn ask_far_async(&mut self) {
        loop {
            let waited = self.next();
            if let Some((far, until, asking)) = self.question() {
                let told = asking.await;
                self.told(&far, until, Some(told));
            }
            self.led.splice(0..0, waited);
            let Some((far, until, asking)) = self.patient_question() else { return };
            let told = asking.await;
            self.told(&far, until, Some(told));
        }
    }

    fn questions(&mut self) -> Option<(Arc<Far<S>>, Questions<S>)> {
        if !self.core.settings.far.is_far() {
            return None;
        }
        let core = self.core.clone();
        let far = core.far()?;
        let mut asked = Vec::with_capacity(self.led.len());
        let mut unaskable = Vec::new();
        for (at, mut load) in std::mem::take(&mut self.led) {
            match load.question() {
                Some((_, address)) => {
                    asked.push(load.asking(&far, address));
                    self.led.push((at, load));
                }
                // Its key cannot be written: it is computed and stays in memory.
                None => unaskable.push((at, load)),
            }
        }
        self.led.append(&mut unaskable);
        (!asked.is_empty()).then(|| (far.clone(), asked))
    }

    fn question(&mut self) -> Option<(Arc<Far<S>>, u64, Asking<S>)> {
        let (far, questions) = self.questions()?;
        let budget = far.budget();
        let until = budget.deadline();
        let asking = far.clone().ask_many(questions, budget);
        let told = async move {
            let told = asking.await.into_iter();
            told.map(|(asked, is_locked)| Told { asked, is_locked }).collect::<Vec<_>>()
        };
        Some((far, until, Box::pin(told)))
    }

    /// About the first of those that other processes fill, as a single call asks, which waits. The others are asked for again after it, without waiting:
    /// what is free then is run together with it.
    fn patient_question(&mut self) -> Option<(Arc<Far<S>>, u64, Asking<S>)> {
        if !self.led.is_empty() || self.locked.is_empty() {
            return None;
        }
        self.led.push(self.locked.remove(0));
        self.unasked = std::mem::take(&mut self.locked);
        let (far, mut questions) = self.questions()?;
        let (budget, question) = (far.budget(), questions.pop()?);
        let until = budget.deadline();
        let asking = far.clone().ask(question, budget);
        let told = async move { vec![Told { asked: asking.await, is_locked: false }] };
        Some((far, until, Box::pin(told)))
    }

    /// In the order of what is led.
    fn told(&mut self, far: &Arc<Far<S>>, until: u64, told: Option<Vec<Told<S>>>) {
        let mut told = told.into_iter().flatten();
        for (at, mut load) in std::mem::take(&mut self.led) {
            let Some(Told { asked, is_locked }) = told.next() else {
                self.led.push((at, load));
                continue;
            };
            if is_locked {
                self.locked.push((at, load));
                continue;
            }
            match load.answered(Answer::Asked(Box::new(Said { asked, far: far.clone(), until }))) {
                Some(found) => {
                    let stored = Load::settle_found::<S, Plain>(load, found, &mut Outcome::new());
                    self.answer(at, stored);
                }
                None => self.led.push((at, load)),
            }
        }
    }
}

/// What was found of the elements of these numbers.
type Fetched<S> = Vec<Option<Found<S>>>;

/// The numbers of what is fetched, each with the moment before.
type Fetching = Vec<(usize, Before)>;

impl<K: Key, S: Value, V: Value> Batch<K, S, V> {
    /// As [`fetch`](Self::fetch), without blocking.
    pub(super) async fn fetch_async(&mut self) {
        if let Some((far, fetching, addresses)) = self.to_fetch() {
            let fetched = far.peek_many(addresses).await;
            self.fetched(fetching, fetched);
        }
    }

    /// What the far tiers have of what is wanted.
    pub(super) fn fetch(&mut self) {
        let Some((far, fetching, addresses)) = self.to_fetch() else { return };
        if let Some(fetched) = far.wait(far.clone().peek_many(addresses)) {
            self.fetched(fetching, fetched);
        }
    }

    fn to_fetch(&self) -> Option<(Arc<Far<S>>, Fetching, Questions<S>)> {
        let core = self.cache.here().core.clone();
        let far = core.far().filter(|_| core.live.is_enabled())?;
        let (mut fetching, mut addresses) = (Vec::new(), Vec::new());
        for (at, wanted) in self.wanted.iter().enumerate() {
            if let Some(key) = &wanted.key
                && let before = core.before_load(wanted.hash)
                && let Some((_, address)) = core.far_address(key)
            {
                fetching.push((at, before));
                addresses.push(core.peeking(&far, address, key));
            }
        }
        Some((far.clone(), fetching, addresses))
    }

    fn fetched(&mut self, fetching: Fetching, fetched: Fetched<S>) {
        let core = self.cache.here().core.clone();
        for ((at, before), found) in fetching.into_iter().zip(fetched) {
            if let (Some(wanted), Some(found)) = (self.wanted.get_mut(at), found) {
                if let Some(key) = &wanted.key {
                    core.keep(key, &found, before);
                }
                wanted.answer = (self.sharing.unwrap)(found.value);
            }
        }
    }
}

/// What is done whatever happens.
struct AtLast<F: Fn()>(F);

impl<F: Fn()> Drop for AtLast<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

impl<K: Key, V: Value> Cache<K, V> {
    /// As [`get_many`](Self::get_many), without blocking.
    ///
    /// Cancel-safe.
    pub async fn get_many_async(&self, keys: &[K]) -> Vec<Option<V>> {
        let mut wanted = batch(self, keys.len()).getting();
        keys.iter().for_each(|key| wanted.look(&Borrowed::<K, K>::new(key)));
        wanted.get_async().await
    }

    /// As [`invalidate_many`](Self::invalidate_many), without blocking.
    ///
    /// Cancel-safe: dropped meanwhile, it goes on.
    pub async fn invalidate_many_async(&self, keys: &[K]) -> Delivery {
        self.invalidate_keys_async(keys).await
    }

    pub(crate) async fn invalidate_keys_async(&self, keys: &[K]) -> Delivery {
        let cache = self.here().into_owned();
        cache.invalidate_near(keys);
        let Some((far, addresses)) = cache.addresses(keys) else { return Delivery::Local };
        // Again, also when this is dropped: what was read from the tiers in between is in memory.
        let again = AtLast(|| cache.invalidate_near(keys));
        let delivery = far.invalidate_many(addresses).await;
        drop(again);
        delivery
    }

    pub(super) fn invalidate_many_far(&self, keys: &[K]) -> Delivery {
        let Some((far, addresses)) = self.addresses(keys) else { return Delivery::Local };
        far.wait(far.clone().invalidate_many(addresses.clone())).unwrap_or_else(|| {
            let telling = far.clone();
            far.spawn(true, async move { _ = telling.invalidate_many(addresses).await });
            Delivery::Queued
        })
    }

    fn addresses(&self, keys: &[K]) -> Option<(Arc<Far<V>>, Vec<Address>)> {
        let far = self.core.far()?;
        let addresses = keys.iter().filter_map(|key| self.core.far_address(key)).map(|(_, address)| address);
        Some((far.clone(), addresses.collect()))
    }
}
