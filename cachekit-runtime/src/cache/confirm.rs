//! A miss of a cache whose values may be given stale: asks the far tiers before the call goes on, since what they have may be such a value, which is given while one
//! caller of all processes loads it anew.

use super::{
    Core, Look,
    core::Before,
    far_tiers::Peek,
    lead::Load,
    miss::{Miss, Missed, Plan},
    refresh::Stale,
    timeout::race,
};
use crate::{
    far::{Far, Found},
    flight::{map::Joined, polled::polled, state::Payload},
    key::Key,
    outcome::{Outcome, OutcomeKind},
    output::{Plain, Value},
};
use std::{
    pin::{Pin, pin},
    sync::Arc,
};

impl<K, V> Miss<K, V> {
    /// What the far tiers have: a fresh value is a hit, one that was made stale by a tag is given, and its refresh is for the caller to start. Without far tiers, or
    /// where nothing may be given stale, the miss as it is.
    ///
    /// Blocks this thread for at most the timeout of the cache.
    #[inline(never)]
    pub fn confirmed(self, trace: &mut Outcome) -> Look<K, V>
    where
        K: Key,
        V: Value,
    {
        match self.confirming(false, trace) {
            Confirming::Not(look) => look,
            Confirming::Peeks(miss) => {
                let found = miss.inner.peek().and_then(|(far, looking)| far.wait(looking).flatten());
                miss.peeked(found, trace)
            }
            Confirming::Asks(mut load) => {
                let traced = load.trace();
                let entered = traced.enter();
                let found = load.ask_far();
                drop(entered);
                match found {
                    Some(found) => load.confirmed(found, trace),
                    None => load.unconfirmed(),
                }
            }
        }
    }

    /// As [`confirmed`](Self::confirmed), without blocking, and for at most the hard load timeout.
    ///
    /// Cancel-safe: dropped, it hands its load over to another caller that waits.
    pub async fn confirmed_async(self, trace: &mut Outcome) -> Look<K, V>
    where
        K: Key,
        V: Value,
    {
        let mut load = match self.confirming(true, trace) {
            Confirming::Not(look) => return look,
            Confirming::Peeks(miss) => {
                let found = match miss.inner.peek() {
                    Some((_, looking)) => looking.await,
                    None => None,
                };
                return miss.peeked(found, trace);
            }
            Confirming::Asks(load) => load,
        };
        let Some(asking) = load.ask_far_async() else { return load.unconfirmed() };
        let hard = load.core.live.hard_load_timeout().map(|hard| load.core.clock.sleep(hard));
        let traced = load.trace();
        let asking = async move {
            let mut asking = asking;
            let asking = traced.around(Pin::new(&mut asking));
            match hard {
                Some(hard) => race(asking, hard).await,
                None => Some(asking.await),
            }
        };
        let answer = match load.lead.as_ref().map(|lead| (lead.flight.clone(), lead.leader())) {
            Some((flight, leader)) => polled(flight, leader, load.core.clock.clone(), pin!(asking)).await,
            None => asking.await,
        };
        // Without an answer the time of the call is over, which whoever runs it sees.
        match answer.and_then(|answer| load.answered(answer)) {
            Some(found) => load.confirmed(found, trace),
            None => load.unconfirmed(),
        }
    }

    fn confirming(self, is_async: bool, trace: &mut Outcome) -> Confirming<K, V>
    where
        K: Key,
        V: Value,
    {
        let missed = &self.inner;
        let settings = &missed.core.settings;
        let (Plan::Load, Some(key)) = (&missed.plan, &missed.key) else { return Confirming::Not(Look::Miss(self)) };
        if missed.core.stale_while_revalidate().is_zero() || !settings.single_flight || !settings.far.is_far() {
            return Confirming::Not(Look::Miss(self));
        }
        let (core, hash) = (missed.core.clone(), missed.hash);
        let lead = match core.join(hash, key, missed.tags.as_ref(), is_async) {
            Joined::Lead(lead) => lead,
            // What is being refreshed may be given, and has not come into memory, or has left it.
            Joined::Follow(follower) if follower.flight.is_refresh() => return Confirming::Peeks(self),
            // Who follows gets what the leader is told.
            Joined::Follow(_) => return Confirming::Not(Look::Miss(self)),
        };
        if let Some(value) = core.fresh_again(hash, key, trace) {
            lead.finish(|| Some(Payload::Value(value.clone())));
            return Confirming::Not(Look::Hit(value));
        }
        let Missed { key, tags, seen, .. } = *self.inner;
        let Some(key) = key else {
            drop(lead);
            return Confirming::Not(Look::Miss(Miss::new(core, hash, None, Plan::Bypass)));
        };
        let mut load = Load::new(core, hash, key, tags, Some(lead));
        load.confirming_since = Some(load.core.now());
        load.seen = seen;
        Confirming::Asks(Box::new(load))
    }
}

enum Confirming<K, V> {
    Not(Look<K, V>),
    /// Looks at what the far tiers have, beside a refresh of it.
    Peeks(Miss<K, V>),
    Asks(Box<Load<K, V>>),
}

impl<K: Key, V: Value> Missed<K, V> {
    fn peek(&self) -> Option<(Arc<Far<V>>, Peek<V>)> {
        self.core.peek(self.hash, self.key.as_ref()?)
    }
}

impl<K: Key, V: Value> Miss<K, V> {
    fn peeked(self, found: Option<(Found<V>, Before)>, trace: &mut Outcome) -> Look<K, V> {
        let (Some((found, before)), Some(key)) = (found, &self.inner.key) else { return Look::Miss(self) };
        let core = &self.inner.core;
        core.counters.join();
        let kind = if found.is_stale() { OutcomeKind::StaleHit } else { OutcomeKind::Hit };
        trace.found(kind, found.tier, found.age);
        core.keep(key, &found, before);
        Look::Hit(found.value)
    }
}

impl<K: Key, V: Value> Load<K, V> {
    fn confirmed(self, found: Found<V>, trace: &mut Outcome) -> Look<K, V> {
        let (core, hash): (Arc<Core<K, V>>, u64) = (self.core.clone(), self.hash);
        let key = self.key.clone().filter(|_| found.is_stale());
        let value = self.settle_found::<V, Plain>(found, trace);
        match key {
            Some(key) => Look::Stale(Stale::new(core, hash, key, value)),
            None => Look::Hit(value),
        }
    }

    /// The call loads, and need not ask again.
    fn unconfirmed(mut self: Box<Self>) -> Look<K, V> {
        self.is_asked = true;
        let (core, hash) = (self.core.clone(), self.hash);
        let key = self.key.clone();
        Look::Miss(Miss::with(core, hash, key, Plan::Asked(self)))
    }
}
