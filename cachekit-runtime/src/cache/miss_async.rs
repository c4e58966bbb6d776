//! The async half of a miss.

use super::{
    Core,
    follow::{Alone, Followed},
    lead::{After, Load, Replaces},
    miss::{Miss, Missed, Plan},
    timeout::give_up_after,
};
#[cfg(feature = "backend")]
use crate::stats::Bypass;
use crate::{
    error::{Error, TimedOut},
    flight::{
        map::{Joined, Lead},
        polled::{executing, polled},
        state::Payload,
    },
    key::Key,
    outcome::{Outcome, OutcomeKind},
    output::{Output, OutputKind, Share, Value},
    tags::TagSet,
};
use std::{pin::pin, sync::Arc, time::Duration};

/// What a call does next: it has its output, or it runs its loader, with what its outcome will be.
enum Next<K, V, R> {
    Output(R),
    /// Without having waited for anybody: what it has seen before is of now.
    Lead(Box<Load<K, V>>),
    Load(Box<Load<K, V>>, OutcomeKind),
}

impl<K, V> Miss<K, V> {
    /// As [`Miss::run`], without blocking.
    ///
    /// Cancel-safe: dropped as a follower it leaves its place; dropped as the leader it drops the loader, and a follower takes over.
    pub async fn run_async<R, M, Fut>(
        self,
        output: Output<R, M>,
        share: Share<R>,
        trace: &mut Outcome,
        load: impl FnOnce() -> Fut,
    ) -> R
    where
        K: Key,
        V: Value,
        M: OutputKind<R, Stored = V>,
        Fut: Future<Output = R>,
    {
        #[cfg(feature = "backend")]
        let Missed { core, hash, key, tags, plan, seen } = *self.inner;
        #[cfg(not(feature = "backend"))]
        let Missed { core, hash, key, tags, plan } = *self.inner;
        let Some(key) = key else { return Box::pin(load()).await };
        #[cfg(feature = "backend")]
        let plan = match plan {
            Plan::CompareFar(report) => match core.peek(hash, &key) {
                Some((_, looking)) => match looking.await {
                    Some((found, before)) => {
                        core.keep(&key, &found, before);
                        Plan::Compare(found.value, report)
                    }
                    None => Plan::Load,
                },
                None => Plan::Load,
            },
            plan => plan,
        };
        // One load at the end, whatever the plan: each further one would be a part of every caller's future.
        let (loading, kind) = match plan {
            Plan::Bypass => return Box::pin(load()).await,
            Plan::Compare(stored, report) => {
                let computed = Box::pin(load()).await;
                report.compared(&core.settings.name, hash, share.compare(&M::wrap(stored), &computed));
                return computed;
            }
            Plan::Renew(lead, value) => {
                let load = Load::new(core, hash, key, tags, Some(lead)).replacing(Replaces::Due).or_else_give(value);
                (Box::new(load), OutcomeKind::Miss)
            }
            Plan::Asked(loading) => (loading, OutcomeKind::Miss),
            Plan::Refresh => {
                core.cut_off(hash, |other| *other == key);
                let lead = core.flights.lead_anew(hash, &key, tags.as_ref(), true);
                (Box::new(Load::new(core, hash, key, tags, lead).replacing(Replaces::Everything)), OutcomeKind::Miss)
            }
            #[cfg(feature = "backend")]
            Plan::CompareFar(_) => return Box::pin(load()).await,
            #[cfg(feature = "backend")]
            Plan::Load
                if seen.as_ref().is_some_and(|seen| seen.has_no_time_left()) && core.flights.contains_hash(hash) =>
            {
                core.counters.bypass(Bypass::Released);
                let mut load = Load::new(core, hash, key, tags, None);
                load.seen = seen;
                (Box::new(load), OutcomeKind::Bypassed)
            }
            Plan::Load => match lead_or_follow(core, hash, key, tags, output, share, trace).await {
                Next::Output(output) => return output,
                #[cfg(feature = "backend")]
                Next::Lead(mut loading) => {
                    loading.seen = seen;
                    (loading, OutcomeKind::Miss)
                }
                #[cfg(not(feature = "backend"))]
                Next::Lead(loading) => (loading, OutcomeKind::Miss),
                Next::Load(loading, kind) => (loading, kind),
            },
        };
        loading.run_async(output, share, kind, trace, load).await
    }

    /// As [`run_timed`](Self::run_timed); fails where the backends do.
    ///
    /// Cancel-safe as that.
    pub async fn run_async_or_fail<R, M, Fut>(
        self,
        output: Output<R, M>,
        share: Share<R>,
        trace: &mut Outcome,
        load: impl FnOnce() -> Fut,
    ) -> R
    where
        K: Key,
        V: Value,
        R: TimedOut,
        M: OutputKind<R, Stored = V>,
        Fut: Future<Output = R>,
    {
        self.run_timed(output, share.or_fail(), trace, load).await
    }

    /// As [`Miss::run_async`], for at most the hard load timeout; then a stale value, if one is allowed, or [`Error::LoadTimeout`].
    pub async fn run_timed<R, M, Fut>(
        self,
        output: Output<R, M>,
        share: Share<R>,
        trace: &mut Outcome,
        load: impl FnOnce() -> Fut,
    ) -> R
    where
        K: Key,
        V: Value,
        R: TimedOut,
        M: OutputKind<R, Stored = V>,
        Fut: Future<Output = R>,
    {
        let Some(hard) = self.inner.core.live.hard_load_timeout() else {
            return self.run_async(output, share, trace, load).await;
        };
        let (core, hash, key) = (self.inner.core.clone(), self.inner.hash, self.inner.key.clone());
        let (instead, left) = (self.instead(), self.left_of(hard));
        if left.is_zero() {
            return core.timed_out::<R, M>(hash, key.as_ref(), trace);
        }
        let sleep = core.clock.sleep(left);
        let finished = give_up_after(self.run_async(output, share, trace, load), sleep).await;
        if let Some(finished) = finished {
            return finished;
        }
        if let Some(value) = instead {
            core.stale_instead(trace, None);
            return output.wrap(value);
        }
        core.timed_out::<R, M>(hash, key.as_ref(), trace)
    }
}

impl<K, V> Core<K, V> {
    /// Says that a miss is answered with a stale value.
    pub(super) fn stale_instead(&self, trace: &mut Outcome, age: Option<Duration>) {
        self.counters.stale_instead();
        trace.found_in_memory(OutcomeKind::StaleHit, age);
    }
}

impl<K: Key, V: Value> Core<K, V> {
    /// What a call gets whose load took longer than allowed.
    pub(super) fn timed_out<R, M>(&self, hash: u64, key: Option<&K>, trace: &mut Outcome) -> R
    where
        R: TimedOut,
        M: OutputKind<R, Stored = V>,
    {
        let after = self.live.hard_load_timeout().unwrap_or_default();
        if let Some(key) = key
            && !self.stale_if_error().is_zero()
            && let Some((value, age)) = self.find_stale(hash, |other| other == key, self.stale_if_error())
        {
            self.stale_instead(trace, age);
            return M::wrap(value);
        }
        R::timed_out(Error::LoadTimeout { cache: self.settings.name.clone().into_owned(), after })
    }
}

/// Where a leader has its value from.
enum Got<F, R> {
    Found(F),
    Failed(R),
    Loaded(R),
}

async fn lead_or_follow<K: Key, V: Value, R, M>(
    core: Arc<Core<K, V>>,
    hash: u64,
    key: K,
    tags: Option<TagSet>,
    output: Output<R, M>,
    share: Share<R>,
    trace: &mut Outcome,
) -> Next<K, V, R>
where
    M: OutputKind<R, Stored = V>,
{
    if !core.settings.single_flight {
        return Next::Lead(Box::new(Load::new(core, hash, key, tags, None)));
    }
    // In a statement of its own, so that the flight is not held across the await of a follower as part of the match.
    let joined = core.join(hash, &key, tags.as_ref(), true);
    let mut has_waited = true;
    let lead: Lead<K, V> = match joined {
        Joined::Lead(lead) => {
            has_waited = false;
            lead
        }
        Joined::Follow(follower) => match core.follow_async(follower, output, share, trace).await {
            Followed::Output(output) => {
                core.has_joined(hash);
                return Next::Output(output);
            }
            Followed::Lead(lead) => lead,
            // The flight that it is part of will store.
            Followed::Alone(Alone::Cycle) => {
                return Next::Load(Box::new(Load::uncached(core, hash)), OutcomeKind::Bypassed);
            }
            Followed::Alone(_) => {
                return Next::Load(Box::new(Load::new(core, hash, key, tags, None)), OutcomeKind::Bypassed);
            }
        },
    };
    if let Some(value) = core.fresh_again(hash, &key, trace) {
        let followers = value.clone();
        lead.finish(|| Some(Payload::Value(followers)));
        return Next::Output(output.wrap(value));
    }
    let loading = Box::new(Load::new(core, hash, key, tags, Some(lead)));
    if has_waited { Next::Load(loading, OutcomeKind::Miss) } else { Next::Lead(loading) }
}

impl<K: Key, V: Value> Load<K, V> {
    /// Drives the loader and settles the result. Dropped meanwhile, it hands the flight over.
    pub(super) async fn run_async<R, M, Fut>(
        mut self: Box<Self>,
        _: Output<R, M>,
        share: Share<R>,
        kind: OutcomeKind,
        trace: &mut Outcome,
        load: impl FnOnce() -> Fut,
    ) -> R
    where
        M: OutputKind<R, Stored = V>,
        Fut: Future<Output = R>,
    {
        let leading = self.lead.as_ref().map(|lead| (lead.flight.clone(), lead.leader()));
        let (node, clock, traced) = (self.node.clone(), self.core.clock.clone(), self.trace());
        // The permit is waited for inside, so that a leader that stalls there is seen too; and the loader is made inside, so that what a sync
        // part of it calls sees who leads.
        let (this, started) = (&mut self, &mut *trace);
        let whole = async move {
            if let Some(asking) = this.ask_far_async() {
                let answer = asking.await;
                if let Some(found) = this.answered(answer) {
                    return Got::Found(found);
                }
            }
            if let Some(output) = this.failed_output(share, started) {
                return Got::Failed(output);
            }
            if let Some(permits) = this.core.permits.clone() {
                let permit = permits.take_async(&this.node).await;
                this.hold(permit);
            }
            started.computed(kind);
            this.start();
            Got::Loaded(load().await)
        };
        // In a block of its own: an output need not be `Send`, and must not be there while this waits for a store.
        let (value, store) = {
            let got = {
                let whole = pin!(whole);
                let whole = pin!(traced.around(whole));
                match leading {
                    Some((flight, leader)) => polled(flight, leader, clock, whole).await,
                    None => executing(node, whole).await,
                }
            };
            let loaded = match got {
                Got::Found(found) => return self.settle_found::<R, M>(found, trace),
                Got::Failed(output) => return output,
                Got::Loaded(loaded) => loaded,
            };
            match self.after::<R, M>(loaded) {
                After::Settle(loaded) => return self.settle::<R, M>(loaded, share, trace),
                After::Detach(loaded, store) => {
                    let output = self.settle::<R, M>(loaded, share, trace);
                    store.detach();
                    return output;
                }
                After::Wait(value, store) => (value, store),
            }
        };
        if !store.wait_async().await {
            self.outdated();
        }
        self.settle::<R, M>(M::wrap(value), share, trace)
    }
}
