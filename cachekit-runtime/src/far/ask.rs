//! Looking through the far tiers, nearest first.

use super::{
    Far, Tier, cells,
    fill::{Fill, Ticket},
    freshness::{self, Worth},
    glimpse::Glimpse,
    link::Unanswered,
    tagged::Agreement,
    tie::Tie,
    traced::Verb,
    visit::Visit,
    watch::Sight,
};
use crate::{
    Error,
    backend::{Address, HEAD, Witness},
    budget::Budget,
    envelope::{self, Head, Rejected, TagVersion},
    outcome,
    tags::TagSet,
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
    /// The tags of what a tier has that this process has alone: a copy of it near by goes with them too.
    pub(crate) tags: Option<TagSet>,
    /// It is the copy that the question named.
    pub(crate) is_known: bool,
    /// How long ago one of its tags was made stale, in nanoseconds; 0: none was.
    pub(crate) stale_for: u64,
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
    /// A value that was made stale is taken, within the cache's allowance.
    pub(crate) takes_stale: bool,
    /// What a look at the only tier has seen already.
    pub(crate) glimpse: Option<Box<Glimpse>>,
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
    /// A fresh value, or one that was made stale where the question takes that.
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
    /// How long past its end it may be given in place of an error, in nanoseconds.
    if_error: u64,
}

/// What is leased where nothing is: no head is like that.
const NOTHING: Witness = Witness([0; HEAD]);

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
                    self.counters.hit(tier.kind, found.is_stale());
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
        {
            asked.is_elsewhere = self.is_refreshed_elsewhere(&asked.fill, lease, &budget).await;
        }
        asked
    }

    /// Does another process have the right to refresh what the fill would replace? Takes it otherwise, so that of all processes one loads.
    pub(super) async fn is_refreshed_elsewhere(&self, fill: &Fill, lease: Duration, budget: &Budget) -> bool {
        let shared = self.tiers.iter().zip(&fill.tickets).rev().find(|(tier, _)| tier.link.is_shared());
        let Some((tier, Ticket::Witness { witness, .. })) = shared else { return false };
        let taken =
            tier.link.fill_shared(Verb::Lease, budget, |shared| shared.lease(&fill.address, *witness, lease)).await;
        matches!(taken, Ok(false))
    }

    /// As [`is_refreshed_elsewhere`](Self::is_refreshed_elsewhere), of what is there now.
    pub(crate) async fn is_made_elsewhere(&self, address: &Address, lease: Duration, budget: &Budget) -> bool {
        let Some(tier) = self.tiers.iter().rev().find(|tier| tier.link.is_shared()) else { return false };
        let looked = tier.link.call_shared(Verb::Look, budget, |shared| shared.look(address)).await;
        let there = looked.ok().and_then(|looked| looked.bytes).and_then(|bytes| Head::read(&bytes).ok());
        let seen = there.map_or(NOTHING, |head| head.witness());
        let taken = tier.link.fill_shared(Verb::Lease, budget, |shared| shared.lease(address, seen, lease)).await;
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
        let Some(bytes) = tier.link.call(Verb::Get, budget, |backend| backend.get(address)).await? else {
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
        let opened = match self.open(at.tier, &question.address, bytes.clone()) {
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
        if self.is_orphan(&opened) {
            Box::pin(self.prepare_tags(at, fill)).await?;
            return Ok(Has::Nothing(Ticket::Plain, None));
        }
        let agreement = self.agreement(at, fill, &opened.tags).await?;
        let mut opened = opened;
        opened.found.tags = cells::set_of_stored(&fill.tagged, &opened.tags);
        match self.weigh(opened, agreement, question.accept, question.takes_stale) {
            Weighed::Value(found) => Ok(Has::Value(found, bytes)),
            Weighed::Stale(found) => {
                Box::pin(self.prepare_tags(at, fill)).await?;
                Ok(Has::Nothing(Ticket::Plain, Some(found)))
            }
            Weighed::Nothing => {
                Box::pin(self.prepare_tags(at, fill)).await?;
                Ok(Has::Nothing(Ticket::Plain, None))
            }
        }
    }

    /// Looks, and leaves nothing for a fill. `is_use`: it is a call that looks, and not somebody who operates the cache, who changes nothing by it.
    pub(crate) async fn peek(self: Arc<Self>, question: Question<V>, budget: Budget, is_use: bool) -> Option<Found<V>> {
        let mut question = question;
        let mut fill = self.fill_of(&mut question);
        let address = question.address;
        for (index, tier) in self.tiers.iter().enumerate() {
            if tier.link.undelivered.holds(&address, &fill.tags) || (!tier.link.is_shared() && self.shared_after(index))
            {
                continue;
            }
            let (bytes, generation) = if tier.link.is_shared() {
                match tier.link.call_shared(Verb::Look, &budget, |shared| shared.look(&address)).await {
                    Ok(looked) => (looked.bytes, Some(looked.generation)),
                    Err(_) => continue,
                }
            } else {
                match tier.link.call(Verb::Get, &budget, |backend| backend.get(&address)).await {
                    Ok(bytes) => (bytes, None),
                    Err(_) => continue,
                }
            };
            let found = match bytes {
                Some(bytes) => {
                    let at = Visit { index, tier, budget: &budget };
                    self.peeked(at, &mut fill, &bytes, generation, is_use).await
                }
                None => None,
            };
            if is_use {
                match &found {
                    Some(found) => self.counters.hit(tier.kind, found.is_stale()),
                    None => self.counters.miss(),
                }
            }
            if found.is_some() {
                return found;
            }
        }
        None
    }

    /// The value, if it is fresh and valid. An entry that is none is removed where that `is_use`. `generation`: of the cache, as a shared tier says.
    pub(super) async fn peeked(
        &self,
        at: Visit<'_>,
        fill: &mut Fill,
        bytes: &Bytes,
        generation: Option<Option<u64>>,
        is_use: bool,
    ) -> Option<Found<V>> {
        let mut opened = match self.open(at.tier, &fill.address, bytes.clone()) {
            Ok(opened) => opened,
            Err(rejected) => {
                // What is no value by its kind belongs to a fill under way.
                if is_use && rejected != Rejected::NoValue {
                    Box::pin(self.reject(at, &fill.address, &rejected)).await;
                }
                return None;
            }
        };
        let is_fresh = matches!(opened.worth, Worth::Fresh { .. });
        let is_of_now = generation.is_none_or(|generation| generation.is_some() && generation == opened.generation);
        if !is_fresh || !is_of_now || self.is_orphan(&opened) {
            return None;
        }
        match self.agree(at, fill, &opened.tags).await {
            Ok(Agreement::Current) => {}
            Ok(Agreement::Stale(age)) if self.gives(age) => opened.found.stale_for = age.max(1),
            _ => return None,
        }
        opened.found.tie = self.tie(fill, Head::read(bytes).ok(), opened.generation);
        opened.found.keep_stale(fill, &opened.tags);
        if !at.tier.link.is_shared() {
            opened.found.tags = cells::set_of_stored(&fill.tagged, &opened.tags);
        }
        Some(opened.found)
    }

    /// Whether the entry of a tier that this process has alone was stored beside a shared one that is not asked any more: nobody says here what others have changed since.
    fn is_orphan(&self, opened: &Opened<V>) -> bool {
        opened.generation.is_some() && !self.tiers.iter().any(|tier| tier.link.is_shared())
    }

    /// Whether what was made stale so long ago may be given.
    pub(super) fn gives(&self, stale_for: u64) -> bool {
        self.gives_softened || stale_for < self.revalidate
    }

    /// What the tags of an entry say; most have none.
    pub(super) async fn agreement(
        &self,
        at: Visit<'_>,
        fill: &mut Fill,
        stored: &[TagVersion],
    ) -> Result<Agreement, Unanswered> {
        match fill.tagged.is_empty() && stored.is_empty() {
            true => Ok(Agreement::Current),
            false => Box::pin(self.agree(at, fill, stored)).await,
        }
    }

    /// What an entry is worth, by its times and its tags.
    pub(super) fn weigh(
        &self,
        opened: Opened<V>,
        agreement: Agreement,
        accept: Accept,
        takes_stale: bool,
    ) -> Weighed<V> {
        let Opened { mut found, worth, if_error, .. } = opened;
        let stale_for = match agreement {
            Agreement::Current => 0,
            Agreement::Stale(age) => age.max(1),
            Agreement::Outdated => return Weighed::Nothing,
        };
        found.stale_for = stale_for;
        match worth {
            Worth::Fresh { left } if stale_for == 0 && accept.takes(left, found.age) => Weighed::Value(found),
            Worth::Fresh { .. } if stale_for > 0 && takes_stale && self.gives(stale_for) => Weighed::Value(found),
            Worth::Fresh { .. } if stale_for > 0 && stale_for < if_error.max(self.revalidate) => Weighed::Stale(found),
            Worth::Stale if stale_for == 0 || stale_for < if_error => Weighed::Stale(found),
            _ => Weighed::Nothing,
        }
    }

    /// The value of an envelope, and what its times say of it.
    pub(super) fn open(&self, tier: &Tier, address: &Address, bytes: Bytes) -> Result<Opened<V>, Rejected> {
        let (terms, value) = envelope::open_value(bytes, address, &*self.codec, self.max_value_bytes)?;
        let now = self.time_at(address);
        let times = terms.freshness;
        let worth = freshness::worth(&times, now);
        let left = if let Worth::Fresh { left } = worth { left } else { 0 };
        let age = freshness::age(&times, now);
        Ok(Opened {
            found: Found { value, left, age, tier: tier.kind, tie: None, tags: None, is_known: false, stale_for: 0 },
            worth,
            generation: terms.generation,
            tags: terms.tags,
            if_error: nanos(Duration::from_millis(times.if_error.unwrap_or(0))),
        })
    }

    /// The time in milliseconds, by the clock that all processes which share the entry go by.
    pub(super) fn time_at(&self, address: &Address) -> u64 {
        let shared = self.tiers.iter().rev().find_map(|tier| tier.link.backend().shared());
        // A test's clock goes its own way, and entries age by it.
        if !self.clock.is_test()
            && let Some(time) = shared.and_then(|shared| shared.time(address))
        {
            return u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        }
        freshness::now(&self.clock, shared.map_or(0, |shared| shared.ahead(address)))
    }

    /// Counts an entry that is none as missing, and removes it.
    pub(super) async fn reject(&self, at: Visit<'_>, address: &Address, rejected: &Rejected) {
        let Visit { tier, budget, .. } = at;
        self.counters.rejected(rejected);
        let backend = tier.link.backend().name();
        tracing::debug!(backend, cache = address.cache(), %rejected, "an entry counts as missing");
        // If that fails, a fill will replace it, or the next look remove it.
        let _ = tier.link.call(Verb::Remove, budget, |backend| backend.remove(address)).await;
    }

    /// Is there a tier behind it that others change?
    pub(super) fn shared_after(&self, index: usize) -> bool {
        self.tiers.iter().skip(index + 1).any(|tier| tier.link.is_shared())
    }

    /// What a fill needs beside its tickets.
    pub(super) fn fill_of(&self, question: &mut Question<V>) -> Fill {
        let seen = question.glimpse.as_ref().map(|glimpse| glimpse.moment);
        let moment = seen.unwrap_or_else(|| self.order.moment(question.address.id()));
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

/// See [`weigh`](Far::weigh).
pub(super) enum Weighed<V> {
    Value(Found<V>),
    /// Within an allowance.
    Stale(Found<V>),
    Nothing,
}

impl<V> Found<V> {
    /// One of its tags was made stale, and it is given all the same.
    pub(crate) fn is_stale(&self) -> bool {
        self.stale_for > 0
    }

    /// A copy near by of what was made stale is stale too: it goes by the versions that it was loaded under.
    pub(super) fn keep_stale(&mut self, fill: &Fill, stored: &[TagVersion]) {
        if self.is_stale()
            && let Some(tie) = &mut self.tie
        {
            tie.tags = cells::set_of_stored(&fill.tagged, stored);
        }
    }
}

impl<V> Opened<V> {
    /// As a copy of what the shared tier has.
    fn into_known(self, bytes: &Bytes) -> Option<Known<V>> {
        let Found { value, left, age, tier, .. } = self.found;
        let (head, generation) = (Head::read(bytes).ok()?.witness(), self.generation?);
        Some(Known { value, left, age, tier, head, generation, tags: self.tags })
    }
}
