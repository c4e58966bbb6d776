//! A miss: the call has to load, or to join who does. The sync half; see `miss_async`.

use super::{
    Core,
    follow::{Alone, Followed},
    lead::{After, Load, Replaces},
};
use crate::{
    error::TimedOut,
    flight::{
        graph::Executing,
        map::{Joined, Lead},
    },
    key::Key,
    outcome::{Outcome, OutcomeKind},
    output::{Output, OutputKind, Share, Value},
    scope::Report,
    tags::TagSet,
    time::duration,
};
use std::{sync::Arc, time::Duration};

/// The right to answer a call by loading.
#[must_use = "a miss does nothing until it is run"]
pub struct Miss<K, V> {
    /// Boxed, so that what a look returns is hardly larger than the value of a hit; beside a load an allocation is nothing.
    pub(super) inner: Box<Missed<K, V>>,
}

pub(super) struct Missed<K, V> {
    pub(super) core: Arc<Core<K, V>>,
    pub(super) hash: u64,
    /// `None`: the call bypasses the cache.
    pub(super) key: Option<K>,
    pub(super) tags: Option<TagSet>,
    pub(super) plan: Plan<K, V>,
    /// What the call has seen in the far tier, alone.
    #[cfg(feature = "backend")]
    pub(super) seen: Option<Box<super::alone::SeenAlone<V>>>,
}

pub(super) enum Plan<K, V> {
    Load,
    /// Load whatever is there, and let no load that is under way be stored.
    Refresh,
    /// Load although there is a value, which stands in if the loader fails. The lead was taken with the claim.
    Renew(Lead<K, V>, V),
    /// Compute, store nothing.
    Bypass,
    /// Load, and do not ask the far tiers again, which had nothing.
    #[cfg_attr(not(feature = "backend"), expect(dead_code, reason = "there are none"))]
    Asked(Box<Load<K, V>>),
    /// Compute, and compare with what would have been a hit.
    Compare(V, Arc<Report>),
    /// The same, if a far tier has a value; otherwise load.
    #[cfg(feature = "backend")]
    CompareFar(Arc<Report>),
}

impl<K: Key, V: Value> Miss<K, V> {
    pub(super) fn new(core: Arc<Core<K, V>>, hash: u64, key: Option<K>, plan: Plan<K, V>) -> Self {
        let tags = key.as_ref().and_then(|key| core.tags_of(key));
        let missed = Missed {
            core,
            hash,
            key,
            tags,
            plan,
            #[cfg(feature = "backend")]
            seen: None,
        };
        Miss { inner: Box::new(missed) }
    }

    /// Whose tags are known to its plan.
    #[cfg(feature = "backend")]
    pub(super) fn with(core: Arc<Core<K, V>>, hash: u64, key: Option<K>, plan: Plan<K, V>) -> Self {
        Miss { inner: Box::new(Missed { core, hash, key, tags: None, plan, seen: None }) }
    }

    /// The value that is there all the same, of a dry run or of a refresh, for an operation that only looks.
    pub(super) fn into_compared(self) -> Option<V> {
        match self.inner.plan {
            Plan::Compare(value, _) | Plan::Renew(_, value) => Some(value),
            _ => None,
        }
    }

    /// How much of the hard load timeout is left.
    pub(super) fn left_of(&self, hard: Duration) -> Duration {
        match &self.inner.plan {
            Plan::Asked(load) => {
                let now = self.inner.core.now();
                hard.saturating_sub(duration(now.saturating_sub(load.confirming_since.unwrap_or(now))))
            }
            _ => hard,
        }
    }

    /// What an inline refresh gives if its loader fails.
    pub(super) fn instead(&self) -> Option<V> {
        match &self.inner.plan {
            Plan::Renew(_, value) => Some(value.clone()),
            _ => None,
        }
    }
}

// Bounds are those of the methods: an unmet one of an impl is another error, about a method that is not there.
impl<K, V> Miss<K, V> {
    /// Tags the value, beside what its key says, with the tags' versions of now: what is invalidated from now on makes it unfit.
    pub fn tags(mut self, tags: impl IntoIterator<Item = String>) -> Self
    where
        K: Key,
        V: Value,
    {
        let Missed { core, key: Some(key), plan, .. } = &*self.inner else { return self };
        if matches!(plan, Plan::Asked(_)) {
            // It has those of before the tiers were asked.
            return self;
        }
        self.inner.tags = core.tags_beside(key, tags);
        if let Plan::Renew(lead, _) = &self.inner.plan {
            lead.set_tags(self.inner.tags.clone());
        }
        self
    }

    /// Answers the call: leads the key's flight or follows it.
    ///
    /// Blocks while it follows. A panic of the loader passes through, and a follower takes over.
    #[inline(never)]
    pub fn run<R, M>(self, output: Output<R, M>, share: Share<R>, trace: &mut Outcome, load: impl FnOnce() -> R) -> R
    where
        K: Key,
        V: Value,
        M: OutputKind<R, Stored = V>,
    {
        let Missed { core, hash, key, tags, plan, .. } = *self.inner;
        let Some(key) = key else { return load() };
        #[cfg(feature = "backend")]
        let plan = match plan {
            Plan::CompareFar(report) => match core.peek(hash, &key).and_then(|(far, looking)| far.wait(looking)?) {
                Some((found, before)) => {
                    core.keep(&key, &found, before);
                    Plan::Compare(found.value, report)
                }
                None => Plan::Load,
            },
            plan => plan,
        };
        match plan {
            Plan::Bypass => return load(),
            Plan::Compare(stored, report) => {
                let computed = load();
                report.compared(&core.settings.name, hash, share.compare(&M::wrap(stored), &computed));
                return computed;
            }
            Plan::Renew(lead, value) => {
                let load_of = Load::new(core, hash, key, tags, Some(lead)).replacing(Replaces::Due).or_else_give(value);
                return load_of.run(output, share, OutcomeKind::Miss, trace, load);
            }
            Plan::Asked(load_of) => return load_of.run(output, share, OutcomeKind::Miss, trace, load),
            Plan::Refresh => {
                core.cut_off(hash, |other| *other == key);
                let lead = core.flights.lead_anew(hash, &key, tags.as_ref(), false);
                let load_of = Load::new(core, hash, key, tags, lead).replacing(Replaces::Everything);
                return load_of.run(output, share, OutcomeKind::Miss, trace, load);
            }
            Plan::Load => {}
            #[cfg(feature = "backend")]
            Plan::CompareFar(_) => {}
        }
        let load_of = |lead: Option<Lead<K, V>>, key: K, tags| Load::new(core.clone(), hash, key, tags, lead);
        if !core.settings.single_flight {
            return load_of(None, key, tags).run(output, share, OutcomeKind::Miss, trace, load);
        }
        let lead = match core.join(hash, &key, tags.as_ref(), false) {
            Joined::Lead(lead) => lead,
            Joined::Follow(follower) => match core.follow(follower, output, share, trace) {
                Followed::Output(output) => {
                    core.has_joined(hash);
                    return output;
                }
                Followed::Lead(lead) => lead,
                // The flight that it is part of will store.
                Followed::Alone(Alone::Cycle) => {
                    return Load::uncached(core.clone(), hash).run(output, share, OutcomeKind::Bypassed, trace, load);
                }
                Followed::Alone(_) => {
                    return load_of(None, key, tags).run(output, share, OutcomeKind::Bypassed, trace, load);
                }
            },
        };
        // Between the look and the lead another flight may have ended.
        if let Some(value) = core.fresh_again(hash, &key, trace) {
            let followers = value.clone();
            lead.finish(|| Some(crate::flight::state::Payload::Value(followers)));
            return output.wrap(value);
        }
        load_of(Some(lead), key, tags).run(output, share, OutcomeKind::Miss, trace, load)
    }
}

impl<K: Key, V: Value> Miss<K, V> {
    /// As [`run`](Self::run); fails where the backends do.
    pub fn run_or_fail<R, M>(
        self,
        output: Output<R, M>,
        share: Share<R>,
        trace: &mut Outcome,
        load: impl FnOnce() -> R,
    ) -> R
    where
        R: TimedOut,
        M: OutputKind<R, Stored = V>,
    {
        self.run(output, share.or_fail(), trace, load)
    }
}

impl<K: Key, V: Value> Load<K, V> {
    /// Runs the loader on this thread and settles the result.
    pub(super) fn run<R, M>(
        mut self,
        _: Output<R, M>,
        share: Share<R>,
        kind: OutcomeKind,
        trace: &mut Outcome,
        load: impl FnOnce() -> R,
    ) -> R
    where
        M: OutputKind<R, Stored = V>,
    {
        let traced = self.trace();
        let entered = traced.enter();
        if let Some(found) = self.ask_far() {
            return self.settle_found::<R, M>(found, trace);
        }
        if let Some(output) = self.failed_output(share, trace) {
            return output;
        }
        if let Some(permits) = self.core.permits.clone() {
            let permit = permits.take(&self.node);
            self.hold(permit);
        }
        trace.computed(kind);
        self.start();
        let loaded = {
            let _executing = Executing::enter(&self.node);
            load()
        };
        drop(entered);
        match self.after::<R, M>(loaded) {
            After::Settle(loaded) => self.settle::<R, M>(loaded, share, trace),
            After::Detach(loaded, store) => {
                let output = self.settle::<R, M>(loaded, share, trace);
                store.detach_from_thread();
                output
            }
            After::Wait(value, store) => {
                if !store.wait() {
                    self.outdated();
                }
                self.settle::<R, M>(M::wrap(value), share, trace)
            }
        }
    }
}
