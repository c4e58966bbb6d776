//! A batch from its missing elements to its output, sync and async.

use super::{
    super::traced::Traced,
    Batch,
    elements::{Elements, Failed},
    far::Stores,
};
use crate::{
    flight::group::polled_together,
    key::Key,
    output::{BatchOr, Element, ElementKind, Output, Share, Value},
};
use std::pin::pin;

impl<K: Key, S: Value, V: Value> Batch<K, S, V> {
    /// Answers the call. `own` gives the owned id at a position, `load` runs the body for the ids at these positions: for each missing one once, in the
    /// order of the list. It is called a second time only for elements that others were loading and gave up.
    ///
    /// Blocks while others load. A panic of the body passes through, and followers take over.
    #[inline(never)]
    pub fn run<R, I, const OK: bool>(
        mut self,
        share: Share<Element<S, R::Error>>,
        own: impl Fn(usize) -> Option<I>,
        mut load: impl FnMut(&[usize]) -> R,
    ) -> R
    where
        R: BatchOr<I, OK, Value = V>,
    {
        let mut elements = Elements::of(&mut self, false);
        let run = elements.run(share, &own, &mut load);
        if let Err(failed) = run {
            return failed;
        }
        let count = self.answers.len();
        self.wanted = elements.wanted;
        match self.join(&own) {
            Some(output) => output,
            None => load(&(0..count).collect::<Vec<_>>()),
        }
    }

    /// As [`run`](Self::run), without blocking.
    ///
    /// Cancel-safe: dropped, it hands each element that it leads over to a follower of that element.
    pub async fn run_async<R, I, Fut, const OK: bool>(
        mut self,
        share: Share<Element<S, R::Error>>,
        own: impl Fn(usize) -> Option<I>,
        mut load: impl FnMut(&[usize]) -> Fut,
    ) -> R
    where
        R: BatchOr<I, OK, Value = V>,
        Fut: Future<Output = R>,
    {
        let mut elements = Elements::of(&mut self, true);
        if let Err(failed) = elements.run_async(share, &own, &mut load).await {
            return failed;
        }
        let count = self.answers.len();
        self.wanted = elements.wanted;
        match self.join(&own) {
            Some(output) => output,
            None => load(&(0..count).collect::<Vec<_>>()).await,
        }
    }
}

impl<K: Key, S: Value, V: Value> Elements<K, S, V> {
    /// `Err`: the call ends with this.
    fn run<R, I, const OK: bool>(
        &mut self,
        share: Share<Element<S, R::Error>>,
        own: &impl Fn(usize) -> Option<I>,
        load: &mut impl FnMut(&[usize]) -> R,
    ) -> Result<(), R>
    where
        R: BatchOr<I, OK, Value = V>,
    {
        loop {
            self.load(share, own, load)?;
            let Some((at, follower)) = self.followers.pop_front() else { break };
            let output = Output::<Element<S, R::Error>, ElementKind>::NEW;
            let followed = self.core.follow(follower, output, share, &mut crate::outcome::Outcome::new());
            self.followed(at, followed, share).or_else(|Failed(error)| R::fail(error).map_or(Ok(()), Err))?;
        }
        if !self.beside.is_empty() {
            // Last, when nobody waits for this call any more.
            self.core.counters.batch();
            let loaded = load(&self.positions(self.beside.iter().map(|(at, _)| *at)));
            self.settle_beside(loaded, share, own)?;
        }
        Ok(())
    }

    /// Runs the body for all that is led.
    fn load<R, I, const OK: bool>(
        &mut self,
        share: Share<Element<S, R::Error>>,
        own: &impl Fn(usize) -> Option<I>,
        load: &mut impl FnMut(&[usize]) -> R,
    ) -> Result<(), R>
    where
        R: BatchOr<I, OK, Value = V>,
    {
        while self.leads() {
            self.ask_far();
            if self.led.is_empty() {
                continue;
            }
            if let Some(permits) = self.core.permits.clone() {
                let permit = permits.take(&self.group.node);
                self.hold(permit);
            }
            let traced = self.start();
            let positions = self.positions(self.led.iter().map(|(at, _)| *at));
            let loaded = {
                let _executing = self.flights().executing();
                let _in = traced.enter();
                load(&positions)
            };
            let mut stores = Stores::new();
            let waiting = self.settle(loaded, share, own, &mut stores);
            traced.ended_batch(waiting.is_ok());
            let stored = stores.run(waiting.as_ref().is_ok_and(|waiting| !waiting.is_empty()));
            self.settle_waiting(waiting?, &stored);
        }
        Ok(())
    }

    async fn run_async<R, I, Fut, const OK: bool>(
        &mut self,
        share: Share<Element<S, R::Error>>,
        own: &impl Fn(usize) -> Option<I>,
        load: &mut impl FnMut(&[usize]) -> Fut,
    ) -> Result<(), R>
    where
        R: BatchOr<I, OK, Value = V>,
        Fut: Future<Output = R>,
    {
        loop {
            while self.leads() {
                let (led, clock) = (self.flights(), self.core.clock.clone());
                let loaded = polled_together(led, clock, self.loaded(load)).await;
                let mut stores = Stores::new();
                let settled = match loaded {
                    Some((loaded, traced)) => {
                        let settled = self.settle(loaded, share, own, &mut stores);
                        traced.ended_batch(settled.is_ok());
                        settled
                    }
                    None => Ok(Vec::new()),
                };
                let waiting = match settled {
                    Ok(waiting) => waiting,
                    Err(failed) => {
                        // The witnesses go back, without this call: its error need not be `Send`, and must not be there while something is awaited.
                        stores.run_alone();
                        return Err(failed);
                    }
                };
                let stored = stores.run_async(!waiting.is_empty()).await;
                self.settle_waiting(waiting, &stored);
            }
            let Some((at, follower)) = self.followers.pop_front() else { break };
            let output = Output::<Element<S, R::Error>, ElementKind>::NEW;
            let core = self.core.clone();
            let followed = core.follow_async(follower, output, share, &mut crate::outcome::Outcome::new()).await;
            self.followed(at, followed, share).or_else(|Failed(error)| R::fail(error).map_or(Ok(()), Err))?;
        }
        if !self.beside.is_empty() {
            self.core.counters.batch();
            let loading = load(&self.positions(self.beside.iter().map(|(at, _)| *at)));
            let loaded = Box::pin(loading).await;
            self.settle_beside(loaded, share, own)?;
        }
        Ok(())
    }

    /// What the body gives; `None`: the far tiers had everything.
    async fn loaded<R, Fut: Future<Output = R>>(
        &mut self,
        load: &mut impl FnMut(&[usize]) -> Fut,
    ) -> Option<(R, Traced)> {
        self.ask_far_async().await;
        if self.led.is_empty() {
            return None;
        }
        if let Some(permits) = self.core.permits.clone() {
            let permit = permits.take_async(&self.group.node).await;
            self.hold(permit);
        }
        let traced = self.start();
        let positions = self.positions(self.led.iter().map(|(at, _)| *at));
        let loaded = traced.around(pin!(load(&positions))).await;
        Some((loaded, traced))
    }
}
