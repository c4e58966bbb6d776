//! Background refreshes: a value past its refresh point or its ttl is given at once, and one caller's arguments recompute it.

use super::{
    Core,
    lead::{Load, Replaces},
    miss::{Miss, Plan},
};
use crate::{
    background::{Pool, block_on},
    flight::map::{Joined, Lead},
    key::Key,
    outcome::{Outcome, OutcomeKind},
    output::{Output, OutputKind, Share, Value},
    scope,
    tags::TagSet,
};
use std::sync::Arc;

/// Why a refresh is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Past the refresh point, still fresh.
    Ahead,
    /// Past the ttl.
    Stale,
}

/// A value that is given although it is due for a refresh. The call has been counted.
pub struct Stale<K, V> {
    /// Boxed as a [`Miss`] is.
    inner: Box<Due<K, V>>,
}

struct Due<K, V> {
    core: Arc<Core<K, V>>,
    hash: u64,
    key: K,
    value: V,
}

/// The right and the duty to refresh a value. Dropped unused, another caller gets it: past the ttl the next one, before it one after half of the
/// time that was left.
#[must_use = "a refresh does nothing until it is spawned"]
pub struct Refresh<K, V> {
    core: Arc<Core<K, V>>,
    hash: u64,
    key: K,
    tags: Option<TagSet>,
    lead: Lead<K, V>,
}

// Bounds are those of the methods: an unmet one of an impl is another error, about a method that is not there.
impl<K, V> Stale<K, V> {
    /// The value alone; nobody refreshes it.
    #[inline(never)]
    pub fn into_value(self) -> V {
        self.inner.value
    }

    pub(super) fn new(core: Arc<Core<K, V>>, hash: u64, key: K, value: V) -> Self {
        Stale { inner: Box::new(Due { core, hash, key, value }) }
    }

    /// A dry run computes, as for any hit.
    pub(super) fn compared(self, report: Arc<scope::Report>) -> Miss<K, V>
    where
        K: Key,
        V: Value,
    {
        let Due { core, hash, key, value } = *self.inner;
        Miss::new(core, hash, Some(key), Plan::Compare(value, report))
    }

    /// The value, and for one caller at a time the right to refresh it.
    pub fn claim(self) -> (V, Option<Refresh<K, V>>)
    where
        K: Key,
        V: Value,
    {
        let Due { core, hash, key, value } = *self.inner;
        let refresh = match core.flights.join_to_refresh(hash, &key) {
            Joined::Follow(_) => None,
            Joined::Lead(lead) if core.is_fresh(hash, &key) => {
                lead.finish(|| None);
                None
            }
            Joined::Lead(lead) => {
                core.postpone_refresh(hash, |other| *other == key);
                let tags = core.tags_of(&key);
                lead.set_tags(tags.clone());
                Some(Refresh { core, hash, key, tags, lead })
            }
        };
        (value, refresh)
    }

    /// `refresh = "inline"`: one caller at a time recomputes and waits, the others get the value.
    pub fn claim_inline(self) -> Result<V, Miss<K, V>>
    where
        K: Key,
        V: Value,
    {
        let Due { core, hash, key, value } = *self.inner;
        match core.flights.join_to_refresh(hash, &key) {
            Joined::Follow(_) => Ok(value),
            Joined::Lead(lead) if core.is_fresh(hash, &key) => {
                lead.finish(|| None);
                Ok(value)
            }
            Joined::Lead(lead) => {
                core.postpone_refresh(hash, |other| *other == key);
                lead.set_tags(core.tags_of(&key));
                Err(Miss::new(core, hash, Some(key), Plan::Renew(lead, value)))
            }
        }
    }
}

impl<K: Key, V: Value> Refresh<K, V> {
    /// As [`Miss::tags`].
    pub fn tags<const N: usize>(mut self, tags: [String; N]) -> Self {
        self.tags = self.core.tags_beside(&self.key, tags);
        self.lead.set_tags(self.tags.clone());
        self
    }

    fn into_load(self) -> Load<K, V> {
        self.core.counters.refresh();
        Load::new(self.core, self.hash, self.key, self.tags, Some(self.lead)).replacing(Replaces::Due)
    }

    /// Refreshes on cachekit's own pool. Skipped when the pool is full or shut down; another caller tries again.
    pub fn spawn<R, M>(self, output: Output<R, M>, load: impl FnOnce() -> R + Send + 'static)
    where
        R: 'static,
        M: OutputKind<R, Stored = V> + 'static,
    {
        let scope = scope::current();
        let mut refresh = Some(self);
        let job = move || {
            let _entered = scope.map(scope::Entered::enter);
            if let Some(refresh) = refresh.take() {
                refresh.into_load().run(output, Share::NOTHING, OutcomeKind::Miss, &mut Outcome::new(), load);
            }
        };
        Pool::global().try_spawn(Box::new(job));
    }

    /// Refreshes in a task of the caller's tokio runtime; without one, on cachekit's own pool. Where it asks backends, it is skipped while very many of the cache are under way, as
    /// there are when a tag of many entries was made stale: another caller tries again.
    pub fn spawn_async<R, M, Fut>(self, output: Output<R, M>, load: impl FnOnce() -> Fut + Send + 'static)
    where
        R: 'static,
        M: OutputKind<R, Stored = V> + 'static,
        Fut: Future<Output = R> + Send + 'static,
    {
        let Some(turn) = self.core.turn() else { return };
        let scope = scope::current();
        let refresh = async move {
            let _turn = turn;
            let load_of = Box::new(self.into_load());
            load_of.run_async(output, Share::NOTHING, OutcomeKind::Miss, &mut Outcome::new(), load).await;
        };
        spawn_future(scope::within(scope, refresh));
    }
}

/// Runs a future that nobody waits for, counted for `flush` and `shutdown`; dropped if they refuse it.
pub(super) fn spawn_future(future: impl Future<Output = ()> + Send + 'static) {
    #[cfg(feature = "tokio")]
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        let Some(guard) = crate::background::TaskGuard::begin() else { return };
        runtime.spawn(guard.cover(future));
        return;
    }
    if crate::background::is_shut_down() {
        return;
    }
    Pool::global().try_spawn(Box::new(move || block_on(future)));
}
