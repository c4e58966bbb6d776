//! A look at a tier that processes share: what is there, or else a marker of ours, is the witness of the fill.

use super::{
    Far,
    ask::{Accept, Found, Has, Known, Question, Weighed},
    fill::{Fill, Ticket},
    link::Unanswered,
    lock::Hold,
    tagged::Agreement,
    traced::Verb,
    visit::Visit,
};
use crate::{
    backend::{Address, Claim},
    envelope::{Head, Kind},
    time::nanos,
};
use bytes::Bytes;
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

/// How long a marker waits for its fill.
pub(crate) const MARKER: Duration = Duration::from_secs(600);

/// How long a generation lives at least after its last fill.
const GENERATION: Duration = Duration::from_secs(30 * 24 * 3600);

/// How often the fingerprint is announced anew.
const ANNOUNCE: u64 = nanos(Duration::from_secs(600));

/// What a look at a shared tier saw.
pub(super) enum Seen<V> {
    /// Fresh, valid and accepted.
    Value(Found<V>, Bytes),
    /// What is there can be replaced, if it still has this head. With a value past its ttl, within an allowance.
    Replaceable(Head, Option<Found<V>>),
    /// Nothing was there, and now a marker or a lock of ours is.
    Claimed(Ticket),
    /// Another process fills it.
    Locked,
    /// Nothing that counts.
    Vacant,
    /// Its server gave no answer.
    Failed(Unanswered),
}

/// Which values a look takes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Taking {
    accept: Accept,
    takes_stale: bool,
}

impl Taking {
    pub(super) fn of<V>(question: &Question<V>) -> Self {
        Taking { accept: question.accept, takes_stale: question.takes_stale }
    }
}

impl<V: Clone + Send + Sync + 'static> Far<V> {
    pub(super) async fn ask_shared(
        self: &Arc<Self>,
        at: Visit<'_>,
        question: &mut Question<V>,
        fill: &mut Fill,
    ) -> Result<Has<V>, Unanswered> {
        let address = question.address.clone();
        if let Some(known) = question.known.take()
            && let Some(found) = Box::pin(self.confirm(at, question, known, fill)).await?
        {
            return Ok(Has::Value(found, Bytes::new()));
        }
        let looked = match question.glimpse.take() {
            Some(glimpse) => glimpse.looked?,
            None => at.tier.link.look(&address, at.budget).await?,
        };
        if let Some(bytes) = looked.bytes
            && let Some(has) = self.judge(at, question, fill, bytes, looked.generation).await?
        {
            return Ok(has);
        }
        // What few looks need is boxed, so that the future of a hit stays small: it is made, moved and dropped by each.
        Box::pin(self.claim(at, question, fill, looked.generation)).await
    }

    /// Nothing is there: leaves a marker, or a lock.
    async fn claim(
        self: &Arc<Self>,
        at: Visit<'_>,
        question: &mut Question<V>,
        fill: &mut Fill,
        generation: Option<u64>,
    ) -> Result<Has<V>, Unanswered> {
        let Visit { tier, budget, .. } = at;
        let address = question.address.clone();
        // Without a marker nothing can be stored, and reading goes on.
        if !tier.link.takes_fills() {
            return Ok(Has::Nothing(Ticket::None, None));
        }
        let generation = self.prepare(at, &address, generation).await?;
        self.prepare_tags(at, fill).await?;
        let (head, life) = match self.lock {
            Some(lease) => (Head::lock(), lease),
            None => (Head::marker(), MARKER),
        };
        match tier.link.fill_shared(Verb::Claim, budget, |shared| shared.claim(&address, head.witness(), life)).await {
            Ok(Claim::Ours) => {
                let hold = self.lock.map(|lease| Hold::keep(&tier.link, &address, head.witness(), lease, &self.clock));
                Ok(Has::Nothing(Ticket::Witness { witness: head.witness(), generation, is_ours: true, hold }, None))
            }
            Ok(Claim::Theirs(bytes)) => {
                let judged = self.judge(at, question, fill, bytes, Some(generation)).await?;
                Ok(judged.unwrap_or(Has::Nothing(Ticket::None, None)))
            }
            // It takes nothing just now, which is no reason to count it as gone.
            Err(unanswered) if unanswered.is_not_writable() || !tier.link.takes_fills() => {
                Ok(Has::Nothing(Ticket::None, None))
            }
            Err(unanswered) => Err(unanswered),
        }
    }

    /// Is the copy what the tier has still? Its head says so, and the versions of its tags.
    async fn confirm(
        &self,
        at: Visit<'_>,
        question: &Question<V>,
        known: Known<V>,
        fill: &mut Fill,
    ) -> Result<Option<Found<V>>, Unanswered> {
        let taking = Taking::of(question);
        let looked = at
            .tier
            .link
            .call_shared(Verb::LookAtHead, at.budget, |shared| shared.look_at_head(&question.address))
            .await?;
        let Some(head) = looked.bytes.and_then(|bytes| Head::read(&bytes).ok()) else { return Ok(None) };
        self.confirm_seen(at, taking, known, head, looked.generation, fill).await
    }

    /// As [`confirm`](Self::confirm), of a head and a generation that were looked at.
    pub(super) async fn confirm_seen(
        &self,
        at: Visit<'_>,
        Taking { accept, takes_stale }: Taking,
        known: Known<V>,
        head: Head,
        generation: Option<u64>,
        fill: &mut Fill,
    ) -> Result<Option<Found<V>>, Unanswered> {
        let is_same = head.witness() == known.head && generation == Some(known.generation);
        if !is_same || !(takes_stale || accept.takes(known.left, known.age)) {
            return Ok(None);
        }
        let stale_for = match self.agree(at, fill, &known.tags).await? {
            Agreement::Current if accept.takes(known.left, known.age) => 0,
            Agreement::Stale(age) if takes_stale && self.gives(age) => age.max(1),
            _ => return Ok(None),
        };
        let Known { value, left, age, tier: kind, head, generation, tags } = known;
        let mut tie = self.tie(fill, None, None);
        if let Some(tie) = &mut tie {
            tie.seen = Some((head, generation));
        }
        let mut found = Found { value, left, age, tier: kind, tie, tags: None, is_known: true, stale_for };
        found.keep_stale(fill, &tags);
        Ok(Some(found))
    }

    /// What is there, as a ticket or a value. `None`: nothing that counts.
    async fn judge(
        self: &Arc<Self>,
        at: Visit<'_>,
        question: &mut Question<V>,
        fill: &mut Fill,
        bytes: Bytes,
        generation: Option<u64>,
    ) -> Result<Option<Has<V>>, Unanswered> {
        let (head, stale) = match self.see(at, Taking::of(question), fill, bytes, generation).await? {
            Seen::Value(found, bytes) => return Ok(Some(Has::Value(found, bytes))),
            Seen::Claimed(ticket) => return Ok(Some(Has::Nothing(ticket, None))),
            Seen::Vacant => return Ok(None),
            Seen::Failed(unanswered) => return Err(unanswered),
            Seen::Locked => return Box::pin(self.wait_for_lock(at, question, fill)).await.map(Some),
            Seen::Replaceable(head, stale) => (head, stale),
        };
        let Some(ticket) = Box::pin(self.ticket(at, &question.address, head, generation)).await? else {
            // Another process has the lock now.
            return Box::pin(self.wait_for_lock(at, question, fill)).await.map(Some);
        };
        Box::pin(self.prepare_tags(at, fill)).await?;
        Ok(Some(Has::Nothing(ticket, stale)))
    }

    /// What is there. An entry that is none is removed, and counts as missing.
    pub(super) async fn see(
        &self,
        at: Visit<'_>,
        taking: Taking,
        fill: &mut Fill,
        bytes: Bytes,
        generation: Option<u64>,
    ) -> Result<Seen<V>, Unanswered> {
        let head = match Head::read(&bytes) {
            Ok(head) => head,
            Err(rejected) => {
                Box::pin(self.reject(at, &fill.address, &rejected)).await;
                return Ok(Seen::Vacant);
            }
        };
        match head.kind() {
            Kind::Lock if self.lock.is_some() => Ok(Seen::Locked),
            Kind::Value => self.see_value(at, taking, fill, bytes, head, generation).await,
            _ => Ok(Seen::Replaceable(head, None)),
        }
    }

    async fn see_value(
        &self,
        at: Visit<'_>,
        Taking { accept, takes_stale }: Taking,
        fill: &mut Fill,
        bytes: Bytes,
        head: Head,
        generation: Option<u64>,
    ) -> Result<Seen<V>, Unanswered> {
        let mut opened = match self.open(at.tier, &fill.address, bytes.clone()) {
            Ok(opened) => opened,
            Err(rejected) => {
                Box::pin(self.reject(at, &fill.address, &rejected)).await;
                return Ok(Seen::Vacant);
            }
        };
        let agreement = match generation.is_some() && generation == opened.generation {
            true => self.agreement(at, fill, &opened.tags).await?,
            false => Agreement::Outdated,
        };
        let stored = std::mem::take(&mut opened.tags);
        Ok(match self.weigh(opened, agreement, accept, takes_stale) {
            Weighed::Value(mut found) => {
                found.tie = self.tie(fill, Some(head), generation);
                found.keep_stale(fill, &stored);
                Seen::Value(found, bytes)
            }
            Weighed::Stale(found) => Seen::Replaceable(head, Some(found)),
            Weighed::Nothing => Seen::Replaceable(head, None),
        })
    }

    /// The right to replace what has this head; with `lock`, once the lock is ours. `None`: another process was faster.
    async fn ticket(
        &self,
        at: Visit<'_>,
        address: &Address,
        head: Head,
        generation: Option<u64>,
    ) -> Result<Option<Ticket>, Unanswered> {
        let Visit { tier, budget, .. } = at;
        if !tier.link.takes_fills() {
            return Ok(Some(Ticket::None));
        }
        let generation = self.prepare(at, address, generation).await?;
        let seen = head.witness();
        let Some(lease) = self.lock else {
            return Ok(Some(Ticket::Witness { witness: seen, generation, is_ours: false, hold: None }));
        };
        let lock = Head::lock().witness();
        if !tier.link.fill_shared(Verb::Replace, budget, |shared| shared.replace(address, seen, lock, lease)).await? {
            return Ok(None);
        }
        let hold = Hold::keep(&tier.link, address, lock, lease, &self.clock);
        Ok(Some(Ticket::Witness { witness: lock, generation, is_ours: true, hold: Some(hold) }))
    }

    /// What comes before the first fill: our fingerprint is known there, and the cache has a generation.
    pub(super) async fn prepare(
        &self,
        at: Visit<'_>,
        address: &Address,
        known: Option<u64>,
    ) -> Result<u64, Unanswered> {
        // An announcement may remove the generation: where the others' fingerprints were lost, nothing that is there can be invalidated any more.
        let is_new = self.announce(at).await?;
        match known.filter(|_| !is_new) {
            Some(generation) => Ok(generation),
            None => {
                at.tier
                    .link
                    .fill_shared(Verb::Generation, at.budget, |shared| shared.generation(address, GENERATION))
                    .await
            }
        }
    }

    /// Says that entries of our fingerprint will be there, so that invalidations by others reach them. `false`: it is known.
    async fn announce(&self, at: Visit<'_>) -> Result<bool, Unanswered> {
        let Visit { tier, budget, .. } = at;
        let (last, now) = (tier.announced.load(Ordering::Acquire), self.clock.coarse().max(1));
        if last != 0 && now.saturating_sub(last) < ANNOUNCE {
            return Ok(false);
        }
        let fingerprint = self.fingerprint();
        tier.link.fill_shared(Verb::Announce, budget, |shared| shared.announce(&self.name, fingerprint)).await?;
        tier.announced.store(now, Ordering::Release);
        Ok(true)
    }
}
