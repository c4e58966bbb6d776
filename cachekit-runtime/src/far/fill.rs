//! Storing in the far tiers what was computed.

use super::{
    Far, Tier,
    cells::Tagged,
    freshness,
    link::Unanswered,
    lock::Hold,
    order::{Moment, Turn},
    shared::MARKER,
    switches,
    tie::Tie,
    traced::Verb,
    visit::Visit,
    watch::Sight,
};
use crate::{
    Error,
    backend::{Address, Claim, Failure, Witness},
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
        /// It is a marker or a lock that this fill has left, and takes away again. What others have left is theirs.
        is_ours: bool,
        /// Keeps the lock, if the witness is one.
        hold: Option<Hold>,
    },
}

/// What a fill needs from the look before it.
#[derive(Debug, Clone)]
pub(crate) struct Fill {
    pub(super) address: Address,
    pub(super) moment: Moment,
    /// By tier.
    pub(super) tickets: Vec<Ticket>,
    /// The tags of the entry, and what was known of them before the load.
    pub(super) tags: Vec<String>,
    pub(super) tagged: Vec<Tagged>,
    /// Noted before the tiers were asked.
    pub(super) sight: Option<Sight>,
    /// Until when it is waited for the locks of other processes, once one was met.
    pub(super) locks_until: Option<u64>,
}

/// A value that a caller inserts.
#[derive(Debug)]
pub(crate) struct Insertion<V> {
    pub(crate) address: Address,
    pub(crate) tags: Vec<String>,
    /// The tags with the versions of before the value was made; `None`: it is of now.
    pub(crate) captured: Option<Vec<Tagged>>,
    pub(crate) value: V,
    /// In nanoseconds; [`NEVER`]: no end; `None`: nothing is to be there.
    pub(crate) ttl: Option<u64>,
    pub(crate) if_error: Duration,
}

/// A value as bytes, by tier.
#[derive(Debug)]
pub(crate) struct Sealed {
    envelopes: Vec<Option<Bytes>>,
    /// How long the furthest tier keeps it.
    life: Option<Duration>,
    /// How long the nearer ones do.
    near_life: Option<Duration>,
    /// Keeps a copy near by true to it.
    pub(crate) tie: Option<Box<Tie>>,
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
        // One for all tiers, so that the copy of a nearer one can be compared with what the furthest has.
        let head = Head::value();
        let times = Freshness::new(self.time_at(&fill.address), ttl).stale(None, allowance);
        let tags = fill.versions();
        if tags.len() < fill.tags.len() {
            return Err(Error::backend(&*self.name, Failure::Other, "the versions of its tags are not known"));
        }
        let generation = fill.tickets.iter().rev().find_map(|ticket| match ticket {
            Ticket::Witness { generation, .. } => Some(*generation),
            _ => None,
        });
        let mut envelopes = Vec::with_capacity(fill.tickets.len());
        for ticket in &fill.tickets {
            if let Ticket::None = ticket {
                envelopes.push(None);
                continue;
            }
            let draft = Draft {
                head,
                address: &fill.address,
                freshness: times,
                generation,
                tags: &tags,
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
        let tie = self.tie(fill, generation.map(|_| head), generation);
        Ok(Sealed { envelopes, life, near_life, tie })
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

    /// Stores the value, nearest tier first, where nothing was invalidated since the look. A failed store costs the entry only. `false`: in a tier an
    /// invalidation had come in between, so that the value is to be in none.
    pub(crate) async fn store(self: Arc<Self>, fill: Fill, sealed: Sealed, budget: Budget) -> bool {
        let mut is_current = true;
        let last = self.tiers.len().saturating_sub(1);
        let parts = self.tiers.iter().zip(&fill.tickets).zip(sealed.envelopes).enumerate();
        for (index, ((tier, ticket), bytes)) in parts {
            let life = if index == last { sealed.life } else { sealed.near_life };
            if bytes.is_some() {
                is_current &= self.settle(tier, ticket, &fill, bytes, life, &budget).await;
            }
        }
        is_current
    }

    /// Stores a value that a caller inserts, in place of whatever is there; what is being computed for the key is older, and is not stored. What a tier does
    /// not take is invalidated there as soon as it is back. Also gives what keeps a copy near by true.
    pub(crate) async fn replace(self: Arc<Self>, insertion: Insertion<V>) -> (Delivery, Option<Box<Tie>>) {
        if insertion.ttl.is_none() {
            return (self.invalidate(insertion.address).await, None);
        }
        let id = insertion.address.id();
        self.order.pass(id);
        let (budget, last) = (self.budget(), self.tiers.len().saturating_sub(1));
        let (mut delivery, mut tie) = (Delivery::Local, None);
        let mut fill = Fill::new(insertion.address.clone(), self.order.moment(id));
        fill.sight = self.sight(id);
        fill.tags.clone_from(&insertion.tags);
        fill.tagged = insertion.captured.clone().unwrap_or_else(|| self.tagged(&fill.tags));
        // The versions first: they are the same for all tiers.
        for (index, tier) in self.tiers.iter().enumerate() {
            // Without them nothing is stored.
            let _ = self.prepare_tags(Visit { index, tier, budget: &budget }, &mut fill).await;
        }
        for tier in &self.silent {
            // What it has is older.
            tier.link.undelivered.add_key(&insertion.address);
            tier.link.attend();
            delivery = Delivery::Queued;
        }
        for (index, tier) in self.tiers.iter().enumerate() {
            let is_stored = match tier.link.undelivered.holds(&insertion.address, &insertion.tags) {
                true => false,
                false if tier.link.is_shared() => {
                    let stored = self.replace_shared(Visit { index, tier, budget: &budget }, &insertion, &fill).await;
                    tie = stored.clone().flatten();
                    stored.is_some()
                }
                false => self.replace_plain(tier, &insertion, &fill, index == last, &budget).await,
            };
            if is_stored {
                self.counters.stored();
                if tier.link.is_shared() && delivery == Delivery::Local {
                    delivery = Delivery::Shared;
                }
            } else {
                self.counters.store_failed();
                tier.link.undelivered.add_key(&insertion.address);
                tier.link.attend();
                delivery = Delivery::Queued;
            }
        }
        (delivery, tie)
    }

    async fn replace_plain(
        &self,
        tier: &Tier,
        insertion: &Insertion<V>,
        fill: &Fill,
        is_last: bool,
        budget: &Budget,
    ) -> bool {
        let address = &insertion.address;
        let Some((bytes, sealed)) = self.seal_one(insertion, fill, Ticket::Plain) else { return false };
        let Some(_turn) = self.turn(tier, address, budget).await else { return false };
        // What was loaded while this waited is older too.
        self.order.pass(address.id());
        let life = if is_last { sealed.life } else { sealed.near_life };
        tier.link.fill(Verb::Set, budget, |backend| backend.set(address, bytes, life)).await.is_ok()
    }

    /// In place of what is there, by its witness: a plain store that comes late could undo an invalidation. `None`: it could not be stored.
    async fn replace_shared(&self, at: Visit<'_>, insertion: &Insertion<V>, fill: &Fill) -> Option<Option<Box<Tie>>> {
        for _ in 0..REPLACEMENTS {
            match self.try_replace(at, insertion, fill).await {
                Ok(Some(tie)) => {
                    // Others have copies of what was there.
                    let told = at
                        .tier
                        .link
                        .call_shared(Verb::Signal, at.budget, |shared| shared.signal(&insertion.address))
                        .await;
                    return told.is_ok().then_some(tie);
                }
                // Somebody was faster: theirs is older all the same, if ours is stored now.
                Ok(None) => {}
                Err(_) => return None,
            }
        }
        None
    }

    async fn try_replace(
        &self,
        at: Visit<'_>,
        insertion: &Insertion<V>,
        fill: &Fill,
    ) -> Result<Option<Option<Box<Tie>>>, Unanswered> {
        let Visit { tier, budget, .. } = at;
        let address = &insertion.address;
        let looked = tier.link.call_shared(Verb::Look, budget, |shared| shared.look(address)).await?;
        let generation = self.prepare(at, address, looked.generation).await?;
        let there = match looked.bytes {
            Some(bytes) => bytes,
            None => {
                let marker = Head::marker().witness();
                match tier.link.fill_shared(Verb::Claim, budget, |shared| shared.claim(address, marker, MARKER)).await?
                {
                    Claim::Ours => Bytes::copy_from_slice(&marker.0),
                    Claim::Theirs(bytes) => bytes,
                }
            }
        };
        let witness = match Head::read(&there) {
            Ok(head) => head.witness(),
            Err(rejected) => {
                self.reject(at, address, &rejected).await;
                return Ok(None);
            }
        };
        let ticket = Ticket::Witness { witness, generation, is_ours: false, hold: None };
        let (bytes, sealed) = self.seal_one(insertion, fill, ticket).ok_or(Unanswered::Skipped)?;
        let life = sealed.life;
        let is_stored = tier
            .link
            .fill_shared(Verb::Store, budget, |shared| shared.store(address, witness, Some(bytes), life))
            .await?;
        Ok(is_stored.then_some(sealed.tie))
    }

    fn seal_one(&self, insertion: &Insertion<V>, fill: &Fill, ticket: Ticket) -> Option<(Bytes, Sealed)> {
        let mut fill = Fill { tickets: vec![ticket], ..fill.clone() };
        fill.moment = self.order.moment(insertion.address.id());
        let ttl = insertion.ttl.filter(|ttl| *ttl != NEVER).map(duration);
        let mut sealed = self.seal(&fill, &insertion.value, ttl, insertion.if_error).ok()?;
        Some((sealed.envelopes.pop().flatten()?, sealed))
    }

    /// Gives the witnesses back: nothing will be stored.
    pub(crate) async fn abandon(self: Arc<Self>, fill: Fill) {
        let budget = self.budget();
        for (tier, ticket) in self.tiers.iter().zip(&fill.tickets) {
            if let Ticket::Witness { is_ours: true, .. } = ticket {
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

    /// Stores the bytes, or nothing in place of the marker. `false`: an invalidation has come in between.
    pub(super) async fn settle(
        &self,
        tier: &Tier,
        ticket: &Ticket,
        fill: &Fill,
        bytes: Option<Bytes>,
        life: Option<Duration>,
        budget: &Budget,
    ) -> bool {
        if tier.link.undelivered.holds(&fill.address, &fill.tags) {
            return true;
        }
        let stored = match (ticket, bytes) {
            (Ticket::None, _) | (Ticket::Plain, None) => return true,
            (Ticket::Plain, Some(bytes)) => match self.turn(tier, &fill.address, budget).await {
                Some(_turn) if self.order.is_past(fill.address.id(), fill.moment) => Ok(false),
                Some(_turn) => tier
                    .link
                    .fill(Verb::Set, budget, |backend| backend.set(&fill.address, bytes, life))
                    .await
                    .map(|()| true),
                None => Err(Unanswered::Skipped),
            },
            (Ticket::Witness { witness, hold, .. }, bytes) => {
                let is_value = bytes.is_some();
                let stored = match bytes {
                    Some(bytes) if switches::without_witness() => tier
                        .link
                        .fill(Verb::Set, budget, |backend| backend.set(&fill.address, bytes, life))
                        .await
                        .map(|()| true),
                    bytes => {
                        tier.link
                            .fill_shared(Verb::Store, budget, |shared| {
                                shared.store(&fill.address, *witness, bytes, life)
                            })
                            .await
                    }
                };
                if let (Ok(_), Some(hold)) = (&stored, hold) {
                    hold.release();
                }
                if !is_value {
                    return true;
                }
                stored
            }
        };
        match stored {
            Ok(true) => self.counters.stored(),
            Ok(false) => self.counters.outdated(),
            Err(_) => self.counters.store_failed(),
        }
        stored.unwrap_or(true)
    }
}

impl Sealed {
    /// The bytes for a tier, and how long it keeps them; `last` is the furthest.
    pub(super) fn of(&self, tier: usize, last: usize) -> (Option<Bytes>, Option<Duration>) {
        (self.envelopes.get(tier).cloned().flatten(), if tier == last { self.life } else { self.near_life })
    }
}

impl Fill {
    pub(super) fn new(address: Address, moment: Moment) -> Self {
        Fill {
            address,
            moment,
            tickets: Vec::new(),
            tags: Vec::new(),
            tagged: Vec::new(),
            sight: None,
            locks_until: None,
        }
    }

    /// Does a backend wait for it?
    pub(crate) fn has_witness(&self) -> bool {
        self.tickets.iter().any(|ticket| matches!(ticket, Ticket::Witness { .. }))
    }
}
