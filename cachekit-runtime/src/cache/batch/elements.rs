//! The missing elements of a batch: those that it leads, and those that it follows.

use super::{
    super::{
        Core,
        follow::{Alone, Followed, Next},
        lead::{Load, Replaces},
        miss::Plan,
    },
    Batch, Wanted,
    sharing::Sharing,
};
use crate::{
    flight::{
        group::{Group, Led},
        map::{Follower, Joined},
        permits::Permit,
        state::Payload,
    },
    key::Key,
    outcome::Outcome,
    output::{Element, ElementKind, Output, Share, Value},
    scope::Report,
};
use std::{collections::VecDeque, sync::Arc};

/// The state of a batch that loads.
pub(super) struct Elements<K, S, V> {
    pub(super) core: Arc<Core<K, S>>,
    pub(super) sharing: Sharing<S, V>,
    pub(super) group: Arc<Group>,
    pub(super) is_async: bool,
    pub(super) wanted: Vec<Wanted<K, S, V>>,
    /// What the far tiers are to be asked for, by number in `wanted`.
    pub(super) unasked: Vec<(usize, Load<K, S>)>,
    /// What the next run of the body is for.
    pub(super) led: Vec<(usize, Load<K, S>)>,
    /// What other processes load, and what this one asks for once it has published its own.
    pub(super) locked: Vec<(usize, Load<K, S>)>,
    /// What others of this process load.
    pub(super) followers: VecDeque<(usize, Follower<K, S>)>,
    /// What is computed past the cache, with what it is compared with.
    pub(super) beside: Vec<(usize, Compared<S>)>,
}

/// In a dry run, the value that would have been a hit.
type Compared<S> = Option<(S, Arc<Report>)>;

/// An error of the leader of an element.
pub(super) struct Failed<E>(pub(super) E);

impl<K: Key, S: Value, V: Value> Elements<K, S, V> {
    /// Leads what nobody leads, and follows the rest.
    pub(super) fn of(batch: &mut Batch<K, S, V>, is_async: bool) -> Self {
        let mut elements = Elements {
            core: batch.cache.here().core.clone(),
            sharing: batch.sharing,
            group: Arc::new(Group::new()),
            is_async,
            wanted: std::mem::take(&mut batch.wanted),
            unasked: Vec::new(),
            led: Vec::new(),
            locked: Vec::new(),
            followers: VecDeque::new(),
            beside: Vec::new(),
        };
        for at in 0..elements.wanted.len() {
            elements.join(at);
        }
        elements
    }

    fn join(&mut self, at: usize) {
        let Some(wanted) = self.wanted.get_mut(at) else { return };
        let core = &self.core;
        let (hash, tags) = (wanted.hash, wanted.tags.take());
        let plan = match std::mem::replace(&mut wanted.plan, Plan::Load) {
            // What the far tiers have is taken.
            #[cfg(feature = "backend")]
            Plan::CompareFar(_) => Plan::Load,
            plan => plan,
        };
        let Some(key) = wanted.key.as_ref() else { return self.beside.push((at, None)) };
        let lead = match plan {
            Plan::Bypass => return self.beside.push((at, None)),
            Plan::Compare(stored, report) => return self.beside.push((at, Some((stored, report)))),
            Plan::Asked(load) => return self.unasked.push((at, *load)),
            Plan::Renew(lead, value) => {
                let Some(key) = wanted.key.take() else { return };
                let load = Load::new(core.clone(), hash, key, tags, Some(lead)).replacing(Replaces::Due);
                return self.unasked.push((at, load.or_else_give(value)));
            }
            Plan::Refresh => {
                core.cut_off(hash, |other| other == key);
                core.flights.lead_anew(hash, key, tags.as_ref(), self.is_async)
            }
            #[cfg(feature = "backend")]
            Plan::CompareFar(_) => None,
            Plan::Load if !core.settings.single_flight => None,
            Plan::Load => match core.join_in(&self.group, hash, key, tags.as_ref(), self.is_async) {
                Joined::Lead(lead) => {
                    // Between the look and the lead another flight may have ended.
                    if let Some(stored) = core.fresh_again(hash, key, &mut Outcome::new()) {
                        lead.finish(|| Some(Payload::Value(stored.clone())));
                        wanted.answer = (self.sharing.unwrap)(stored);
                        return;
                    }
                    Some(lead)
                }
                Joined::Follow(follower) => {
                    wanted.tags = tags;
                    return self.followers.push_back((at, follower));
                }
            },
        };
        let refreshes = matches!(plan, Plan::Refresh);
        let Some(key) = wanted.key.take() else { return };
        let mut load = Load::new(core.clone(), hash, key, tags, lead);
        if refreshes {
            load = load.replacing(Replaces::Everything);
        }
        self.lead(at, load);
    }

    fn lead(&mut self, at: usize, mut load: Load<K, S>) {
        if load.lead.is_none() {
            load.node = self.group.node.clone();
        }
        self.unasked.push((at, load));
    }

    /// What was asked for already; what is asked for next is led now.
    pub(super) fn next(&mut self) -> Vec<(usize, Load<K, S>)> {
        let unasked = std::mem::take(&mut self.unasked);
        std::mem::replace(&mut self.led, unasked)
    }

    /// Is there anything for which others may wait?
    pub(super) fn leads(&self) -> bool {
        !self.unasked.is_empty() || !self.locked.is_empty()
    }

    /// One run of the body is one loader.
    pub(super) fn hold(&mut self, permit: Permit) {
        if let Some((_, first)) = self.led.first_mut() {
            first.hold(permit);
        }
    }

    /// The flights of what is led now.
    pub(super) fn flights(&self) -> Led<S> {
        let mut led = Led::new(self.group.clone());
        let all = self.unasked.iter().chain(&self.led).chain(&self.locked);
        for lead in all.filter_map(|(_, load)| load.lead.as_ref()) {
            if Arc::ptr_eq(&lead.flight.node, &self.group.node) {
                led.own.push(lead.flight.clone());
            } else {
                led.taken.push((lead.flight.clone(), lead.leader()));
            }
        }
        led
    }

    pub(super) fn answer(&mut self, at: usize, stored: S) {
        if let Some(wanted) = self.wanted.get_mut(at) {
            wanted.answer = (self.sharing.unwrap)(stored);
        }
    }

    /// Where the ids stand that the next run of the body is for.
    pub(super) fn positions(&self, of: impl Iterator<Item = usize>) -> Vec<usize> {
        of.filter_map(|at| self.wanted.get(at)).map(|wanted| wanted.position).collect()
    }

    /// Takes note of how following one element ended. Whoever leads waits for nobody: where this leaves something to load, what else was given up is
    /// taken over at once, for the same run.
    pub(super) fn followed<E>(
        &mut self,
        at: usize,
        followed: Followed<K, S, Element<S, E>>,
        share: Share<Element<S, E>>,
    ) -> Result<(), Failed<E>> {
        self.decided(at, followed)?;
        if self.unasked.is_empty() {
            return Ok(());
        }
        let core = self.core.clone();
        for (at, follower) in std::mem::take(&mut self.followers) {
            let output = Output::<Element<S, E>, ElementKind>::NEW;
            match core.next(follower, self.is_async, output, share, &mut Outcome::new()) {
                Next::Wait(follower) => self.followers.push_back((at, follower)),
                Next::Ended(followed) => {
                    core.counters.join();
                    self.decided(at, followed)?;
                }
            }
        }
        Ok(())
    }

    fn decided<E>(&mut self, at: usize, followed: Followed<K, S, Element<S, E>>) -> Result<(), Failed<E>> {
        if let (Followed::Output(_), Some(wanted)) = (&followed, self.wanted.get(at)) {
            self.core.has_joined(wanted.hash);
        }
        let (lead, alone) = match followed {
            Followed::Output(Element::Value(stored)) => {
                self.answer(at, stored);
                return Ok(());
            }
            Followed::Output(Element::Absent) => return Ok(()),
            Followed::Output(Element::Failed(error)) => return Err(Failed(error)),
            Followed::Lead(lead) => (Some(lead), None),
            Followed::Alone(why) => (None, Some(why)),
        };
        let Some(wanted) = self.wanted.get_mut(at) else { return Ok(()) };
        let (hash, key, tags) = (wanted.hash, wanted.key.take(), wanted.tags.take());
        if let (Some(key), Some(_)) = (&key, &lead)
            && let Some(stored) = self.core.fresh_again(hash, key, &mut Outcome::new())
        {
            if let Some(lead) = lead {
                lead.finish(|| Some(Payload::Value(stored.clone())));
            }
            self.answer(at, stored);
            return Ok(());
        }
        let load = match key {
            // The flight that it is part of will store.
            Some(key) if alone != Some(Alone::Cycle) => Load::new(self.core.clone(), hash, key, tags, lead),
            _ => Load::uncached(self.core.clone(), hash),
        };
        self.lead(at, load);
        Ok(())
    }
}
