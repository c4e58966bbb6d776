//! Several entries of one cache at once: one look at each tier, one claim of what nobody has, one store.
//!
//! They go in flushes of at most [`FLUSH`], each of which is one operation for the breaker and has one budget. After a flush without an answer the
//! tier is not asked for the rest, so that a backend that is slow costs one budget and no more.

use super::{
    Far, Tier,
    ask::{Asked, Backfill, Found, Has, Question},
    fill::{Fill, Ticket},
    link::Unanswered,
    lock::Hold,
    shared::{MARKER, Seen, Taking},
    traced::Verb,
    visit::Visit,
};
use crate::{
    Error,
    backend::{Address, Claim, Looked, Witness, each},
    budget::Budget,
    envelope::Head,
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
    /// In nearer tiers, not counted yet: what is locked is asked for again, in all of them.
    misses: u32,
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
            Open { question, asked, is_locked: false, misses: 0 }
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
                    self.ask_flush(Visit { index, tier, budget: &budget }, flush).await
                } else {
                    flush.iter().map(|_| Told::Unanswered(Unanswered::Skipped)).collect()
                };
                is_answering = told.iter().any(|told| !matches!(told, Told::Unanswered(_)));
                for (question, told) in flush.iter_mut().zip(told) {
                    backfills.extend(self.note(index, tier, question, told));
                }
            }
        }
        for question in all.iter().filter(|question| !question.is_locked) {
            (0..question.misses).for_each(|_| self.counters.miss());
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
                    let looked =
                        tier.link.call_shared(Verb::LookMany, &budget, |shared| shared.look_many(&addresses)).await;
                    let peeked =
                        |one: Result<Looked, Error>| one.map_or((None, None), |one| (one.bytes, Some(one.generation)));
                    looked.map(|all| all.into_iter().map(peeked).collect())
                } else {
                    let found = tier.link.call(Verb::GetMany, &budget, |backend| backend.get_many(&addresses)).await;
                    found.map(|all| all.into_iter().map(|bytes| (bytes, None)).collect())
                };
                let Ok(looked) = looked else { break };
                for ((fill, slot), (bytes, generation)) in flush.iter_mut().zip(looked) {
                    **slot = match bytes {
                        Some(bytes) => {
                            let at = Visit { index, tier, budget: &budget };
                            self.peeked(at, fill, &bytes, generation, true).await
                        }
                        None => None,
                    };
                    match slot {
                        Some(found) => self.counters.hit(tier.kind, found.is_stale()),
                        None => self.counters.miss(),
                    }
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
                    let (fill, lease) = (&open.asked.fill, open.question.refresh.unwrap_or_default());
                    Box::pin(async move { self.is_refreshed_elsewhere(fill, lease, budget).await })
                })
                .collect(),
        )
        .await;
        for (open, is_elsewhere) in due.into_iter().zip(answers) {
            open.asked.is_elsewhere = is_elsewhere;
        }
    }

    /// The versions of all tags of a flush, asked for in one go. `make`: those that are not there are made.
    async fn learn_tags(&self, at: Visit<'_>, fills: Vec<&mut Fill>, make: bool) -> Result<(), Unanswered> {
        let Visit { index, tier, budget } = at;
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
                self.counters.hit(tier.kind, found.is_stale());
                let tickets = std::mem::take(&mut asked.fill.tickets);
                let backfill =
                    (index > 0 && !found.is_known).then(|| self.backfill(&asked.fill, tickets, bytes, &found));
                asked.found = Some(found);
                return backfill;
            }
            Told::Has(Has::Nothing(ticket, stale)) => {
                question.misses += 1;
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
    async fn ask_flush(self: &Arc<Self>, at: Visit<'_>, flush: &mut [&mut Open<V>]) -> Vec<Told<V>> {
        let tier = at.tier;
        let holds = |open: &&mut Open<V>| tier.link.undelivered.holds(&open.asked.fill.address, &open.asked.fill.tags);
        let is_held: Vec<bool> = flush.iter().map(holds).collect();
        let mut askable: Vec<&mut Open<V>> =
            flush.iter_mut().zip(&is_held).filter(|(_, is_held)| !**is_held).map(|(open, _)| &mut **open).collect();
        let answers = match (askable.is_empty(), tier.link.is_shared()) {
            (true, _) => Ok(Vec::new()),
            (false, true) => self.look_shared(at, &mut askable).await,
            (false, false) => self.look_plain(at, &mut askable).await,
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
        at: Visit<'_>,
        flush: &mut [&mut Open<V>],
    ) -> Result<Vec<Told<V>>, Unanswered> {
        let addresses = addresses(flush);
        let found = at.tier.link.call(Verb::GetMany, at.budget, |backend| backend.get_many(&addresses)).await?;
        self.learn_tags(at, fills(flush), true).await?;
        let mut told = Vec::with_capacity(flush.len());
        for (open, bytes) in flush.iter_mut().zip(found) {
            let has = match bytes {
                Some(bytes) => self.judge_plain(at, &mut open.question, &mut open.asked.fill, bytes).await?,
                None => Has::Nothing(Ticket::Plain, None),
            };
            told.push(Told::Has(has));
        }
        Ok(told)
    }

    /// As [`ask_shared`](Self::ask_shared): what is there is a value or the witness of a fill, and where nothing is, a marker of ours becomes it.
    async fn look_shared(
        self: &Arc<Self>,
        at: Visit<'_>,
        flush: &mut [&mut Open<V>],
    ) -> Result<Vec<Told<V>>, Unanswered> {
        let all = addresses(flush);
        let looked = at.tier.link.call_shared(Verb::LookMany, at.budget, |shared| shared.look_many(&all)).await?;
        // A server that has failed takes its own entries with it, and no others.
        let failed: Vec<Option<Error>> = looked.iter().map(|looked| looked.as_ref().err().cloned()).collect();
        let answered = flush.iter_mut().zip(&failed).filter(|(_, failed)| failed.is_none());
        let mut answered: Vec<&mut Open<V>> = answered.map(|(open, _)| &mut **open).collect();
        let looked = looked.into_iter().flatten().collect();
        let mut told = match self.judge_shared(at, &mut answered, looked).await {
            Ok(told) => told.into_iter(),
            Err(unanswered) if failed.iter().all(Option::is_none) => return Err(unanswered),
            Err(unanswered) => {
                let told: Vec<Told<V>> = answered.iter().map(|_| Told::Unanswered(unanswered.clone())).collect();
                told.into_iter()
            }
        };
        let told = failed.into_iter().map(|failed| match failed {
            Some(error) => Told::Unanswered(Unanswered::Failed(error)),
            None => told.next().unwrap_or(Told::Unanswered(Unanswered::Skipped)),
        });
        Ok(told.collect())
    }

    async fn judge_shared(
        self: &Arc<Self>,
        at: Visit<'_>,
        flush: &mut [&mut Open<V>],
        looked: Vec<Looked>,
    ) -> Result<Vec<Told<V>>, Unanswered> {
        let addresses = addresses(flush);
        self.learn_tags(at, fills(flush), false).await?;
        let mut generations: Vec<Option<u64>> = looked.iter().map(|looked| looked.generation).collect();
        let mut seen = Vec::with_capacity(flush.len());
        for (open, looked) in flush.iter_mut().zip(looked) {
            seen.push(match looked.bytes {
                Some(bytes) => self.see_open(at, open, bytes, looked.generation).await?,
                None => Seen::Vacant,
            });
        }
        let needs_fill = seen.iter().any(|seen| matches!(seen, Seen::Vacant | Seen::Replaceable(..)));
        // Without a marker nothing can be stored, and reading goes on.
        let mut failed = None;
        if needs_fill && at.tier.link.takes_fills() {
            failed = self.claim_all(at, flush, &addresses, &mut generations, &mut seen).await.err();
        } else {
            generations.fill(None);
        }
        let told = seen.into_iter().zip(generations).map(|(seen, generation)| match (seen, &failed) {
            (Seen::Value(found, bytes), _) => Told::Has(Has::Value(found, bytes)),
            // What was found stays found.
            (_, Some(unanswered)) => Told::Unanswered(unanswered.clone()),
            // With a lock, what is there has to be replaced by it or waited for, which is done one by one.
            (Seen::Locked, None) => Told::Locked,
            (Seen::Replaceable(..), None) if self.lock.is_some() => Told::Locked,
            (Seen::Replaceable(head, stale), None) => Told::Has(Has::Nothing(
                generation.map_or(Ticket::None, |generation| Ticket::Witness {
                    witness: head.witness(),
                    generation,
                    is_ours: false,
                    hold: None,
                }),
                stale,
            )),
            (Seen::Claimed(ticket), None) => Told::Has(Has::Nothing(ticket, None)),
            (Seen::Vacant, None) => Told::Has(Has::Nothing(Ticket::None, None)),
            (Seen::Failed(unanswered), None) => Told::Unanswered(unanswered),
        });
        Ok(told.collect())
    }

    /// As [`see`](Self::see), but that the copy which is here already need not be decoded again.
    async fn see_open(
        &self,
        at: Visit<'_>,
        open: &mut Open<V>,
        bytes: Bytes,
        generation: Option<u64>,
    ) -> Result<Seen<V>, Unanswered> {
        let (taking, fill) = (Taking::of(&open.question), &mut open.asked.fill);
        if let (Some(known), Ok(head)) = (open.question.known.take(), Head::read(&bytes))
            && let Some(found) = self.confirm_seen(at, taking, known, head, generation, fill).await?
        {
            return Ok(Seen::Value(found, Bytes::new()));
        }
        self.see(at, taking, fill, bytes, generation).await
    }

    /// Generations are those of one cache, but each with the lineage of its own server.
    async fn prepare_many(
        &self,
        at: Visit<'_>,
        addresses: &[Address],
        generations: &mut [Option<u64>],
    ) -> Result<(), Unanswered> {
        let (Some(first), Some(known)) = (addresses.first(), generations.first().copied()) else { return Ok(()) };
        let generation = self.prepare(at, first, known).await?;
        let is_one_server = at.tier.link.backend().shared().is_none_or(|shared| shared.parts() == 1);
        if known == Some(generation) && generations.iter().all(Option::is_some) {
            return Ok(());
        }
        if is_one_server {
            generations.fill(Some(generation));
            return Ok(());
        }
        // Made just now: the lineages come with a further look.
        let looked = at.tier.link.call_shared(Verb::LookMany, at.budget, |shared| shared.look_many(addresses)).await?;
        for (place, looked) in generations.iter_mut().zip(looked) {
            *place = looked.ok().and_then(|looked| looked.generation);
        }
        Ok(())
    }

    /// Puts our markers or locks where nothing is.
    async fn claim_all(
        &self,
        at: Visit<'_>,
        flush: &mut [&mut Open<V>],
        addresses: &[Address],
        generations: &mut [Option<u64>],
        seen: &mut [Seen<V>],
    ) -> Result<(), Unanswered> {
        let Visit { tier, budget, .. } = at;
        self.prepare_many(at, addresses, generations).await?;
        self.learn_tags(at, fills(flush), true).await?;
        let head = || if self.lock.is_some() { Head::lock().witness() } else { Head::marker().witness() };
        let mut vacant: Vec<_> =
            seen.iter_mut().zip(generations).zip(flush).filter(|((seen, _), _)| matches!(seen, Seen::Vacant)).collect();
        let wanted = vacant.iter().map(|(_, open)| (open.question.address.clone(), head()));
        let claims: Vec<(Address, Witness)> = wanted.collect();
        if claims.is_empty() {
            return Ok(());
        }
        let life = self.lock.unwrap_or(MARKER);
        let claimed =
            match tier.link.fill_shared(Verb::ClaimMany, budget, |shared| shared.claim_many(&claims, life)).await {
                Ok(claimed) => claimed,
                // It takes nothing just now, which is no reason to count it as gone.
                Err(unanswered) if unanswered.is_not_writable() || !tier.link.takes_fills() => return Ok(()),
                Err(unanswered) => return Err(unanswered),
            };
        for ((((seen, generation), open), (address, witness)), claim) in vacant.iter_mut().zip(&claims).zip(claimed) {
            **seen = match (claim.map_err(Unanswered::Failed), **generation) {
                (Err(unanswered), _) if unanswered.is_not_writable() => Seen::Vacant,
                (Err(unanswered), _) => Seen::Failed(unanswered),
                (Ok(Claim::Ours), Some(generation)) => {
                    let hold = self.lock.map(|lease| Hold::keep(&tier.link, address, *witness, lease, &self.clock));
                    Seen::Claimed(Ticket::Witness { witness: *witness, generation, is_ours: true, hold })
                }
                (Ok(Claim::Ours), None) => Seen::Vacant,
                (Ok(Claim::Theirs(bytes)), generation) => self.see_open(at, open, bytes, generation).await?,
            };
        }
        Ok(())
    }
}

impl<V> Open<V> {
    fn is_open(&self) -> bool {
        self.asked.found.is_none() && !self.is_locked
    }
}

fn addresses<V>(flush: &[&mut Open<V>]) -> Vec<Address> {
    flush.iter().map(|open| open.question.address.clone()).collect()
}

fn fills<'a, V>(flush: &'a mut [&mut Open<V>]) -> Vec<&'a mut Fill> {
    flush.iter_mut().map(|open| &mut open.asked.fill).collect()
}
