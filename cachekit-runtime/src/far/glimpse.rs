//! The look of most calls: at one entry, in the one tier of the cache, which others share, and it is there.
//!
//! The whole question ([`Far::ask`]) has room for all that may follow: tags, further tiers, markers and locks, copies that are confirmed. A call that finds
//! its value at once needs none of it, and hundreds of them wait at a time, so they wait in a smaller future. What is not such a hit goes on to the whole
//! question with what was seen, and asks no second time.

use super::{
    Far, Tier,
    ask::{Found, Question},
    freshness::Worth,
    link::Unanswered,
    order::Moment,
};
use crate::{
    backend::Looked,
    budget::Budget,
    envelope::{Head, Kind},
};

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
        let [tier] = &*self.tiers else { return None };
        if !tier.link.is_shared()
            || question.known.is_some()
            || !question.tags.is_empty()
            || tier.link.undelivered.holds(&question.address, &[])
        {
            return None;
        }
        let moment = self.order.moment(question.address.id());
        let looked = tier.link.look(&question.address, budget).await;
        let found = looked.as_ref().ok().and_then(|looked| self.hit(tier, question, looked));
        if found.is_none() {
            question.glimpse = Some(Box::new(Glimpse { moment, looked }));
        }
        found
    }

    /// The value, if there is one that is fresh, valid and accepted, and has no tags.
    fn hit(&self, tier: &Tier, question: &Question<V>, looked: &Looked) -> Option<Found<V>> {
        let (bytes, generation) = (looked.bytes.as_ref()?, looked.generation?);
        let head = Head::read(bytes).ok().filter(|head| head.kind() == Kind::Value)?;
        let mut opened = self.open(tier, &question.address, bytes).ok()?;
        let Worth::Fresh { left } = opened.worth else { return None };
        let is_good = opened.generation == Some(generation)
            && opened.tags.is_empty()
            && question.accept.takes(left, opened.found.age);
        if !is_good {
            return None;
        }
        self.counters.hit(tier.kind);
        opened.found.tie = self.tie_under(question.sight, &[], Some(head), Some(generation));
        Some(opened.found)
    }
}
