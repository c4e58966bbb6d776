//! Storing in the far tiers what was computed.

use super::{
    Far, Tier, freshness,
    lock::Hold,
    order::{Moment, Turn},
    shared::MARKER,
};
use crate::{
    Error,
    backend::{Address, Claim, Witness},
    budget::Budget,
    codec,
    envelope::{Draft, Envelope, Freshness, Head},
    outcome::Delivery,
    time::{NEVER, duration},
};
use async_lock::RwLockReadGuard;
use bytes::Bytes;
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

/// How often a store of a caller's value is tried, where others store at the same time.
const REPLACEMENTS: usize = 8;

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
    pub(crate) fn seal(
        &self,
        fill: &Fill,
        value: &V,
        ttl: Option<Duration>,
        if_error: Duration,
    ) -> Result<Sealed, Error> {
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
        if let Some(bytes) = envelopes.iter().flatten().next() {
            self.verify(bytes, fill)?;
        }
        let life = freshness::life(&times);
        let near = (self.near_ttl)(value);
        let near_life = near.map_or(life, |near| Some(life.map_or(near, |life| life.min(near))));
        Ok(Sealed { envelopes, life, near_life })
    }

    /// In debug builds the first value is read back: a format that cannot carry it says so at once, and nothing is stored.
    fn verify(&self, bytes: &Bytes, fill: &Fill) -> Result<(), Error> {
        if !cfg!(debug_assertions) || self.is_verified.load(Ordering::Acquire) {
            return Ok(());
        }
        let refused = |rejected| Error::decode(self.codec.codec_name(), rejected);
        let payload = Envelope::read(bytes, self.max_value_bytes).and_then(|read| read.payload(self.max_value_bytes));
        let verified = payload
            .map_err(refused)
            .and_then(|payload| codec::verify_roundtrip(&*self.codec, &payload, self.max_value_bytes));
        verified.inspect_err(|error| {
            tracing::error!(cache = fill.address.cache(), %error, "values of this type cannot be stored in this format");
        })?;
        self.is_verified.store(true, Ordering::Release);
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

    /// Stores a value that a caller inserts, in place of whatever is there; what is being computed for the key is older, and is not stored. Without a ttl
    /// it removes what is there. What a tier does not take is invalidated there as soon as it is back.
    pub(crate) async fn replace(
        self: Arc<Self>,
        address: Address,
        value: V,
        ttl: Option<u64>,
        if_error: Duration,
    ) -> Delivery {
        let Some(ttl) = ttl else { return self.invalidate(address).await };
        let ttl = (ttl != NEVER).then(|| duration(ttl));
        self.order.pass(address.id());
        let (budget, last) = (self.budget(), self.tiers.len().saturating_sub(1));
        let mut delivery = Delivery::Local;
        for (index, tier) in self.tiers.iter().enumerate() {
            let stored = self.replace_in(tier, &address, &value, ttl, if_error, index == last, &budget).await;
            if stored {
                self.counters.stored();
                delivery =
                    if tier.link.is_shared() && delivery == Delivery::Local { Delivery::Shared } else { delivery };
            } else {
                self.counters.store_failed();
                tier.link.undelivered.add_key(&address);
                tier.link.attend();
                delivery = Delivery::Queued;
            }
        }
        delivery
    }

    #[expect(clippy::too_many_arguments, reason = "all that an entry has")]
    async fn replace_in(
        &self,
        tier: &Tier,
        address: &Address,
        value: &V,
        ttl: Option<Duration>,
        if_error: Duration,
        is_last: bool,
        budget: &Budget,
    ) -> bool {
        if tier.link.undelivered.holds(address) {
            return false;
        }
        if tier.link.is_shared() {
            return self.replace_shared(tier, address, value, ttl, if_error, budget).await;
        }
        let mut fill = Fill::new(address.clone(), self.order.moment(address.id()));
        fill.tickets.push(Ticket::Plain);
        let Some((bytes, life, near_life)) = self.seal_one(&fill, value, ttl, if_error) else { return false };
        let life = if is_last { life } else { near_life };
        let Some(_turn) = self.turn(tier, address, budget).await else { return false };
        // What was loaded while this waited is older too.
        self.order.pass(address.id());
        tier.link.fill(budget, |backend| backend.set(address, bytes, life)).await.is_ok()
    }

    /// In place of what is there, by its witness: a plain store that comes late could undo an invalidation.
    async fn replace_shared(
        &self,
        tier: &Tier,
        address: &Address,
        value: &V,
        ttl: Option<Duration>,
        if_error: Duration,
        budget: &Budget,
    ) -> bool {
        for _ in 0..REPLACEMENTS {
            let Ok(looked) = tier.link.call_shared(budget, |shared| shared.look(address)).await else { return false };
            let Ok(generation) = self.prepare(tier, budget, looked.generation).await else { return false };
            let there = match looked.bytes {
                Some(bytes) => bytes,
                None => {
                    let marker = Head::marker().witness();
                    match tier.link.fill_shared(budget, |shared| shared.claim(address, marker, MARKER)).await {
                        Ok(Claim::Ours) => Bytes::copy_from_slice(&marker.0),
                        Ok(Claim::Theirs(bytes)) => bytes,
                        Err(_) => return false,
                    }
                }
            };
            let witness = match Head::read(&there) {
                Ok(head) => head.witness(),
                Err(rejected) => {
                    self.reject(tier, address, &rejected, budget).await;
                    continue;
                }
            };
            let mut fill = Fill::new(address.clone(), self.order.moment(address.id()));
            fill.tickets.push(Ticket::Witness { witness, generation, hold: None });
            let Some((bytes, life, _)) = self.seal_one(&fill, value, ttl, if_error) else { return false };
            match tier.link.fill_shared(budget, |shared| shared.store(address, witness, Some(bytes), life)).await {
                Ok(true) => return true,
                // Somebody was faster: theirs is older all the same, since ours is stored now.
                Ok(false) => {}
                Err(_) => return false,
            }
        }
        false
    }

    fn seal_one(
        &self,
        fill: &Fill,
        value: &V,
        ttl: Option<Duration>,
        if_error: Duration,
    ) -> Option<(Bytes, Option<Duration>, Option<Duration>)> {
        let mut sealed = self.seal(fill, value, ttl, if_error).ok()?;
        let bytes = sealed.envelopes.pop().flatten()?;
        Some((bytes, sealed.life, sealed.near_life))
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

    /// The right to store in a tier that knows no witness, unless the budget ends first.
    async fn turn<'a>(
        &'a self,
        tier: &'a Tier,
        address: &Address,
        budget: &Budget,
    ) -> Option<(Turn<'a>, RwLockReadGuard<'a, ()>)> {
        let turn = async { Ok((self.order.turn_of(address.id()).await, tier.link.settling.read().await)) };
        budget.within(tier.link.backend().name(), turn).await.ok()
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
                let Some(_turn) = self.turn(tier, &fill.address, budget).await else {
                    return self.counters.store_failed();
                };
                if self.order.is_past(fill.address.id(), fill.moment) {
                    return self.counters.outdated();
                }
                tier.link.fill(budget, |backend| backend.set(&fill.address, bytes, life)).await.map(|()| true)
            }
            (Ticket::Witness { witness, hold, .. }, bytes) => {
                let is_value = bytes.is_some();
                let stored =
                    tier.link.fill_shared(budget, |shared| shared.store(&fill.address, *witness, bytes, life)).await;
                if let (Ok(_), Some(hold)) = (&stored, hold) {
                    hold.release();
                }
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

impl Fill {
    /// Does a backend wait for it?
    pub(crate) fn has_witness(&self) -> bool {
        self.tickets.iter().any(|ticket| matches!(ticket, Ticket::Witness { .. }))
    }
}
