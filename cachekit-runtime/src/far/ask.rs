//! Looking through the far tiers, nearest first.

use super::{
    Far, Tier,
    fill::{Fill, Ticket},
    freshness::{self, Worth},
    link::Unanswered,
    tie::Tie,
    visit::Visit,
    watch::Sight,
};
use crate::{
    Error,
    backend::{Address, Witness},
    budget::Budget,
    envelope::{self, Head, Rejected, TagVersion},
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
    /// Keeps a copy of it near by true to the tier.
    pub(crate) tie: Option<Box<Tie>>,
    /// It is the copy that the question named.
    pub(crate) is_known: bool,
}

/// What is asked for.
#[derive(Debug)]
pub(crate) struct Question<V> {
    pub(crate) address: Address,
    pub(crate) accept: Accept,
    /// Of the entry.
    pub(crate) tags: Vec<String>,
    /// A copy that is good if the shared tier still has it.
    pub(crate) known: Option<Known<V>>,
    /// Noted before anything is asked.
    pub(crate) sight: Option<Sight>,
    /// The value is due for a refresh, which one process does for all, within this time.
    pub(crate) refresh: Option<Duration>,
}

/// A copy of an entry, near by.
#[derive(Debug, Clone)]
pub(crate) struct Known<V> {
    pub(crate) value: V,
    pub(crate) left: u64,
    pub(crate) age: Duration,
    pub(crate) tier: outcome::Tier,
    pub(crate) head: Witness,
    pub(crate) generation: u64,
    /// The versions that it was stored with.
    pub(crate) tags: Vec<TagVersion>,
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
    /// Another process refreshes the entry just now.
    pub(crate) is_elsewhere: bool,
}

impl<V> Asked<V> {
    /// Of an entry that was not asked for yet.
    pub(super) fn nothing(fill: Fill) -> Self {
        Asked { found: None, stale: None, fill, failed: None, is_elsewhere: false }
    }
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
    pub(super) fn takes(self, left: u64, age: Duration) -> bool {
        match self {
            Accept::Any => true,
            Accept::Nothing => false,
            #[expect(clippy::cast_precision_loss)]
            Accept::Left(percent) => {
                let whole = left.saturating_add(nanos(age));
                left == NEVER || left as f64 > whole as f64 * percent / 100.0
            }
        }
    }
}

/// What one tier has.
pub(super) enum Has<V> {
    Value(Found<V>, Bytes),
    Nothing(Ticket, Option<Found<V>>),
}

/// What an entry of a tier is worth.
pub(super) struct Opened<V> {
    pub(super) found: Found<V>,
    pub(super) worth: Worth,
    pub(super) generation: Option<u64>,
    pub(super) tags: Vec<TagVersion>,
}

impl<V: Clone + Send + Sync + 'static> Far<V> {
    /// Looks for a fresh value; where there is none, leaves the witnesses of a fill. Ends within the budget, lock waits aside.
    ///
    /// Cancel-safe: a marker that is left behind goes by itself, and hinders no one.
    pub(crate) async fn ask(self: Arc<Self>, mut question: Question<V>, budget: Budget) -> Asked<V> {
        let mut asked = Asked::nothing(self.fill_of(&mut question));
        for (index, tier) in self.tiers.iter().enumerate() {
            let at = Visit { index, tier, budget: &budget };
            match self.ask_tier(at, &mut question, &mut asked.fill).await {
                Ok(Has::Value(found, bytes)) => {
                    self.counters.hit();
                    let tickets = std::mem::take(&mut asked.fill.tickets);
                    if index > 0 && !found.is_known {
                        self.back_fill(vec![self.backfill(&asked.fill, tickets, bytes, &found)]);
                    }
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
        // A lock is such a right by itself.
        if let Some(lease) = question.refresh
            && self.lock.is_none()
            && asked.fill.has_witness()
        {
            asked.is_elsewhere = self.is_refreshed_elsewhere(&question.address, lease, &budget).await;
        }
        asked
    }

    /// Does another process have the right to refresh the entry? Takes it otherwise, so that of all processes one loads.
    pub(super) async fn is_refreshed_elsewhere(&self, address: &Address, lease: Duration, budget: &Budget) -> bool {
        let Some(tier) = self.tiers.iter().rev().find(|tier| tier.link.is_shared()) else { return false };
        let taken = tier.link.fill_shared(budget, |shared| shared.lease(address, lease)).await;
        matches!(taken, Ok(false))
    }

    async fn ask_tier(
        self: &Arc<Self>,
        at: Visit<'_>,
        question: &mut Question<V>,
        fill: &mut Fill,
    ) -> Result<Has<V>, Unanswered> {
        let Visit { tier, budget, .. } = at;
        if tier.link.undelivered.holds(&question.address, &fill.tags) {
            return Err(Unanswered::Skipped);
        }
        if tier.link.is_shared() {
            return self.ask_shared(at, question, fill).await;
        }
        let address = &question.address;
        let Some(bytes) = tier.link.call(budget, |backend| backend.get(address)).await? else {
            Box::pin(self.prepare_tags(at, fill)).await?;
            return Ok(Has::Nothing(Ticket::Plain, None));
        };
        self.judge_plain(at, question, fill, bytes).await
    }

    /// What is there, in a tier that this process has alone.
    pub(super) async fn judge_plain(
        &self,
        at: Visit<'_>,
        question: &mut Question<V>,
        fill: &mut Fill,
        bytes: Bytes,
    ) -> Result<Has<V>, Unanswered> {
        let opened = match self.open(at.tier, &question.address, &bytes) {
            Ok(opened) => opened,
            Err(rejected) => {
                Box::pin(self.reject(at, &question.address, &rejected)).await;
                Box::pin(self.prepare_tags(at, fill)).await?;
                return Ok(Has::Nothing(Ticket::Plain, None));
            }
        };
        let is_fresh = matches!(opened.worth, Worth::Fresh { .. });
        if is_fresh && self.shared_after(at.index) {
            // Others may have changed it since it was put here: it counts if they have it still.
            question.known = question.known.take().or_else(|| opened.into_known(&bytes));
            return Ok(Has::Nothing(Ticket::Plain, None));
        }
        let is_current =
            (fill.tagged.is_empty() && opened.tags.is_empty()) || Box::pin(self.agree(at, fill, &opened.tags)).await?;
        let found = opened.found;
        match opened.worth {
            Worth::Fresh { .. } if is_current && question.accept.takes(found.left, found.age) => {
                Ok(Has::Value(found, bytes))
            }
            Worth::Stale if is_current => Ok(Has::Nothing(Ticket::Plain, Some(found))),
            _ => {
                Box::pin(self.prepare_tags(at, fill)).await?;
                Ok(Has::Nothing(Ticket::Plain, None))
            }
        }
    }

    /// Looks, and leaves nothing for a fill.
    pub(crate) async fn peek(self: Arc<Self>, question: Question<V>, budget: Budget) -> Option<Found<V>> {
        let mut question = question;
        let mut fill = self.fill_of(&mut question);
        let address = question.address;
        for (index, tier) in self.tiers.iter().enumerate() {
            if tier.link.undelivered.holds(&address, &fill.tags) || (!tier.link.is_shared() && self.shared_after(index))
            {
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
            let found = match bytes {
                Some(bytes) => self.peeked(Visit { index, tier, budget: &budget }, &mut fill, &bytes, generation).await,
                None => None,
            };
            if found.is_some() {
                self.counters.hit();
                return found;
            }
            self.counters.miss();
        }
        None
    }

    /// The value, if it is fresh and valid. `generation`: of the cache, as a shared tier says.
    pub(super) async fn peeked(
        &self,
        at: Visit<'_>,
        fill: &mut Fill,
        bytes: &Bytes,
        generation: Option<Option<u64>>,
    ) -> Option<Found<V>> {
        let mut opened = self.open(at.tier, &fill.address, bytes).ok()?;
        let is_fresh = matches!(opened.worth, Worth::Fresh { .. });
        let is_of_now = generation.is_none_or(|generation| generation.is_some() && generation == opened.generation);
        if !is_fresh || !is_of_now || !matches!(self.agree(at, fill, &opened.tags).await, Ok(true)) {
            return None;
        }
        opened.found.tie = self.tie(fill, Head::read(bytes).ok(), opened.generation);
        Some(opened.found)
    }

    /// The value of an envelope, and what its times say of it.
    pub(super) fn open(&self, tier: &Tier, address: &Address, bytes: &Bytes) -> Result<Opened<V>, Rejected> {
        let (envelope, value) = envelope::open(bytes, address, &*self.codec, self.max_value_bytes)?;
        let now = freshness::now(&self.clock);
        let times = envelope.freshness();
        let worth = freshness::worth(&times, now);
        let left = if let Worth::Fresh { left } = worth { left } else { 0 };
        let age = freshness::age(&times, now);
        Ok(Opened {
            found: Found { value, left, age, tier: tier.kind, tie: None, is_known: false },
            worth,
            generation: envelope.generation(),
            tags: envelope.tags().to_vec(),
        })
    }

    /// Counts an entry that is none as missing, and removes it.
    pub(super) async fn reject(&self, at: Visit<'_>, address: &Address, rejected: &Rejected) {
        let Visit { tier, budget, .. } = at;
        self.counters.rejected();
        let backend = tier.link.backend().name();
        tracing::debug!(backend, cache = address.cache(), %rejected, "an entry counts as missing");
        // If that fails, a fill will replace it, or the next look remove it.
        let _ = tier.link.call(budget, |backend| backend.remove(address)).await;
    }

    /// Is there a tier behind it that others change?
    pub(super) fn shared_after(&self, index: usize) -> bool {
        self.tiers.iter().skip(index + 1).any(|tier| tier.link.is_shared())
    }

    /// What a fill needs beside its tickets.
    pub(super) fn fill_of(&self, question: &mut Question<V>) -> Fill {
        let moment = self.order.moment(question.address.id());
        let mut fill = Fill::new(question.address.clone(), moment);
        fill.sight = question.sight;
        fill.tags = std::mem::take(&mut question.tags);
        fill.tagged = self.tagged(&fill.tags);
        fill
    }

    /// What a tier had, for the nearer ones.
    pub(super) fn backfill(&self, fill: &Fill, tickets: Vec<Ticket>, bytes: Bytes, found: &Found<V>) -> Backfill {
        let mut life = (found.left != NEVER).then(|| duration(found.left));
        if let Some(near) = (self.near_ttl)(&found.value) {
            life = Some(life.map_or(near, |life| life.min(near)));
        }
        Backfill { fill: Fill { tickets, ..Fill::new(fill.address.clone(), fill.moment) }, bytes, life }
    }

    /// Without the caller.
    pub(super) fn back_fill(self: &Arc<Self>, backfills: Vec<Backfill>) {
        if backfills.is_empty() {
            return;
        }
        let far = Arc::clone(self);
        super::bridge::spawn(false, async move {
            for Backfill { fill, bytes, life } in backfills {
                let budget = far.budget();
                for (tier, ticket) in far.tiers.iter().zip(&fill.tickets) {
                    // A shared tier has generations of its own, so that the envelope is none of its.
                    let bytes = (!tier.link.is_shared()).then(|| bytes.clone());
                    far.settle(tier, ticket, &fill, bytes, life, &budget).await;
                }
            }
        });
    }
}

/// A value that a further tier had, for the nearer ones.
pub(super) struct Backfill {
    fill: Fill,
    bytes: Bytes,
    life: Option<Duration>,
}

impl<V> Opened<V> {
    /// As a copy of what the shared tier has.
    fn into_known(self, bytes: &Bytes) -> Option<Known<V>> {
        let Found { value, left, age, tier, .. } = self.found;
        let (head, generation) = (Head::read(bytes).ok()?.witness(), self.generation?);
        Some(Known { value, left, age, tier, head, generation, tags: self.tags })
    }
}
