//! `load_timeout = (soft = …)`: after so long a stale value is given while the load goes on alone.

use super::{
    follow::Followed,
    lead::Load,
    miss::{Miss, Plan},
    refresh::spawn_future,
    timeout::{give_up_after, race},
};
use crate::{
    error::TimedOut,
    flight::map::{Joined, Lead},
    key::Key,
    outcome::{Outcome, OutcomeKind},
    output::{Output, OutputKind, Share, Value},
    scope,
    time::duration,
};

impl<K: Key, V: Value> Miss<K, V> {
    /// As [`Miss::run_async`]; if there is a stale value within an allowance, the load runs in a task of its own and the call waits for it no
    /// longer than the soft load timeout.
    ///
    /// Cancel-safe: a detached load goes on.
    pub async fn run_detachable<R, M, Fut>(
        self,
        output: Output<R, M>,
        share: Share<R>,
        trace: &mut Outcome,
        load: impl FnOnce() -> Fut + Send + 'static,
    ) -> R
    where
        R: 'static,
        M: OutputKind<R, Stored = V> + 'static,
        Fut: Future<Output = R> + Send + 'static,
    {
        let (Some(soft), Plan::Load | Plan::Asked(_), Some(key)) =
            (self.inner.core.live.soft_load_timeout(), &self.inner.plan, &self.inner.key)
        else {
            return self.run_async(output, share, trace, load).await;
        };
        let window = duration(self.inner.core.allowed.now().window);
        let Some((stale, age)) = self.inner.core.find_stale(self.inner.hash, |other| other == key, window) else {
            return self.run_async(output, share, trace, load).await;
        };
        let (core, hash, key, tags) = (self.inner.core.clone(), self.inner.hash, key.clone(), self.inner.tags.clone());
        let mut own = false;
        let led = match self.inner.plan {
            Plan::Asked(load) => Ok(load),
            _ => match core.join(hash, &key, tags.as_ref(), true) {
                Joined::Follow(follower) => Err(follower),
                Joined::Lead(lead) => Ok(Box::new(Load::new(core.clone(), hash, key, tags, Some(lead)))),
            },
        };
        let follower = match led.map(|load| (load.lead.as_ref().map(Lead::follower), load)) {
            Err(follower) => follower,
            Ok((None, load_of)) => return load_of.run_async(output, share, OutcomeKind::Miss, trace, load).await,
            Ok((Some(follower), detached)) => {
                own = true;
                let task = async move {
                    detached.run_async(output, share, OutcomeKind::Miss, &mut Outcome::new(), load).await;
                };
                spawn_future(scope::within(scope::current(), task));
                follower
            }
        };
        let mut followed = Outcome::new();
        let waited = race(core.follow_async(follower, output, share, &mut followed), core.clock.sleep(soft)).await;
        match waited {
            Some(Followed::Output(output)) => {
                *trace = followed;
                match (own, trace.kind) {
                    (true, OutcomeKind::Joined) => trace.computed(OutcomeKind::Miss),
                    (false, _) => core.has_joined(hash),
                    _ => {}
                }
                output
            }
            // The leader failed without a word, or went: what is left is the stale value, and the next caller loads.
            Some(Followed::Lead(_) | Followed::Alone(_)) | None => {
                core.stale_instead(trace, age);
                M::wrap(stale)
            }
        }
    }

    /// As [`Miss::run_detachable_timed`]; fails where the backends do.
    ///
    /// Cancel-safe: a detached load goes on.
    pub async fn run_detachable_or_fail<R, M, Fut>(
        self,
        output: Output<R, M>,
        share: Share<R>,
        trace: &mut Outcome,
        load: impl FnOnce() -> Fut + Send + 'static,
    ) -> R
    where
        R: TimedOut + 'static,
        M: OutputKind<R, Stored = V> + 'static,
        Fut: Future<Output = R> + Send + 'static,
    {
        self.run_detachable_timed(output, share.or_fail(), trace, load).await
    }

    /// As [`Miss::run_detachable`], within the hard load timeout.
    pub async fn run_detachable_timed<R, M, Fut>(
        self,
        output: Output<R, M>,
        share: Share<R>,
        trace: &mut Outcome,
        load: impl FnOnce() -> Fut + Send + 'static,
    ) -> R
    where
        R: TimedOut + 'static,
        M: OutputKind<R, Stored = V> + 'static,
        Fut: Future<Output = R> + Send + 'static,
    {
        let Some(hard) = self.inner.core.live.hard_load_timeout() else {
            return self.run_detachable(output, share, trace, load).await;
        };
        let (core, hash, key) = (self.inner.core.clone(), self.inner.hash, self.inner.key.clone());
        let (instead, left) = (self.instead(), self.left_of(hard));
        if left.is_zero() {
            return core.timed_out::<R, M>(hash, key.as_ref(), trace);
        }
        let sleep = core.clock.sleep(left);
        match give_up_after(self.run_detachable(output, share, trace, load), sleep).await {
            Some(finished) => finished,
            None if let Some(value) = instead => {
                core.stale_instead(trace, None);
                output.wrap(value)
            }
            None => core.timed_out::<R, M>(hash, key.as_ref(), trace),
        }
    }
}
