//! A look at a tier that processes share: what is there, or else a marker of ours, is the witness of the fill.

use super::{
    Far, Tier,
    ask::{Accept, Found, Has, Known, Question},
    fill::{Fill, Ticket},
    freshness::Worth,
    link::Unanswered,
    lock::Hold,
};
use crate::{
    backend::{Address, Claim},
    budget::Budget,
    envelope::{Head, Kind},
    time::nanos,
};
use bytes::Bytes;
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

/// How long a marker waits for its fill.
pub(super) const MARKER: Duration = Duration::from_secs(600);

/// How long a generation lives at least after its last fill.
const GENERATION: Duration = Duration::from_secs(30 * 24 * 3600);

/// How often the fingerprint is announced anew.
const ANNOUNCE: u64 = nanos(Duration::from_secs(600));

impl<V: Clone + Send + Sync + 'static> Far<V> {
    pub(super) async fn ask_shared(
        self: &Arc<Self>,
        tier: &Tier,
        question: &mut Question<V>,
        fill: &mut Fill,
        budget: &Budget,
    ) -> Result<Has<V>, Unanswered> {
        let address = question.address.clone();
        if let Some(known) = question.known.take()
            && let Some(found) = Box::pin(self.confirm(tier, &address, question.accept, known, fill, budget)).await?
        {
            return Ok(Has::Value(found, Bytes::new()));
        }
        let looked = tier.link.look(&address, budget).await?;
        if let Some(bytes) = looked.bytes
            && let Some(has) = self.judge(tier, question, fill, budget, &bytes, looked.generation).await?
        {
            return Ok(has);
        }
        // What few looks need is boxed, so that the future of a hit stays small: it is made, moved and dropped by each.
        Box::pin(self.claim(tier, question, fill, budget, looked.generation)).await
    }

    /// Nothing is there: leaves a marker, or a lock.
    async fn claim(
        self: &Arc<Self>,
        tier: &Tier,
        question: &mut Question<V>,
        fill: &mut Fill,
        budget: &Budget,
        generation: Option<u64>,
    ) -> Result<Has<V>, Unanswered> {
        let address = question.address.clone();
        // Without a marker nothing can be stored, and reading goes on.
        if !tier.link.takes_fills() {
            return Ok(Has::Nothing(Ticket::None, None));
        }
        let generation = self.prepare(tier, &address, budget, generation).await?;
        self.prepare_tags(self.index_of(tier), tier, fill, budget).await?;
        let (head, life) = match self.lock {
            Some(lease) => (Head::lock(), lease),
            None => (Head::marker(), MARKER),
        };
        match tier.link.fill_shared(budget, |shared| shared.claim(&address, head.witness(), life)).await {
            Ok(Claim::Ours) => {
                let hold = self.lock.map(|lease| Hold::keep(&tier.link, &address, head.witness(), lease, &self.clock));
                Ok(Has::Nothing(Ticket::Witness { witness: head.witness(), generation, is_ours: true, hold }, None))
            }
            Ok(Claim::Theirs(bytes)) => {
                let judged = self.judge(tier, question, fill, budget, &bytes, Some(generation)).await?;
                Ok(judged.unwrap_or(Has::Nothing(Ticket::None, None)))
            }
            // It takes nothing just now, which is no reason to count it as gone.
            Err(_) if !tier.link.takes_fills() => Ok(Has::Nothing(Ticket::None, None)),
            Err(unanswered) => Err(unanswered),
        }
    }

    fn index_of(&self, tier: &Tier) -> usize {
        self.tiers.iter().position(|other| std::ptr::eq(other, tier)).unwrap_or(0)
    }

    /// Is the copy what the tier has still? Its head says so, and the versions of its tags.
    async fn confirm(
        &self,
        tier: &Tier,
        address: &Address,
        accept: Accept,
        known: Known<V>,
        fill: &mut Fill,
        budget: &Budget,
    ) -> Result<Option<Found<V>>, Unanswered> {
        let looked = tier.link.call_shared(budget, |shared| shared.look_at_head(address)).await?;
        let Some(head) = looked.bytes.and_then(|bytes| Head::read(&bytes).ok()) else { return Ok(None) };
        self.confirm_seen(self.index_of(tier), tier, accept, known, head, looked.generation, fill, budget).await
    }

    /// As [`confirm`](Self::confirm), of a head and a generation that were looked at.
    #[expect(clippy::too_many_arguments, reason = "all that a look has seen")]
    pub(super) async fn confirm_seen(
        &self,
        index: usize,
        tier: &Tier,
        accept: Accept,
        known: Known<V>,
        head: Head,
        generation: Option<u64>,
        fill: &mut Fill,
        budget: &Budget,
    ) -> Result<Option<Found<V>>, Unanswered> {
        let is_same = head.witness() == known.head && generation == Some(known.generation);
        if !is_same
            || !accept.takes(known.left, known.age)
            || !self.agree(index, tier, fill, &known.tags, budget).await?
        {
            return Ok(None);
        }
        let Known { value, left, age, tier: kind, head, generation, .. } = known;
        let mut tie = self.tie(fill, None, None);
        if let Some(tie) = &mut tie {
            tie.seen = Some((head, generation));
        }
        Ok(Some(Found { value, left, age, tier: kind, tie, is_known: true }))
    }

    /// What is there: a value, or the witness of a fill. `None`: nothing that counts, and it has been removed.
    async fn judge(
        self: &Arc<Self>,
        tier: &Tier,
        question: &mut Question<V>,
        fill: &mut Fill,
        budget: &Budget,
        bytes: &Bytes,
        generation: Option<u64>,
    ) -> Result<Option<Has<V>>, Unanswered> {
        let address = question.address.clone();
        let head = match Head::read(bytes) {
            Ok(head) => head,
            Err(rejected) => {
                Box::pin(self.reject(tier, &address, &rejected, budget)).await;
                return Ok(None);
            }
        };
        let mut stale: Option<Found<V>> = None;
        match head.kind() {
            Kind::Lock if self.lock.is_some() => {
                return Box::pin(self.wait_for_lock(tier, question, fill)).await.map(Some);
            }
            Kind::Value => match self.open(tier, &address, bytes) {
                Ok(mut opened) => {
                    let is_current = generation.is_some()
                        && generation == opened.generation
                        && ((fill.tagged.is_empty() && opened.tags.is_empty())
                            || Box::pin(self.agree(self.index_of(tier), tier, fill, &opened.tags, budget)).await?);
                    match opened.worth {
                        Worth::Fresh { left } if is_current && question.accept.takes(left, opened.found.age) => {
                            opened.found.tie = self.tie(fill, Some(head), generation);
                            return Ok(Some(Has::Value(opened.found, bytes.clone())));
                        }
                        Worth::Stale if is_current => stale = Some(opened.found),
                        _ => {}
                    }
                }
                Err(rejected) => {
                    Box::pin(self.reject(tier, &address, &rejected, budget)).await;
                    return Ok(None);
                }
            },
            _ => {}
        }
        let Some(ticket) = Box::pin(self.ticket(tier, &address, budget, head, generation)).await? else {
            // Another process has the lock now.
            return Box::pin(self.wait_for_lock(tier, question, fill)).await.map(Some);
        };
        Box::pin(self.prepare_tags(self.index_of(tier), tier, fill, budget)).await?;
        Ok(Some(Has::Nothing(ticket, stale)))
    }

    /// The right to replace what has this head; with `lock`, once the lock is ours. `None`: another process was faster.
    async fn ticket(
        &self,
        tier: &Tier,
        address: &Address,
        budget: &Budget,
        head: Head,
        generation: Option<u64>,
    ) -> Result<Option<Ticket>, Unanswered> {
        if !tier.link.takes_fills() {
            return Ok(Some(Ticket::None));
        }
        let generation = self.prepare(tier, address, budget, generation).await?;
        let seen = head.witness();
        let Some(lease) = self.lock else {
            return Ok(Some(Ticket::Witness { witness: seen, generation, is_ours: false, hold: None }));
        };
        let lock = Head::lock().witness();
        if !tier.link.fill_shared(budget, |shared| shared.replace(address, seen, lock, lease)).await? {
            return Ok(None);
        }
        let hold = Hold::keep(&tier.link, address, lock, lease, &self.clock);
        Ok(Some(Ticket::Witness { witness: lock, generation, is_ours: true, hold: Some(hold) }))
    }

    /// What comes before the first fill: our fingerprint is known there, and the cache has a generation.
    pub(super) async fn prepare(
        &self,
        tier: &Tier,
        address: &Address,
        budget: &Budget,
        known: Option<u64>,
    ) -> Result<u64, Unanswered> {
        // An announcement may remove the generation: where the others' fingerprints were lost, nothing that is there can be invalidated any more.
        let is_new = self.announce(tier, budget).await?;
        match known.filter(|_| !is_new) {
            Some(generation) => Ok(generation),
            None => tier.link.fill_shared(budget, |shared| shared.generation(address, GENERATION)).await,
        }
    }

    /// Says that entries of our fingerprint will be there, so that invalidations by others reach them. `false`: it is known.
    async fn announce(&self, tier: &Tier, budget: &Budget) -> Result<bool, Unanswered> {
        let (last, now) = (tier.announced.load(Ordering::Acquire), self.clock.coarse().max(1));
        if last != 0 && now.saturating_sub(last) < ANNOUNCE {
            return Ok(false);
        }
        let fingerprint = self.fingerprint();
        tier.link.fill_shared(budget, |shared| shared.announce(&self.name, fingerprint)).await?;
        tier.announced.store(now, Ordering::Release);
        Ok(true)
    }
}
