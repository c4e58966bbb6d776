//! Invalidating in the far tiers.

use super::{
    Far,
    link::{Link, Unanswered},
};
use crate::{backend::Address, outcome::Delivery};
use std::{slice, sync::Arc};

/// An invalidation of one tier. Whatever becomes of the caller, the tier is told in the end.
struct Telling<'a> {
    link: &'a Arc<Link>,
    is_told: bool,
}

impl Drop for Telling<'_> {
    fn drop(&mut self) {
        if !self.is_told {
            self.link.attend();
        }
    }
}

impl<V: Clone + Send + Sync + 'static> Far<V> {
    /// Invalidates the entry in all tiers, under every fingerprint. What a tier does not take now it is told as soon as it is back; until then this
    /// process does not ask it for the entry.
    ///
    /// Ends within the timeout. Dropped meanwhile, it goes on.
    pub(crate) async fn invalidate(self: Arc<Self>, address: Address) -> Delivery {
        self.order.pass(address.id());
        let (mut delivery, budget) = (Delivery::Local, self.budget());
        for tier in &self.tiers {
            let link = &tier.link;
            // Named from now on, so that nothing is read or stored there before it is told.
            let number = link.undelivered.add_key(&address);
            let mut telling = Telling { link, is_told: false };
            let turn = if link.is_shared() { None } else { Some(self.order.turn_of(address.id()).await) };
            let told = link.call(&budget, |backend| backend.remove_many(slice::from_ref(&address))).await;
            drop(turn);
            if let (Ok(()), Some(number)) = (&told, number) {
                link.undelivered.keys_delivered(&[(number, address.clone())]);
                telling.is_told = true;
            }
            delivery = self.after(delivery, link, telling.is_told, &told);
        }
        delivery
    }

    /// As [`invalidate`](Self::invalidate), of all entries of the cache.
    pub(crate) async fn clear(self: Arc<Self>) -> Delivery {
        self.order.pass_all();
        let (mut delivery, budget) = (Delivery::Local, self.budget());
        for tier in &self.tiers {
            let link = &tier.link;
            let number = link.undelivered.add_cache(&self.name);
            let mut telling = Telling { link, is_told: false };
            let told = if link.is_shared() {
                link.call_shared(&budget, |shared| shared.invalidate_all(&self.name)).await
            } else {
                let _turns = self.order.turn_of_all().await;
                link.call(&budget, |backend| backend.clear(&self.name)).await
            };
            if told.is_ok() {
                link.undelivered.cache_delivered(&self.name, number);
                telling.is_told = true;
            }
            delivery = self.after(delivery, link, telling.is_told, &told);
        }
        delivery
    }

    fn after(&self, before: Delivery, link: &Link, is_told: bool, told: &Result<(), Unanswered>) -> Delivery {
        if let Err(unanswered) = told {
            self.counters.unanswered(matches!(unanswered, Unanswered::Skipped));
        }
        match (before, is_told) {
            (Delivery::Queued, _) | (_, false) => Delivery::Queued,
            (Delivery::Local, true) if link.is_shared() => Delivery::Shared,
            (before, true) => before,
        }
    }
}
