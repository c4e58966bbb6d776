//! Several entries of one cache at once: one look at each tier, one claim of what nobody has, one store.
//!
//! They go in flushes of at most [`FLUSH`], each of which is one operation for the breaker and has one budget. After a flush without an answer the
//! tier is not asked for the rest, so that a backend that is slow costs one budget and no more.

use super::{
    Far, Tier,
    ask::{Accept, Asked, Found, Has},
    bridge,
    fill::{Fill, Sealed, Ticket},
    freshness::Worth,
    link::Unanswered,
    lock::Hold,
    shared::MARKER,
};
use crate::{
    backend::{Address, Claim, Storing, Witness, each},
    budget::Budget,
    envelope::{Head, Kind},
    outcome::Delivery,
    time::{NEVER, duration},
};
use bytes::Bytes;
use std::{future::Future, sync::Arc, time::Duration};

/// Entries of one flush.
const FLUSH: usize = 512;

/// What a tier has of one of several entries.
enum Told<V> {
    Has(Has<V>),
    /// Another process fills it.
    Locked,
    Unanswered(Unanswered),
}

/// One entry that is looked for.
struct Question<V> {
    accept: Accept,
    asked: Asked<V>,
    is_locked: bool,
}

/// What is there, and in a shared tier the generation of its cache.
type Peeked = (Option<Bytes>, Option<Option<u64>>);

/// A value that a further tier had, for the nearer ones.
struct Backfill {
    fill: Fill,
    bytes: Bytes,
    life: Option<Duration>,
}

impl<V: Clone + Send + Sync + 'static> Far<V> {
    /// As [`ask`](Self::ask) for several entries, in their order, but that no lock is waited for: `true` beside an entry that another process fills.
    ///
    /// Cancel-safe as that.
    pub(crate) async fn ask_many(
        self: Arc<Self>,
        questions: Vec<(Address, Accept)>,
        first: Budget,
    ) -> Vec<(Asked<V>, bool)> {
        let question = |(address, accept): (Address, Accept)| {
            let moment = self.order.moment(address.id());
            let asked = Asked { found: None, stale: None, fill: Fill::new(address, moment), failed: None };
            Question { accept, asked, is_locked: false }
        };
        let mut all: Vec<Question<V>> = questions.into_iter().map(question).collect();
        let mut backfills = Vec::new();
        let mut budget = Some(first);
        for (index, tier) in self.tiers.iter().enumerate() {
            let mut open: Vec<&mut Question<V>> = all.iter_mut().filter(|question| question.is_open()).collect();
            let mut is_answering = true;
            for flush in open.chunks_mut(FLUSH) {
                let told = if is_answering {
                    let budget = budget.take().unwrap_or_else(|| self.budget());
                    self.ask_flush(tier, flush, &budget).await
                } else {
                    flush.iter().map(|_| Told::Unanswered(Unanswered::Skipped)).collect()
                };
                is_answering = told.iter().any(|told| !matches!(told, Told::Unanswered(_)));
                for (question, told) in flush.iter_mut().zip(told) {
                    backfills.extend(self.note(index, tier, question, told));
                }
            }
        }
        self.back_fill_many(backfills);
        all.into_iter().map(|question| (question.asked, question.is_locked)).collect()
    }

    /// As [`ask`](Self::ask) for several entries at the same time, locks included.
    pub(crate) async fn ask_each(self: Arc<Self>, questions: Vec<(Address, Accept)>, budget: Budget) -> Vec<Asked<V>> {
        let ask = |(address, accept)| Box::pin(self.clone().ask(address, accept, budget.clone()));
        each(questions.into_iter().map(ask).collect()).await
    }

    /// As [`peek`](Self::peek) for several entries, in their order.
    pub(crate) async fn peek_many(self: Arc<Self>, addresses: Vec<Address>) -> Vec<Option<Found<V>>> {
        let mut found: Vec<Option<Found<V>>> = addresses.iter().map(|_| None).collect();
        for tier in &self.tiers {
            let is_wanted = |(address, found): &(&Address, &mut Option<Found<V>>)| {
                found.is_none() && !tier.link.undelivered.holds(address)
            };
            let (open, mut slots): (Vec<Address>, Vec<&mut Option<Found<V>>>) = addresses
                .iter()
                .zip(&mut found)
                .filter(is_wanted)
                .map(|(address, found)| (address.clone(), found))
                .unzip();
            for (flush, slots) in open.chunks(FLUSH).zip(slots.chunks_mut(FLUSH)) {
                let budget = self.budget();
                let looked: Result<Vec<Peeked>, Unanswered> = if tier.link.is_shared() {
                    let looked = tier.link.call_shared(&budget, |shared| shared.look_many(flush)).await;
                    looked.map(|all| all.into_iter().map(|one| (one.bytes, Some(one.generation))).collect())
                } else {
                    let found = tier.link.call(&budget, |backend| backend.get_many(flush)).await;
                    found.map(|all| all.into_iter().map(|bytes| (bytes, None)).collect())
                };
                let Ok(looked) = looked else { break };
                for ((address, slot), (bytes, generation)) in flush.iter().zip(slots).zip(looked) {
                    match bytes.map(|bytes| self.open(tier, address, &bytes, generation)) {
                        Some(Ok((found, Worth::Fresh { .. }))) => {
                            self.counters.hit();
                            **slot = Some(found);
                        }
                        _ => self.counters.miss(),
                    }
                }
            }
        }
        found
    }

    /// As [`invalidate`](Self::invalidate) of several entries: all of them begin with the call.
    pub(crate) fn invalidate_many(
        self: Arc<Self>,
        addresses: Vec<Address>,
    ) -> impl Future<Output = Delivery> + Send + use<V> {
        let tellings: Vec<_> =
            addresses.into_iter().map(|address| Box::pin(self.clone().invalidate(address))).collect();
        async move {
            let (mut delivery, mut rest) = (Delivery::Local, tellings.into_iter());
            loop {
                let flush: Vec<_> = rest.by_ref().take(FLUSH).collect();
                if flush.is_empty() {
                    return delivery;
                }
                delivery = each(flush).await.into_iter().fold(delivery, farther);
            }
        }
    }

    fn note(&self, index: usize, tier: &Tier, question: &mut Question<V>, told: Told<V>) -> Option<Backfill> {
        let asked = &mut question.asked;
        match told {
            Told::Has(Has::Value(found, bytes)) => {
                self.counters.hit();
                let backfill = (index > 0).then(|| {
                    let tickets = std::mem::take(&mut asked.fill.tickets);
                    let mut life = (found.left != NEVER).then(|| duration(found.left));
                    if let Some(near) = (self.near_ttl)(&found.value) {
                        life = Some(life.map_or(near, |life| life.min(near)));
                    }
                    let fill = Fill { address: asked.fill.address.clone(), moment: asked.fill.moment, tickets };
                    Backfill { fill, bytes, life }
                });
                asked.found = Some(found);
                return backfill;
            }
            Told::Has(Has::Nothing(ticket, stale)) => {
                self.counters.miss();
                asked.fill.tickets.push(ticket);
                asked.stale = asked.stale.take().or(stale);
                asked.failed = None;
            }
            // Is asked for again, and counted then.
            Told::Locked => question.is_locked = true,
            Told::Unanswered(unanswered) => {
                self.counters.unanswered(matches!(unanswered, Unanswered::Skipped));
                asked.fill.tickets.push(Ticket::None);
                asked.failed = Some(unanswered.into_error(tier.link.backend().name()));
            }
        }
        None
    }

    /// In the order of the flush.
    async fn ask_flush(self: &Arc<Self>, tier: &Tier, flush: &[&mut Question<V>], budget: &Budget) -> Vec<Told<V>> {
        let is_held = |question: &&&mut Question<V>| tier.link.undelivered.holds(&question.asked.fill.address);
        let askable: Vec<&Question<V>> =
            flush.iter().filter(|question| !is_held(question)).map(|question| &**question).collect();
        let addresses: Vec<Address> = askable.iter().map(|question| question.asked.fill.address.clone()).collect();
        let answers = match (addresses.is_empty(), tier.link.is_shared()) {
            (true, _) => Ok(Vec::new()),
            (false, true) => self.look_shared(tier, &askable, &addresses, budget).await,
            (false, false) => self.look_plain(tier, &askable, &addresses, budget).await,
        };
        let mut answers = match answers {
            Ok(answers) => answers.into_iter(),
            Err(unanswered) => return flush.iter().map(|_| Told::Unanswered(unanswered.clone())).collect(),
        };
        let told = flush.iter().map(|question| {
            let answer = if is_held(&question) { None } else { answers.next() };
            answer.unwrap_or(Told::Unanswered(Unanswered::Skipped))
        });
        told.collect()
    }

    async fn look_plain(
        self: &Arc<Self>,
        tier: &Tier,
        questions: &[&Question<V>],
        addresses: &[Address],
        budget: &Budget,
    ) -> Result<Vec<Told<V>>, Unanswered> {
        let found = tier.link.call(budget, |backend| backend.get_many(addresses)).await?;
        let mut told = Vec::with_capacity(questions.len());
        for ((question, address), bytes) in questions.iter().zip(addresses).zip(found) {
            let Some(bytes) = bytes else {
                told.push(Told::Has(Has::Nothing(Ticket::Plain, None)));
                continue;
            };
            told.push(Told::Has(match self.open(tier, address, &bytes, None) {
                Ok((found, Worth::Fresh { .. })) if question.accept.takes(&found) => Has::Value(found, bytes),
                Ok((found, Worth::Stale)) => Has::Nothing(Ticket::Plain, Some(found)),
                Ok(_) => Has::Nothing(Ticket::Plain, None),
                Err(rejected) => {
                    self.reject(tier, address, &rejected, budget).await;
                    Has::Nothing(Ticket::Plain, None)
                }
            }));
        }
        Ok(told)
    }

    /// As [`ask_shared`](Self::ask_shared): what is there is a value or the witness of a fill, and where nothing is, a marker of ours becomes it.
    async fn look_shared(
        self: &Arc<Self>,
        tier: &Tier,
        questions: &[&Question<V>],
        addresses: &[Address],
        budget: &Budget,
    ) -> Result<Vec<Told<V>>, Unanswered> {
        let looked = tier.link.call_shared(budget, |shared| shared.look_many(addresses)).await?;
        let known = looked.first().and_then(|looked| looked.generation);
        let mut told = Vec::with_capacity(questions.len());
        let mut vacant = Vec::new();
        for (at, ((question, address), looked)) in questions.iter().zip(addresses).zip(looked).enumerate() {
            let seen = match looked.bytes {
                Some(bytes) => self.see(tier, address, question.accept, bytes, looked.generation, budget).await,
                None => Seen::Vacant,
            };
            if matches!(seen, Seen::Vacant) {
                vacant.push(at);
            }
            told.push(seen);
        }
        let needs_fill = !vacant.is_empty() || told.iter().any(|seen| matches!(seen, Seen::Witness(..)));
        // Without a marker nothing can be stored, and reading goes on.
        let generation = match needs_fill && tier.link.takes_fills() {
            true => Some(self.prepare(tier, budget, known).await?),
            false => None,
        };
        if let Some(generation) = generation {
            self.claim_all(tier, questions, addresses, &vacant, generation, budget, &mut told).await?;
        }
        let ticket = |witness| match generation {
            Some(generation) => Ticket::Witness { witness, generation, hold: None },
            None => Ticket::None,
        };
        let answered = told.into_iter().map(|seen| match seen {
            Seen::Value(found, bytes) => Told::Has(Has::Value(found, bytes)),
            Seen::Witness(witness, stale) => Told::Has(Has::Nothing(ticket(witness), stale)),
            Seen::Claimed(ticket) => Told::Has(Has::Nothing(ticket, None)),
            Seen::Locked => Told::Locked,
            Seen::Vacant => Told::Has(Has::Nothing(Ticket::None, None)),
        });
        Ok(answered.collect())
    }

    /// Puts our markers or locks where nothing is.
    #[expect(clippy::too_many_arguments, reason = "one flush in the middle of its look")]
    async fn claim_all(
        self: &Arc<Self>,
        tier: &Tier,
        questions: &[&Question<V>],
        addresses: &[Address],
        vacant: &[usize],
        generation: u64,
        budget: &Budget,
        told: &mut [Seen<V>],
    ) -> Result<(), Unanswered> {
        let head = || if self.lock.is_some() { Head::lock().witness() } else { Head::marker().witness() };
        let wanted = vacant.iter().filter_map(|at| Some((addresses.get(*at)?.clone(), head())));
        let claims: Vec<(Address, Witness)> = wanted.collect();
        if claims.is_empty() {
            return Ok(());
        }
        let life = self.lock.unwrap_or(MARKER);
        let claimed = match tier.link.fill_shared(budget, |shared| shared.claim_many(&claims, life)).await {
            Ok(claimed) => claimed,
            // It takes nothing just now, which is no reason to count it as gone.
            Err(_) if !tier.link.takes_fills() => return Ok(()),
            Err(unanswered) => return Err(unanswered),
        };
        for ((at, (address, witness)), claim) in vacant.iter().zip(&claims).zip(claimed) {
            let (Some(slot), Some(question)) = (told.get_mut(*at), questions.get(*at)) else { continue };
            *slot = match claim {
                Claim::Ours => {
                    let hold = self.lock.map(|lease| Hold::keep(&tier.link, address, *witness, lease, &self.clock));
                    Seen::Claimed(Ticket::Witness { witness: *witness, generation, hold })
                }
                Claim::Theirs(bytes) => self.see(tier, address, question.accept, bytes, Some(generation), budget).await,
            };
        }
        Ok(())
    }

    /// What is there.
    async fn see(
        &self,
        tier: &Tier,
        address: &Address,
        accept: Accept,
        bytes: Bytes,
        generation: Option<u64>,
        budget: &Budget,
    ) -> Seen<V> {
        let head = match Head::read(&bytes) {
            Ok(head) => head,
            Err(rejected) => {
                self.reject(tier, address, &rejected, budget).await;
                return Seen::Vacant;
            }
        };
        let mut stale = None;
        if head.kind() == Kind::Value {
            match self.open(tier, address, &bytes, Some(generation)) {
                Ok((found, Worth::Fresh { .. })) if accept.takes(&found) => return Seen::Value(found, bytes),
                Ok((found, Worth::Stale)) => stale = Some(found),
                Ok(_) => {}
                Err(rejected) => {
                    self.reject(tier, address, &rejected, budget).await;
                    return Seen::Vacant;
                }
            }
        }
        // With a lock, what is there has to be replaced by it or waited for, which is done one by one.
        if self.lock.is_some() { Seen::Locked } else { Seen::Witness(head.witness(), stale) }
    }

    /// Stores what was computed, nearest tier first, as [`store`](Self::store) does for each: in the order given, `false` where an invalidation had come
    /// in between.
    pub(crate) async fn store_many(self: Arc<Self>, fills: Vec<(Fill, Sealed)>) -> Vec<bool> {
        let mut is_current = vec![true; fills.len()];
        let last = self.tiers.len().saturating_sub(1);
        for (index, tier) in self.tiers.iter().enumerate() {
            let mut is_taking = true;
            for (flush, current) in fills.chunks(FLUSH).zip(is_current.chunks_mut(FLUSH)) {
                let budget = self.budget();
                if !tier.link.is_shared() {
                    self.store_plain(tier, index, last, flush, &budget, current).await;
                } else if is_taking {
                    is_taking = self.store_shared(tier, index, last, flush, &budget, current).await;
                } else {
                    flush.iter().for_each(|_| self.counters.store_failed());
                }
            }
        }
        is_current
    }

    async fn store_plain(
        &self,
        tier: &Tier,
        index: usize,
        last: usize,
        flush: &[(Fill, Sealed)],
        budget: &Budget,
        is_current: &mut [bool],
    ) {
        let settle = |(fill, sealed): &'_ (Fill, Sealed)| {
            let (bytes, life) = sealed.of(index, last);
            (fill.tickets.get(index).cloned(), bytes, life)
        };
        let parts: Vec<_> = flush.iter().map(settle).collect();
        let stores = flush.iter().zip(&parts).map(|((fill, _), (ticket, bytes, life))| {
            Box::pin(async move {
                match (ticket, bytes) {
                    (Some(ticket), Some(bytes)) => {
                        self.settle(tier, ticket, fill, Some(bytes.clone()), *life, budget).await
                    }
                    _ => true,
                }
            })
        });
        for (current, stored) in is_current.iter_mut().zip(each(stores.collect()).await) {
            *current &= stored;
        }
    }

    /// Whether there was an answer.
    async fn store_shared(
        &self,
        tier: &Tier,
        index: usize,
        last: usize,
        flush: &[(Fill, Sealed)],
        budget: &Budget,
        is_current: &mut [bool],
    ) -> bool {
        let mut stores = Vec::with_capacity(flush.len());
        let mut of = Vec::with_capacity(flush.len());
        for (at, (fill, sealed)) in flush.iter().enumerate() {
            let (bytes, life) = sealed.of(index, last);
            if let Some(Ticket::Witness { witness, hold, .. }) = fill.tickets.get(index)
                && let Some(bytes) = bytes
                && !tier.link.undelivered.holds(&fill.address)
            {
                stores.push(Storing::new(fill.address.clone(), *witness, Some(bytes), life));
                of.push((at, hold));
            }
        }
        if stores.is_empty() {
            return true;
        }
        let Ok(stored) = tier.link.fill_shared(budget, |shared| shared.store_many(&stores)).await else {
            of.iter().for_each(|_| self.counters.store_failed());
            return false;
        };
        for ((at, hold), is_stored) in of.into_iter().zip(stored) {
            if let Some(hold) = hold {
                hold.release();
            }
            if is_stored {
                self.counters.stored();
            } else {
                self.counters.outdated();
                if let Some(current) = is_current.get_mut(at) {
                    *current = false;
                }
            }
        }
        true
    }

    /// Gives the witnesses back: nothing will be stored.
    pub(crate) async fn abandon_many(self: Arc<Self>, fills: Vec<Fill>) {
        for flush in fills.chunks(FLUSH) {
            let budget = self.budget();
            for (index, tier) in self.tiers.iter().enumerate() {
                let mut drops = Vec::new();
                let mut holds = Vec::new();
                for fill in flush {
                    if let Some(Ticket::Witness { witness, hold, .. }) = fill.tickets.get(index) {
                        drops.push(Storing::new(fill.address.clone(), *witness, None, None));
                        holds.extend(hold.as_ref());
                    }
                }
                if !drops.is_empty() && tier.link.fill_shared(&budget, |shared| shared.store_many(&drops)).await.is_ok()
                {
                    holds.into_iter().for_each(Hold::release);
                }
            }
        }
    }

    /// Gives what further tiers had to the nearer ones, without the caller.
    fn back_fill_many(self: &Arc<Self>, backfills: Vec<Backfill>) {
        if backfills.is_empty() {
            return;
        }
        let far = Arc::clone(self);
        bridge::spawn(false, async move {
            for Backfill { fill, bytes, life } in backfills {
                let budget = far.budget();
                for (tier, ticket) in far.tiers.iter().zip(&fill.tickets) {
                    // A shared tier has generations of its own, so that the envelope is none of its.
                    far.settle(tier, ticket, &fill, (!tier.link.is_shared()).then(|| bytes.clone()), life, &budget)
                        .await;
                }
            }
        });
    }
}

impl<V> Question<V> {
    fn is_open(&self) -> bool {
        self.asked.found.is_none() && !self.is_locked
    }
}

/// Of two invalidations, what holds for both.
fn farther(one: Delivery, other: Delivery) -> Delivery {
    match (one, other) {
        (Delivery::Queued, _) | (_, Delivery::Queued) => Delivery::Queued,
        (Delivery::Shared, _) | (_, Delivery::Shared) => Delivery::Shared,
        _ => Delivery::Local,
    }
}

/// What a look at a shared tier saw.
enum Seen<V> {
    Value(Found<V>, Bytes),
    /// What is there can be replaced.
    Witness(Witness, Option<Found<V>>),
    Claimed(Ticket),
    Locked,
    Vacant,
}
