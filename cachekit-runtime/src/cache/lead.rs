//! One load: from its permit to what becomes of its result.

use super::{
    Core,
    bond::Tie,
    core::Before,
    far_tiers::Pending,
    store::Terms,
    traced::{Traced, end_of_dropped},
};
use crate::{
    Error,
    flight::{
        graph::{Executing, Node},
        map::Lead,
        permits::Permit,
        state::Payload,
    },
    key::Key,
    outcome::Outcome,
    output::{OutputKind, Share, Value},
    stats::{LoadEnd, Refusal},
    tags::TagSet,
};
use std::sync::Arc;

/// A load that is about to run, runs, or was dropped while it ran.
pub(super) struct Load<K, V> {
    pub(super) core: Arc<Core<K, V>>,
    pub(super) hash: u64,
    pub(super) key: Option<K>,
    pub(super) tags: Option<TagSet>,
    pub(super) before: Before,
    /// `None`: outside of single flight.
    pub(super) lead: Option<Lead<K, V>>,
    pub(super) node: Arc<Node>,
    permit: Option<Permit>,
    started: Option<u64>,
    pub(super) traced: Traced,
    /// Given instead of an error.
    pub(super) instead: Option<V>,
    /// What the far tiers need for a fill.
    pub(super) pending: Option<Pending<V>>,
    /// Of the copy in memory to what was stored for it.
    pub(super) tie: Option<Box<Tie>>,
    /// The ttl of the value, once it is known: it may be random in part, and is the same for all tiers.
    ttl: Option<Option<u64>>,
    pub(super) replaces: Replaces,
    /// Since when the far tiers are asked for it before it loads, also for what was made stale.
    pub(super) confirming_since: Option<u64>,
    /// What the call has seen in the far tier, alone.
    #[cfg(feature = "backend")]
    pub(super) seen: Option<Box<super::alone::SeenAlone<V>>>,
    /// The far tiers have been asked.
    #[cfg_attr(not(feature = "backend"), expect(dead_code, reason = "there are none"))]
    pub(super) is_asked: bool,
    /// Why the furthest tier gave no answer.
    #[cfg_attr(not(feature = "backend"), expect(dead_code, reason = "there are none"))]
    pub(super) failed: Option<Box<Error>>,
}

/// What comes after a load.
#[cfg_attr(not(feature = "backend"), expect(dead_code, reason = "there are no far tiers"))]
pub(super) enum After<R, V, S> {
    /// The far tiers get nothing.
    Settle(R),
    /// They get it without the caller.
    Detach(R, S),
    /// They get it first. The value alone: an output need not be `Send`, and is not there while this waits.
    Wait(V, S),
}

/// What there is already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Replaces {
    Nothing,
    /// A value that is due for a refresh.
    Due,
    /// Whatever there is.
    Everything,
}

impl<K: Key, V: Value> Load<K, V> {
    /// Past the cache: it stores nothing and nobody follows it, but it is counted, and takes a permit, like any other.
    pub(super) fn uncached(core: Arc<Core<K, V>>, hash: u64) -> Self {
        let before = core.before_load(hash);
        Load {
            core,
            hash,
            key: None,
            tags: None,
            before,
            lead: None,
            node: Arc::default(),
            permit: None,
            started: None,
            traced: Traced::default(),
            instead: None,
            pending: None,
            tie: None,
            ttl: None,
            replaces: Replaces::Nothing,
            confirming_since: None,
            #[cfg(feature = "backend")]
            seen: None,
            is_asked: false,
            failed: None,
        }
    }

    pub(super) fn new(
        core: Arc<Core<K, V>>,
        hash: u64,
        key: K,
        tags: Option<TagSet>,
        lead: Option<Lead<K, V>>,
    ) -> Self {
        let node = lead.as_ref().map_or_else(|| Arc::new(Node::default()), |lead| lead.flight.node.clone());
        core.flight_begins(lead.as_ref());
        let mut load = Load::uncached(core, hash);
        load.key = Some(key);
        load.tags = tags;
        load.lead = lead;
        load.node = node;
        load
    }

    pub(super) fn replacing(mut self, what: Replaces) -> Self {
        self.replaces = what;
        self
    }

    /// How long the value is to be kept; `None`: not at all.
    pub(super) fn ttl_of(&mut self, value: &V) -> Option<u64> {
        let core = &self.core;
        *self.ttl.get_or_insert_with(|| core.ttl_of(value))
    }

    /// An inline refresh: if the loader fails, this value, which is within its allowance, is given.
    pub(super) fn or_else_give(mut self, value: V) -> Self {
        self.instead = Some(value);
        self
    }

    /// Another process has invalidated the entry during the load: who waits has perhaps begun after that, and asks for itself.
    pub(super) fn outdated(&mut self) {
        if let Some(lead) = self.lead.take() {
            lead.finish(|| None);
        }
    }

    pub(super) fn hold(&mut self, permit: Permit) {
        if permit.is_over_limit() {
            self.core.counters.over_limit();
        }
        self.permit = Some(permit);
    }

    pub(super) fn start(&mut self) {
        self.core.counters.load_started();
        self.started = Some(self.core.clock.now());
    }

    pub(super) fn ended(&mut self, how: LoadEnd) {
        if let Some(started) = self.started.take() {
            let nanos = self.core.clock.now().saturating_sub(started);
            self.core.load_ended(how, nanos);
            self.traced.ended(how, nanos);
        }
        self.permit = None;
    }

    /// Decides what is stored, stores it, wakes the followers, and gives the caller its output.
    pub(super) fn settle<R, M>(mut self, loaded: R, share: Share<R>, trace: &mut Outcome) -> R
    where
        M: OutputKind<R, Stored = V>,
    {
        let is_error = M::is_error(&loaded);
        self.ended(if is_error { LoadEnd::Error } else { LoadEnd::Value });
        if is_error && let Some(stale) = self.stale_instead::<R, M>(trace) {
            return stale;
        }
        let Some(key) = self.key.take() else { return loaded };
        // Still on the stack: listeners and tests of the value may call the cache, and would wait for this flight.
        let _executing = Executing::enter(&self.node);
        let Some(value) = M::stored(&loaded) else {
            self.core.counters.store_refused(Refusal::NotCacheable);
            if let Some(lead) = self.lead.take() {
                lead.finish(|| share.pack(&loaded).map(Payload::Output));
            }
            return loaded;
        };
        let flight = self.lead.as_ref().map(|lead| lead.flight.clone());
        if self.core.is_near() {
            let terms = Terms::new(self.ttl_of(value), self.tags.take(), self.tie.take());
            self.core.store_loaded(self.hash, key, value, terms, self.before, flight.as_deref());
        }
        if let Some(lead) = self.lead.take() {
            lead.finish(|| Some(Payload::Value(value.clone())));
        }
        loaded
    }

    /// The load gave no value: nothing is stored, and the followers get what `payload` says.
    pub(super) fn settle_without(mut self, is_error: bool, payload: impl FnOnce() -> Option<Payload<V>>) {
        self.ended(if is_error { LoadEnd::Error } else { LoadEnd::Value });
        self.core.counters.store_refused(Refusal::NotCacheable);
        if let Some(lead) = self.lead.take() {
            lead.finish(payload);
        }
    }

    /// `stale_if_error`, or a failed inline refresh: a value that is not too old stands in for the error, for the followers too.
    pub(super) fn stale_instead<R, M>(&mut self, trace: &mut Outcome) -> Option<R>
    where
        M: OutputKind<R, Stored = V>,
    {
        let (allowance, key) = (self.core.stale_if_error(), self.key.as_ref()?);
        if let Some(value) = self.instead.take() {
            self.core.stale_instead(trace, None);
            if let Some(lead) = self.lead.take() {
                lead.finish(|| Some(Payload::Value(value.clone())));
            }
            return Some(M::wrap(value));
        }
        if allowance.is_zero() {
            return None;
        }
        let stale = self.core.find_stale(self.hash, |other| other == key, allowance);
        let (value, age) =
            stale.or_else(|| self.pending.as_mut().and_then(Pending::stale).map(|value| (value, None)))?;
        let output = M::wrap(value.clone());
        if M::is_error(&output) {
            return None;
        }
        self.core.stale_instead(trace, age);
        if let Some(lead) = self.lead.take() {
            lead.finish(|| Some(Payload::Value(value)));
        }
        Some(output)
    }
}

impl<K, V> Drop for Load<K, V> {
    fn drop(&mut self) {
        if let Some(started) = self.started.take() {
            let (how, nanos) = (end_of_dropped(), self.core.clock.now().saturating_sub(started));
            self.core.load_ended(how, nanos);
            self.traced.ended(how, nanos);
        }
        self.traced.dropped();
    }
}
