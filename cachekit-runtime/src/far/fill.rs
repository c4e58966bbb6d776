//! Storing in the far tiers what was computed.

use super::{Far, Tier, freshness, lock::Hold, order::Moment};
use crate::{
    Error,
    backend::{Address, Witness},
    breaker::Budget,
    codec,
    envelope::{Draft, Freshness, Head},
};
use bytes::Bytes;
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

/// The right to store in one tier.
#[derive(Debug, Clone, Default)]
pub(super) enum Ticket {
    /// None: it gave no answer, or takes nothing.
    #[default]
    None,
    /// In a tier that this process has alone.
    Plain,
    /// In place of the witness.
    Witness {
        witness: Witness,
        generation: u64,
        /// Keeps the lock, if the witness is one.
        #[expect(dead_code, reason = "held for what its drop does")]
        hold: Option<Hold>,
    },
}

/// What a fill needs from the look before it.
#[derive(Debug)]
pub(crate) struct Fill {
    pub(super) address: Address,
    pub(super) moment: Moment,
    /// By tier.
    pub(super) tickets: Vec<Ticket>,
}

/// A value as bytes, by tier.
#[derive(Debug)]
pub(crate) struct Sealed {
    envelopes: Vec<Option<Bytes>>,
    /// How long the furthest tier keeps it.
    life: Option<Duration>,
    /// How long the nearer ones do.
    near_life: Option<Duration>,
}

impl<V: Clone + Send + Sync + 'static> Far<V> {
    /// The value as the tiers hold it.
    ///
    /// # Errors
    /// Those of the codec.
    pub(crate) fn seal(&self, fill: &Fill, value: &V, ttl: Option<Duration>, if_error: Duration) -> Result<Sealed, Error> {
        let allowance = (!if_error.is_zero()).then_some(if_error);
        let times = Freshness::new(freshness::now(&self.clock), ttl).stale(None, allowance);
        let mut envelopes = Vec::with_capacity(fill.tickets.len());
        for ticket in &fill.tickets {
            let generation = match ticket {
                Ticket::None => {
                    envelopes.push(None);
                    continue;
                }
                Ticket::Plain => None,
                Ticket::Witness { generation, .. } => Some(*generation),
            };
            let draft = Draft {
                head: Head::value(),
                address: &fill.address,
                freshness: times,
                generation,
                tags: &[],
                compress: self.compress,
            };
            envelopes.push(Some(draft.seal(&*self.codec, value, self.max_value_bytes)?));
        }
        self.verify(value)?;
        let life = freshness::life(&times);
        let near = (self.near_ttl)(value);
        let near_life = near.map_or(life, |near| Some(life.map_or(near, |life| life.min(near))));
        Ok(Sealed { envelopes, life, near_life })
    }

    /// In debug builds the first value is read back: a format that cannot carry it says so at once.
    fn verify(&self, value: &V) -> Result<(), Error> {
        if cfg!(debug_assertions) && !self.is_verified.swap(true, Ordering::AcqRel) {
            codec::verify_roundtrip(&*self.codec, value, self.max_value_bytes)?;
        }
        Ok(())
    }

    /// Stores the value, nearest tier first, where nothing was invalidated since the look. A failed store costs the entry only.
    pub(crate) async fn store(self: Arc<Self>, fill: Fill, sealed: Sealed, budget: Budget) {
        let last = self.tiers.len().saturating_sub(1);
        let parts = self.tiers.iter().zip(&fill.tickets).zip(sealed.envelopes).enumerate();
        for (index, ((tier, ticket), bytes)) in parts {
            let life = if index == last { sealed.life } else { sealed.near_life };
            if bytes.is_some() {
                self.settle(tier, ticket, &fill, bytes, life, &budget).await;
            }
        }
    }

    /// Gives the witnesses back: nothing will be stored.
    pub(crate) async fn abandon(self: Arc<Self>, fill: Fill) {
        let budget = self.budget();
        for (tier, ticket) in self.tiers.iter().zip(&fill.tickets) {
            if let Ticket::Witness { .. } = ticket {
                self.settle(tier, ticket, &fill, None, None, &budget).await;
            }
        }
    }

    /// Stores the bytes, or nothing in place of the marker.
    pub(super) async fn settle(
        &self,
        tier: &Tier,
        ticket: &Ticket,
        fill: &Fill,
        bytes: Option<Bytes>,
        life: Option<Duration>,
        budget: &Budget,
    ) {
        if tier.link.undelivered.holds(&fill.address) {
            return;
        }
        let stored = match (ticket, bytes) {
            (Ticket::None, _) | (Ticket::Plain, None) => return,
            (Ticket::Plain, Some(bytes)) => {
                let _turn = self.order.turn_of(fill.address.id()).await;
                if self.order.is_past(fill.address.id(), fill.moment) {
                    return self.counters.outdated();
                }
                tier.link.fill(budget, |backend| backend.set(&fill.address, bytes, life)).await.map(|()| true)
            }
            (Ticket::Witness { witness, .. }, bytes) => {
                let is_value = bytes.is_some();
                let stored = tier
                    .link
                    .fill_shared(budget, |shared| shared.store(&fill.address, *witness, bytes, life))
                    .await;
                if !is_value {
                    return;
                }
                stored
            }
        };
        match stored {
            Ok(true) => self.counters.stored(),
            Ok(false) => self.counters.outdated(),
            Err(_) => self.counters.store_failed(),
        }
    }
}

impl Fill {
    pub(super) fn new(address: Address, moment: Moment) -> Self {
        Fill { address, moment, tickets: Vec::new() }
    }
}
