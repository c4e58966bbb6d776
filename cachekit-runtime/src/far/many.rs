//! Several entries of one cache at once: one look at each tier, one claim of what nobody has, one store.
//!
//! They go in flushes of at most [`FLUSH`], each of which is one operation for the breaker and has one budget. After a flush without an answer the
//! tier is not asked for the rest, so that a backend that is slow costs one budget and no more.

use super::{
    Far, Tier,
    ask::{Asked, Backfill, Found, Has, Question},
    fill::{Fill, Ticket},
    freshness::Worth,
    link::Unanswered,
    lock::Hold,
    shared::MARKER,
};
use crate::{
    backend::{Address, Claim, Witness, each},
    budget::Budget,
    envelope::{Head, Kind},
};
use bytes::Bytes;
use std::{collections::BTreeSet, sync::Arc};

/// Entries of one flush.
pub(super) const FLUSH: usize = 512;

/// What a tier has of one of several entries.
enum Told<V> {
    Has(Has<V>),
    /// Another process fills it.
    Locked,
    /// It was not asked for: an invalidation of it is not delivered yet.
    Held,
    Unanswered(Unanswered),
}

/// One entry that is looked for.
struct Open<V> {
    question: Question<V>,
    asked: Asked<V>,
    is_locked: bool,
}

/// What is there, and in a shared tier the generation of its cache.
type Peeked = (Option<Bytes>, Option<Option<u64>>);

impl<V: Clone + Send + Sync + 'static> Far<V> {
    /// As [`ask`](Self::ask) for several entries, in their order, but that no lock is waited for: `true` beside an entry that another process fills.
    ///
    /// Cancel-safe as that.
    pub(crate) async fn ask_many(self: Arc<Self>, questions: Vec<Question<V>>, first: Budget) -> Vec<(Asked<V>, bool)> {
        let open = |mut question: Question<V>| {
            let asked = Asked::nothing(self.fill_of(&mut question));
            Open { question, asked, is_locked: false }
        };
        let mut all: Vec<Open<V>> = questions.into_iter().map(open).collect();
        let mut backfills = Vec::new();
        let mut budget = Some(first);
        for (index, tier) in self.tiers.iter().enumerate() {
            let mut open: Vec<&mut Open<V>> = all.iter_mut().filter(|question| question.is_open()).collect();
            let mut is_answering = true;
            for flush in open.chunks_mut(FLUSH) {
                let told = if is_answering {
                    let budget = budget.take().unwrap_or_else(|| self.budget());
                    self.ask_flush(index, tier, flush, &budget).await
                } else {
                    flush.iter().map(|_| Told::Unanswered(Unanswered::Skipped)).collect()
                };
                is_answering = told.iter().any(|told| !matches!(told, Told::Unanswered(_)));
                for (question, told) in flush.iter_mut().zip(told) {
                    backfills.extend(self.note(index, tier, question, told));
                }
            }
        }
        self.back_fill(backfills);
        self.find_refreshed_elsewhere(&mut all, &self.budget()).await;
        all.into_iter().map(|question| (question.asked, question.is_locked)).collect()
    }

    /// As [`peek`](Self::peek) for several entries, in their order.
    pub(crate) async fn peek_many(self: Arc<Self>, questions: Vec<Question<V>>) -> Vec<Option<Found<V>>> {
        let mut found: Vec<Option<Found<V>>> = questions.iter().map(|_| None).collect();
        let mut questions = questions;
        let mut fills: Vec<Fill> = questions.iter_mut().map(|question| self.fill_of(question)).collect();
        for (index, tier) in self.tiers.iter().enumerate() {
            if !tier.link.is_shared() && self.shared_after(index) {
                continue;
            }
            let mut open: Vec<_> = fills
                .iter_mut()
                .zip(&mut found)
                .filter(|(fill, found)| found.is_none() && !tier.link.undelivered.holds(&fill.address, &fill.tags))
                .collect();
            for flush in open.chunks_mut(FLUSH) {
                let budget = self.budget();
                let addresses: Vec<Address> = flush.iter().map(|(fill, _)| fill.address.clone()).collect();
                let looked: Result<Vec<Peeked>, Unanswered> = if tier.link.is_shared() {
                    let looked = tier.link.call_shared(&budget, |shared| shared.look_many(&addresses)).await;
                    looked.map(|all| all.into_iter().map(|one| (one.bytes, Some(one.generation))).collect())
                } else {
                    let found = tier.link.call(&budget, |backend| backend.get_many(&addresses)).await;
                    found.map(|all| all.into_iter().map(|bytes| (bytes, None)).collect())
                };
                let Ok(looked) = looked else { break };
                for ((fill, slot), (bytes, generation)) in flush.iter_mut().zip(looked) {
                    **slot = match bytes {
                        Some(bytes) => self.peeked(index, tier, fill, &bytes, generation, &budget).await,
                        None => None,
                    };
                    if slot.is_some() { self.counters.hit() } else { self.counters.miss() }
                }
            }
        }
        found
    }

    /// Which of them are refreshed by other processes just now, asked for at the same time.
    async fn find_refreshed_elsewhere(&self, all: &mut [Open<V>], budget: &Budget) {
        // A lock is such a right by itself.
        if self.lock.is_some() {
            return;
        }
        let due =
            |open: &&mut Open<V>| open.is_open() && open.question.refresh.is_some() && open.asked.fill.has_witness();
        let due: Vec<&mut Open<V>> = all.iter_mut().filter(due).collect();
        let answers = each(
            due.iter()
                .map(|open| {
                    let (address, lease) = (open.question.address.clone(), open.question.refresh.unwrap_or_default());
                    Box::pin(async move { self.is_refreshed_elsewhere(&address, lease, budget).await })
                })
                .collect(),
        )
        .await;
        for (open, is_elsewhere) in due.into_iter().zip(answers) {
            open.asked.is_elsewhere = is_elsewhere;
        }
    }

    /// The versions of all tags of a flush, asked for in one go. `make`: those that are not there are made.
    async fn learn_tags(
        &self,
        index: usize,
        tier: &Tier,
        fills: Vec<&mut Fill>,
        make: bool,
        budget: &Budget,
    ) -> Result<(), Unanswered> {
        if index != self.authority() {
            return Ok(());
        }
        let unknown = |fill: &&mut Fill| fill.tagged.iter().any(|tag| tag.version.is_none());
        let mut fills: Vec<&mut Fill> = fills.into_iter().filter(|fill| unknown(fill)).collect();
        let names: BTreeSet<String> = fills
            .iter()
            .flat_map(|fill| &fill.tagged)
            .filter(|tag| tag.version.is_none())
            .map(|tag| tag.name.to_string())
            .collect();
        if names.is_empty() {
            return Ok(());
        }
        let names: Vec<String> = names.into_iter().collect();
        let learnt = tier.link.learn(&names, make, budget).await?;
        for tag in fills.iter_mut().flat_map(|fill| &mut fill.tagged) {
            if let Some(learnt) = learnt.iter().find(|learnt| learnt.name == tag.name) {
                *tag = learnt.clone();
            }
        }
        Ok(())
    }

    fn note(&self, index: usize, tier: &Tier, question: &mut Open<V>, told: Told<V>) -> Option<Backfill> {
        let asked = &mut question.asked;
        match told {
            Told::Has(Has::Value(found, bytes)) => {
                self.counters.hit();
                let tickets = std::mem::take(&mut asked.fill.tickets);
                let backfill =
                    (index > 0 && !found.is_known).then(|| self.backfill(&asked.fill, tickets, bytes, &found));
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
            Told::Held => {
                self.counters.unanswered(true);
                asked.fill.tickets.push(Ticket::None);
                asked.failed = Some(Unanswered::Skipped.into_error(tier.link.backend().name()));
            }
            Told::Unanswered(unanswered) => {
                self.counters.unanswered(matches!(unanswered, Unanswered::Skipped));
                asked.fill.tickets.push(Ticket::None);
                asked.failed = Some(unanswered.into_error(tier.link.backend().name()));
            }
        }
        None
    }

    /// In the order of the flush.
    async fn ask_flush(
        self: &Arc<Self>,
        index: usize,
        tier: &Tier,
        flush: &mut [&mut Open<V>],
        budget: &Budget,
    ) -> Vec<Told<V>> {
        let holds = |open: &&mut Open<V>| tier.link.undelivered.holds(&open.asked.fill.address, &open.asked.fill.tags);
        let is_held: Vec<bool> = flush.iter().map(holds).collect();
        let mut askable: Vec<&mut Open<V>> =
            flush.iter_mut().zip(&is_held).filter(|(_, is_held)| !**is_held).map(|(open, _)| &mut **open).collect();
        let answers = match (askable.is_empty(), tier.link.is_shared()) {
            (true, _) => Ok(Vec::new()),
            (false, true) => self.look_shared(index, tier, &mut askable, budget).await,
            (false, false) => self.look_plain(index, tier, &mut askable, budget).await,
        };
        let mut answers = match answers {
            Ok(answers) => answers.into_iter(),
            Err(unanswered) => {
                let told = |is_held| if is_held { Told::Held } else { Told::Unanswered(unanswered.clone()) };
                return is_held.into_iter().map(told).collect();
            }
        };
        let told = is_held.into_iter().map(|is_held| match is_held {
            true => Told::Held,
            false => answers.next().unwrap_or(Told::Unanswered(Unanswered::Skipped)),
        });
        told.collect()
    }

    async fn look_plain(
        self: &Arc<Self>,
        index: usize,
        tier: &Tier,
        flush: &mut [&mut Open<V>],
        budget: &Budget,
    ) -> Result<Vec<Told<V>>, Unanswered> {
        let addresses: Vec<Address> = flush.iter().map(|open| open.question.address.clone()).collect();
        let found = tier.link.call(budget, |backend| backend.get_many(&addresses)).await?;
        self.learn_tags(index, tier, fills(flush), true, budget).await?;
        let mut told = Vec::with_capacity(flush.len());
        for (open, bytes) in flush.iter_mut().zip(found) {
            let has = match bytes {
                Some(bytes) => {
                    self.judge_plain(index, tier, &mut open.question, &mut open.asked.fill, bytes, budget).await?
                }
                None => Has::Nothing(Ticket::Plain, None),
            };
            told.push(Told::Has(has));
        }
        Ok(told)
    }

    /// As [`ask_shared`](Self::ask_shared): what is there is a value or the witness of a fill, and where nothing is, a marker of ours becomes it.
    async fn look_shared(
        self: &Arc<Self>,
        index: usize,
        tier: &Tier,
        flush: &mut [&mut Open<V>],
        budget: &Budget,
    ) -> Result<Vec<Told<V>>, Unanswered> {
        let addresses: Vec<Address> = flush.iter().map(|open| open.question.address.clone()).collect();
        let looked = tier.link.call_shared(budget, |shared| shared.look_many(&addresses)).await?;
        self.learn_tags(index, tier, fills(flush), false, budget).await?;
        let mut generations: Vec<Option<u64>> = looked.iter().map(|looked| looked.generation).collect();
        let mut told = Vec::with_capacity(flush.len());
        let mut vacant = Vec::new();
        for (at, (open, looked)) in flush.iter_mut().zip(looked).enumerate() {
            let seen = match looked.bytes {
                Some(bytes) => self.see(index, tier, open, bytes, looked.generation, budget).await?,
                None => Seen::Vacant,
            };
            if matches!(seen, Seen::Vacant) {
                vacant.push(at);
            }
            told.push(seen);
        }
        let needs_fill = !vacant.is_empty() || told.iter().any(|seen| matches!(seen, Seen::Witness(..)));
        // Without a marker nothing can be stored, and reading goes on.
        let mut failed = None;
        if needs_fill && tier.link.takes_fills() {
            let claiming = self.claim_all(index, tier, flush, &addresses, &vacant, &mut generations, budget, &mut told);
            failed = claiming.await.err();
        } else {
            generations.fill(None);
        }
        let ticket = |generation: Option<u64>, witness| match generation {
            Some(generation) => Ticket::Witness { witness, generation, is_ours: false, hold: None },
            None => Ticket::None,
        };
        let answered = told.into_iter().zip(generations).map(|(seen, generation)| match (seen, &failed) {
            (Seen::Value(found, bytes), _) => Told::Has(Has::Value(found, bytes)),
            // What was found stays found.
            (_, Some(unanswered)) => Told::Unanswered(unanswered.clone()),
            (Seen::Witness(witness, stale), None) => Told::Has(Has::Nothing(ticket(generation, witness), stale)),
            (Seen::Claimed(ticket), None) => Told::Has(Has::Nothing(ticket, None)),
            (Seen::Locked, None) => Told::Locked,
            (Seen::Vacant, None) => Told::Has(Has::Nothing(Ticket::None, None)),
        });
        Ok(answered.collect())
    }

    /// Generations are those of one cache, but each with the lineage of its own server.
    async fn prepare_many(
        &self,
        tier: &Tier,
        addresses: &[Address],
        generations: &mut [Option<u64>],
        budget: &Budget,
    ) -> Result<(), Unanswered> {
        let (Some(first), Some(known)) = (addresses.first(), generations.first().copied()) else { return Ok(()) };
        let generation = self.prepare(tier, first, budget, known).await?;
        let is_one_server = tier.link.backend().shared().is_none_or(|shared| shared.parts() == 1);
        if known == Some(generation) && generations.iter().all(Option::is_some) {
            return Ok(());
        }
        if is_one_server {
            generations.fill(Some(generation));
            return Ok(());
        }
        // Made just now: the lineages come with a further look.
        let looked = tier.link.call_shared(budget, |shared| shared.look_many(addresses)).await?;
        for (place, looked) in generations.iter_mut().zip(looked) {
            *place = looked.generation;
        }
        Ok(())
    }

    /// Puts our markers or locks where nothing is.
    #[expect(clippy::too_many_arguments, reason = "one flush in the middle of its look")]
    async fn claim_all(
        self: &Arc<Self>,
        index: usize,
        tier: &Tier,
        flush: &mut [&mut Open<V>],
        addresses: &[Address],
        vacant: &[usize],
        generations: &mut [Option<u64>],
        budget: &Budget,
        told: &mut [Seen<V>],
    ) -> Result<(), Unanswered> {
        self.prepare_many(tier, addresses, generations, budget).await?;
        self.learn_tags(index, tier, fills(flush), true, budget).await?;
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
            let generation = generations.get(*at).copied().flatten();
            let (Some(slot), Some(open)) = (told.get_mut(*at), flush.get_mut(*at)) else { continue };
            *slot = match (claim, generation) {
                (Claim::Ours, Some(generation)) => {
                    let hold = self.lock.map(|lease| Hold::keep(&tier.link, address, *witness, lease, &self.clock));
                    Seen::Claimed(Ticket::Witness { witness: *witness, generation, is_ours: true, hold })
                }
                (Claim::Ours, None) => Seen::Vacant,
                (Claim::Theirs(bytes), generation) => self.see(index, tier, open, bytes, generation, budget).await?,
            };
        }
        Ok(())
    }

    /// What is there.
    async fn see(
        &self,
        index: usize,
        tier: &Tier,
        open: &mut Open<V>,
        bytes: Bytes,
        generation: Option<u64>,
        budget: &Budget,
    ) -> Result<Seen<V>, Unanswered> {
        let (address, accept, fill) = (open.question.address.clone(), open.question.accept, &mut open.asked.fill);
        let head = match Head::read(&bytes) {
            Ok(head) => head,
            Err(rejected) => {
                self.reject(tier, &address, &rejected, budget).await;
                return Ok(Seen::Vacant);
            }
        };
        // The copy that is here already: it need not be decoded again.
        if let Some(known) = open.question.known.take()
            && let Some(found) = self.confirm_seen(index, tier, accept, known, head, generation, fill, budget).await?
        {
            return Ok(Seen::Value(found, Bytes::new()));
        }
        let mut stale = None;
        if head.kind() == Kind::Value {
            match self.open(tier, &address, &bytes) {
                Ok(mut opened) => {
                    let is_current = generation.is_some()
                        && generation == opened.generation
                        && self.agree(index, tier, fill, &opened.tags, budget).await?;
                    match opened.worth {
                        Worth::Fresh { left } if is_current && accept.takes(left, opened.found.age) => {
                            opened.found.tie = self.tie(fill, Some(head), generation);
                            return Ok(Seen::Value(opened.found, bytes));
                        }
                        Worth::Stale if is_current => stale = Some(opened.found),
                        _ => {}
                    }
                }
                Err(rejected) => {
                    self.reject(tier, &address, &rejected, budget).await;
                    return Ok(Seen::Vacant);
                }
            }
        }
        // With a lock, what is there has to be replaced by it or waited for, which is done one by one.
        Ok(if self.lock.is_some() { Seen::Locked } else { Seen::Witness(head.witness(), stale) })
    }
}

impl<V> Open<V> {
    fn is_open(&self) -> bool {
        self.asked.found.is_none() && !self.is_locked
    }
}

fn fills<'a, V>(flush: &'a mut [&mut Open<V>]) -> Vec<&'a mut Fill> {
    flush.iter_mut().map(|open| &mut open.asked.fill).collect()
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
