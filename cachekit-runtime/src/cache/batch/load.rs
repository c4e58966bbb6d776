//! One run of the body, for all elements that the batch leads.

use super::{
    super::{
        lead::{After, Load},
        traced::Traced,
    },
    elements::Elements,
    far::Stores,
};
use crate::{
    flight::state::Payload,
    key::Key,
    outcome::Outcome,
    output::{BatchOr, Element, Output, Plain, Share, Value},
    stats::LoadEnd,
};

/// An element that is stored before it is given: there is no memory from which others could read it meanwhile.
pub(super) struct Waiting<K, S> {
    at: usize,
    load: Load<K, S>,
    stored: S,
    /// Its number among the stores.
    store: usize,
}

impl<K: Key, S: Value, V: Value> Elements<K, S, V> {
    /// The body is about to run, in this span.
    pub(super) fn start(&mut self) -> Traced {
        self.core.counters.batch();
        self.led.iter_mut().for_each(|(_, load)| load.start());
        self.core.trace_batch(self.led.len())
    }

    /// Settles what a run gave. `Err`: the call ends with this.
    pub(super) fn settle<R, I, const OK: bool>(
        &mut self,
        loaded: R,
        share: Share<Element<S, R::Error>>,
        own: &impl Fn(usize) -> Option<I>,
        stores: &mut Stores<S>,
    ) -> Result<Vec<Waiting<K, S>>, R>
    where
        R: BatchOr<I, OK, Value = V>,
    {
        let positions = self.positions(self.led.iter().map(|(at, _)| *at));
        let mut ids = positions.iter().map(|position| own(*position));
        let values = match loaded.split(&mut ids, positions.len()) {
            Ok(Some(values)) => values,
            Ok(None) => {
                self.give_up(stores);
                return Ok(Vec::new());
            }
            Err(error) => return self.fail::<R, I, OK>(error, share, stores).map(|()| Vec::new()),
        };
        let mut waiting = Vec::new();
        let led = std::mem::take(&mut self.led);
        for ((at, mut load), value) in led.into_iter().zip(values) {
            let Some(stored) = (self.sharing.wrap)(value) else {
                stores.abandon(load.pending.take());
                load.settle_without(false, || share.pack(&Element::Absent).map(Payload::Output));
                continue;
            };
            let stored = match load.after::<S, Plain>(stored) {
                After::Settle(stored) => settled(load, stored),
                After::Detach(stored, store) => {
                    stores.push(store);
                    settled(load, stored)
                }
                After::Wait(stored, store) => {
                    let store = stores.push(store);
                    waiting.push(Waiting { at, load, stored, store });
                    continue;
                }
            };
            self.answer(at, stored);
        }
        Ok(waiting)
    }

    /// What was waited for is stored, or an invalidation by another process came in between: `is_current`, by the number of the store.
    pub(super) fn settle_waiting(&mut self, waiting: Vec<Waiting<K, S>>, is_current: &[bool]) {
        for Waiting { at, mut load, stored, store } in waiting {
            if is_current.get(store) == Some(&false) {
                load.outdated();
            }
            let stored = settled(load, stored);
            self.answer(at, stored);
        }
    }

    /// The body gave nothing that can be used: nothing is stored, not even that there is nothing, and who waits loads for itself.
    fn give_up(&mut self, stores: &mut Stores<S>) {
        for (_, mut load) in std::mem::take(&mut self.led) {
            stores.abandon(load.pending.take());
            load.settle_without(false, || None);
        }
    }

    /// Where every element has a value that may stand in for the error, the call has those; else it fails, and the followers with it.
    fn fail<R, I, const OK: bool>(
        &mut self,
        error: R::Error,
        share: Share<Element<S, R::Error>>,
        stores: &mut Stores<S>,
    ) -> Result<(), R>
    where
        R: BatchOr<I, OK, Value = V>,
    {
        let failed = Element::Failed(error);
        let mut is_covered = true;
        for (at, mut load) in std::mem::take(&mut self.led) {
            load.ended(LoadEnd::Error);
            let stale = load.stale_instead::<S, Plain>(&mut Outcome::new());
            stores.abandon(load.pending.take());
            match stale {
                Some(stored) => self.answer(at, stored),
                None => {
                    is_covered = false;
                    load.settle_without(true, || share.pack(&failed).map(Payload::Output));
                }
            }
        }
        match failed {
            Element::Failed(error) if !is_covered => R::fail(error).map_or(Ok(()), Err),
            _ => Ok(()),
        }
    }

    /// Takes what was computed past the cache, and compares it in a dry run.
    pub(super) fn settle_beside<R, I, E, const OK: bool>(
        &mut self,
        loaded: R,
        share: Share<Element<S, E>>,
        own: &impl Fn(usize) -> Option<I>,
    ) -> Result<(), R>
    where
        R: BatchOr<I, OK, Value = V, Error = E>,
    {
        let positions = self.positions(self.beside.iter().map(|(at, _)| *at));
        let mut ids = positions.iter().map(|position| own(*position));
        let values = match loaded.split(&mut ids, positions.len()) {
            Ok(Some(values)) => values,
            Ok(None) => {
                self.beside.clear();
                return Ok(());
            }
            Err(error) => return R::fail(error).map_or(Ok(()), Err),
        };
        for ((at, compared), value) in std::mem::take(&mut self.beside).into_iter().zip(values) {
            let Some(wanted) = self.wanted.get_mut(at) else { continue };
            if let Some((stored, report)) = compared {
                let computed = (self.sharing.wrap)(value.clone()).map_or(Element::Absent, Element::Value);
                let compared = share.compare(&Element::Value(stored), &computed);
                report.compared(&self.core.settings.name, wanted.hash, compared);
            }
            wanted.answer = value;
        }
        Ok(())
    }
}

fn settled<K: Key, S: Value>(load: Load<K, S>, stored: S) -> S {
    // How an element is shared with its followers is not asked: there is a value.
    let _: Output<S, Plain> = Output::NEW;
    load.settle::<S, Plain>(stored, Share::NOTHING, &mut Outcome::new())
}
