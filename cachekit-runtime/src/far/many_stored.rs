//! What a batch computed, in one store for each tier.

use super::{
    Far,
    fill::{Fill, Sealed, Ticket},
    lock::Hold,
    many::FLUSH,
    traced::Verb,
    visit::Visit,
};
use crate::backend::{Storing, each};
use std::sync::Arc;

impl<V: Clone + Send + Sync + 'static> Far<V> {
    /// Stores what was computed, nearest tier first, as [`store`](Self::store) does for each: in the order given, `false` where an invalidation had come
    /// in between.
    pub(crate) async fn store_many(self: Arc<Self>, fills: Vec<(Fill, Sealed)>) -> Vec<bool> {
        let mut is_current = vec![true; fills.len()];
        let last = self.tiers.len().saturating_sub(1);
        for (index, tier) in self.tiers.iter().enumerate() {
            let mut is_taking = true;
            for (flush, current) in fills.chunks(FLUSH).zip(is_current.chunks_mut(FLUSH)) {
                let at = Visit { index, tier, budget: &self.budget() };
                if !tier.link.is_shared() {
                    self.store_plain(at, last, flush, current).await;
                } else if is_taking {
                    is_taking = self.store_shared(at, last, flush, current).await;
                } else {
                    flush.iter().for_each(|_| self.counters.store_failed());
                }
            }
        }
        is_current
    }

    async fn store_plain(&self, at: Visit<'_>, last: usize, flush: &[(Fill, Sealed)], is_current: &mut [bool]) {
        let Visit { index, tier, budget } = at;
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
        at: Visit<'_>,
        last: usize,
        flush: &[(Fill, Sealed)],
        is_current: &mut [bool],
    ) -> bool {
        let Visit { index, tier, budget } = at;
        let mut stores = Vec::with_capacity(flush.len());
        let mut of = Vec::with_capacity(flush.len());
        for (at, (fill, sealed)) in flush.iter().enumerate() {
            let (bytes, life) = sealed.of(index, last);
            if let Some(Ticket::Witness { witness, hold, .. }) = fill.tickets.get(index)
                && let Some(bytes) = bytes
                && !tier.link.undelivered.holds(&fill.address, &fill.tags)
            {
                stores.push(Storing::new(fill.address.clone(), *witness, Some(bytes), life));
                of.push((at, hold));
            }
        }
        if stores.is_empty() {
            return true;
        }
        let Ok(stored) = tier.link.fill_shared(Verb::StoreMany, budget, |shared| shared.store_many(&stores)).await
        else {
            of.iter().for_each(|_| self.counters.store_failed());
            return false;
        };
        for ((at, hold), is_stored) in of.into_iter().zip(stored) {
            if let (Some(hold), Ok(_)) = (hold, &is_stored) {
                hold.release();
            }
            match is_stored {
                Ok(true) => self.counters.stored(),
                Ok(false) => {
                    self.counters.outdated();
                    if let Some(current) = is_current.get_mut(at) {
                        *current = false;
                    }
                }
                Err(_) => self.counters.store_failed(),
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
                    if let Some(Ticket::Witness { witness, is_ours: true, hold, .. }) = fill.tickets.get(index) {
                        drops.push(Storing::new(fill.address.clone(), *witness, None, None));
                        holds.extend(hold.as_ref());
                    }
                }
                if !drops.is_empty()
                    && tier.link.fill_shared(Verb::StoreMany, &budget, |shared| shared.store_many(&drops)).await.is_ok()
                {
                    holds.into_iter().for_each(Hold::release);
                }
            }
        }
    }
}
