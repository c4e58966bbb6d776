//! Looking through the far tiers, nearest first.

use super::{
    Far, Tier,
    fill::{Fill, Ticket},
    freshness::{self, Worth},
    link::Unanswered,
};
use crate::{
    Error,
    backend::Address,
    budget::Budget,
    envelope::{self, Rejected},
    outcome,
    time::{NEVER, duration, nanos},
};
use bytes::Bytes;
use std::{sync::Arc, time::Duration};

/// A value that a far tier has.
#[derive(Debug, Clone)]
pub(crate) struct Found<V> {
    pub(crate) value: V,
    /// What is left of its ttl, in nanoseconds; [`NEVER`]: no end.
    pub(crate) left: u64,
    pub(crate) age: Duration,
    pub(crate) tier: outcome::Tier,
}

/// What the tiers said.
pub(crate) struct Asked<V> {
    /// A fresh value.
    pub(crate) found: Option<Found<V>>,
    /// One past its ttl, within an allowance.
    pub(crate) stale: Option<Found<V>>,
    /// What a fill needs, if there is no fresh value.
    pub(crate) fill: Fill,
    /// Why the furthest tier gave no answer, if it did not.
    pub(crate) failed: Option<Error>,
}

/// Which fresh values a look takes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Accept {
    Any,
    /// Those of whose ttl more than so many percent are left: a refresh that is due takes from another process only what is not due itself.
    Left(f64),
    /// None: the load replaces whatever is there.
    Nothing,
}

impl Accept {
    pub(super) fn takes<V>(self, found: &Found<V>) -> bool {
        match self {
            Accept::Any => true,
            Accept::Nothing => false,
            #[expect(clippy::cast_precision_loss)]
            Accept::Left(percent) => {
                let whole = found.left.saturating_add(nanos(found.age));
                found.left == NEVER || found.left as f64 > whole as f64 * percent / 100.0
            }
        }
    }
}

/// What one tier has.
pub(super) enum Has<V> {
    Value(Found<V>, Bytes),
    Nothing(Ticket, Option<Found<V>>),
}

impl<V: Clone + Send + Sync + 'static> Far<V> {
    /// Looks for a fresh value; where there is none, leaves the witnesses of a fill. Ends within the budget, lock waits aside.
    ///
    /// Cancel-safe: a marker that is left behind goes by itself, and hinders no one.
    pub(crate) async fn ask(self: Arc<Self>, address: Address, accept: Accept, budget: Budget) -> Asked<V> {
        let moment = self.order.moment(address.id());
        let mut asked = Asked { found: None, stale: None, fill: Fill::new(address, moment), failed: None };
        for (index, tier) in self.tiers.iter().enumerate() {
            match self.ask_tier(tier, &asked.fill.address, accept, &budget).await {
                Ok(Has::Value(found, bytes)) => {
                    self.counters.hit();
                    self.back_fill(index, std::mem::take(&mut asked.fill.tickets), &asked.fill, bytes, &found);
                    asked.found = Some(found);
                    return asked;
                }
                Ok(Has::Nothing(ticket, stale)) => {
                    self.counters.miss();
                    asked.fill.tickets.push(ticket);
                    asked.stale = asked.stale.or(stale);
                    asked.failed = None;
                }
                Err(unanswered) => {
                    self.counters.unanswered(matches!(unanswered, Unanswered::Skipped));
                    asked.fill.tickets.push(Ticket::None);
                    asked.failed = Some(unanswered.into_error(tier.link.backend().name()));
                }
            }
        }
        asked
    }

    async fn ask_tier(
        self: &Arc<Self>,
        tier: &Tier,
        address: &Address,
        accept: Accept,
        budget: &Budget,
    ) -> Result<Has<V>, Unanswered> {
        if tier.link.undelivered.holds(address) {
            return Err(Unanswered::Skipped);
        }
        if tier.link.is_shared() {
            return self.ask_shared(tier, address, accept, budget).await;
        }
        let Some(bytes) = tier.link.call(budget, |backend| backend.get(address)).await? else {
            return Ok(Has::Nothing(Ticket::Plain, None));
        };
        Ok(match self.open(tier, address, &bytes, None) {
            Ok((found, Worth::Fresh { .. })) if accept.takes(&found) => Has::Value(found, bytes),
            Ok((found, Worth::Stale)) => Has::Nothing(Ticket::Plain, Some(found)),
            Ok(_) => Has::Nothing(Ticket::Plain, None),
            Err(rejected) => {
                self.reject(tier, address, &rejected, budget).await;
                Has::Nothing(Ticket::Plain, None)
            }
        })
    }

    /// Looks, and leaves nothing for a fill.
    pub(crate) async fn peek(self: Arc<Self>, address: Address, budget: Budget) -> Option<Found<V>> {
        for tier in &self.tiers {
            if tier.link.undelivered.holds(&address) {
                continue;
            }
            let (bytes, generation) = if tier.link.is_shared() {
                match tier.link.call_shared(&budget, |shared| shared.look(&address)).await {
                    Ok(looked) => (looked.bytes, Some(looked.generation)),
                    Err(_) => continue,
                }
            } else {
                match tier.link.call(&budget, |backend| backend.get(&address)).await {
                    Ok(bytes) => (bytes, None),
                    Err(_) => continue,
                }
            };
            let opened = bytes.map(|bytes| self.open(tier, &address, &bytes, generation));
            if let Some(Ok((found, Worth::Fresh { .. }))) = opened {
                self.counters.hit();
                return Some(found);
            }
            self.counters.miss();
        }
        None
    }

    /// The value of an envelope, and what it is worth. `generation`: what a shared tier says is the cache's.
    pub(super) fn open(
        &self,
        tier: &Tier,
        address: &Address,
        bytes: &Bytes,
        generation: Option<Option<u64>>,
    ) -> Result<(Found<V>, Worth), Rejected> {
        let (envelope, value) = envelope::open(bytes, address, &*self.codec, self.max_value_bytes)?;
        let now = freshness::now(&self.clock);
        let times = envelope.freshness();
        let worth = match generation {
            // Cleared since.
            Some(current) if current.is_none() || envelope.generation() != current => Worth::Over,
            _ => freshness::worth(&times, now),
        };
        let left = if let Worth::Fresh { left } = worth { left } else { 0 };
        Ok((Found { value, left, age: freshness::age(&times, now), tier: tier.kind }, worth))
    }

    /// Counts an entry that is none as missing, and removes it.
    pub(super) async fn reject(&self, tier: &Tier, address: &Address, rejected: &Rejected, budget: &Budget) {
        self.counters.rejected();
        let backend = tier.link.backend().name();
        tracing::debug!(backend, cache = address.cache(), %rejected, "an entry counts as missing");
        // If that fails, a fill will replace it, or the next look remove it.
        let _ = tier.link.call(budget, |backend| backend.remove(address)).await;
    }

    /// Gives what a tier had to the nearer ones, without the caller.
    fn back_fill(self: &Arc<Self>, at: usize, tickets: Vec<Ticket>, fill: &Fill, bytes: Bytes, found: &Found<V>) {
        if at == 0 {
            return;
        }
        let mut life = (found.left != NEVER).then(|| duration(found.left));
        if let Some(near) = (self.near_ttl)(&found.value) {
            life = Some(life.map_or(near, |life| life.min(near)));
        }
        let far = Arc::clone(self);
        let fill = Fill { address: fill.address.clone(), moment: fill.moment, tickets };
        super::bridge::spawn(false, async move {
            let budget = far.budget();
            for (tier, ticket) in far.tiers.iter().zip(&fill.tickets) {
                // A shared tier has generations of its own, so that the envelope is none of its.
                far.settle(tier, ticket, &fill, (!tier.link.is_shared()).then(|| bytes.clone()), life, &budget).await;
            }
        });
    }
}
