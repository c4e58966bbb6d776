//! The look of most calls: at one entry, in the one tier of the cache, which others share, and it is there.
//!
//! The whole question ([`Far::ask`]) has room for all that may follow: tags, further tiers, markers and locks, copies that are confirmed. A call that finds
//! its value at once needs none of it, and hundreds of them wait at a time, so they wait in a smaller future. What is not such a hit goes on to the whole
//! question with what was seen, and asks no second time.

use super::{
    Far, Tier,
    ask::{Accept, Found, Question},
    freshness::Worth,
    link::Unanswered,
    order::Moment,
    watch::Sight,
};
use crate::{
    backend::{Address, Looked},
    budget::Budget,
    envelope::{Head, Kind},
};

/// What a hit is to be.
#[derive(Clone, Copy)]
struct Terms {
    accept: Accept,
    sight: Option<Sight>,
}

/// What was seen that is no hit.
#[derive(Debug)]
pub(crate) struct Glimpse {
    /// From before it was looked.
    pub(super) moment: Moment,
    pub(super) looked: Result<Looked, Unanswered>,
}

impl<V: Clone + Send + Sync + 'static> Far<V> {
    /// A fresh value. `None`: the question is to be asked; what was seen, if anything was looked at, is noted in it.
    ///
    /// Cancel-safe: it changes nothing.
    pub(crate) async fn glimpse(&self, question: &mut Question<V>, budget: &Budget) -> Option<Found<V>> {
        if question.known.is_some() || !question.tags.is_empty() || question.glimpse.is_some() {
            return None;
        }
        let tier = self.one_shared(&question.address)?;
        let moment = self.order.moment(question.address.id());
        let looked = tier.link.look(&question.address, budget).await;
        let terms = Terms { accept: question.accept, sight: question.sight };
        let found = looked.as_ref().ok().and_then(|looked| self.hit(tier, &question.address, terms, looked.clone()));
        if found.is_none() {
            question.glimpse = Some(Box::new(Glimpse { moment, looked }));
        }
        found
    }

    /// As [`glimpse`](Self::glimpse) by one who leads no flight, and keeps no copy.
    ///
    /// Cancel-safe: it changes nothing.
    ///
    /// # Errors
    /// There is no such value. What was seen, if whoever leads a flight of the key later can go by it: that nothing was there, which the claim would find out,
    /// or that nobody answered.
    pub(crate) async fn look_alone(&self, address: &Address, budget: &Budget) -> Result<Found<V>, Option<Glimpse>> {
        let tier = self.one_shared(address).ok_or(None)?;
        let moment = self.order.moment(address.id());
        match tier.link.look_first(address, budget).await {
            Ok(looked) if looked.bytes.is_some() => {
                let terms = Terms { accept: Accept::Any, sight: None };
                self.hit(tier, address, terms, looked).ok_or(None)
            }
            looked => Err(Some(Glimpse { moment, looked })),
        }
    }

    /// Was the entry not invalidated since?
    pub(crate) fn is_of_now(&self, address: &Address, glimpse: &Glimpse) -> bool {
        !self.order.is_past(address.id(), glimpse.moment)
    }

    /// Is there one tier, and do others share it?
    pub(crate) fn is_one_shared(&self) -> bool {
        matches!(&*self.tiers, [tier] if tier.link.is_shared())
    }

    /// That one, if it is to be asked for the entry.
    fn one_shared(&self, address: &Address) -> Option<&Tier> {
        let [tier] = &*self.tiers else { return None };
        // Without any time nobody is asked, and nobody has failed.
        (tier.link.is_shared() && !self.timeout.is_zero() && !tier.link.undelivered.holds(address, &[])).then_some(tier)
    }

    /// The value, if there is one that is fresh, valid and accepted, and has no tags.
    fn hit(&self, tier: &Tier, address: &Address, terms: Terms, looked: Looked) -> Option<Found<V>> {
        let (bytes, generation) = (looked.bytes?, looked.generation?);
        let head = Head::read(&bytes).ok().filter(|head| head.kind() == Kind::Value)?;
        let mut opened = self.open(tier, address, bytes).ok()?;
        let Worth::Fresh { left } = opened.worth else { return None };
        let is_good = opened.generation == Some(generation)
            && opened.tags.is_empty()
            && terms.accept.takes(left, opened.found.age);
        if !is_good {
            return None;
        }
        self.counters.hit(tier.kind, opened.found.is_stale());
        opened.found.tie = self.tie_under(terms.sight, &[], Some(head), Some(generation));
        Some(opened.found)
    }
}
