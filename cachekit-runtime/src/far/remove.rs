//! Invalidating in the far tiers.

use super::{Far, bridge};
use crate::{backend::Address, outcome::Delivery};
use std::sync::Arc;

impl<V: Clone + Send + Sync + 'static> Far<V> {
    /// Invalidates the entry in all tiers, under every fingerprint. What a tier does not take now it is told as soon as it is back; until then this
    /// process does not ask it for the entry.
    ///
    /// Ends within the timeout. Dropped meanwhile, it goes on.
    pub(crate) async fn invalidate(self: Arc<Self>, address: Address) -> Delivery {
        self.order.pass(address.id());
        let mut delivery = Delivery::Local;
        let budget = self.budget();
        for tier in &self.tiers {
            // Named from now on: a caller that is dropped, or a store that comes in between, finds it not delivered yet.
            tier.link.undelivered.add_key(&address);
            let pending = tier.link.undelivered.number_of(&address);
            let told = {
                let turn = if tier.link.is_shared() { None } else { Some(self.order.turn_of(address.id()).await) };
                let told = tier.link.call(&budget, |backend| backend.remove_many(std::slice::from_ref(&address))).await;
                drop(turn);
                told
            };
            match (told, pending) {
                (Ok(()), Some(number)) => tier.link.undelivered.keys_delivered(&[(number, address.clone())]),
                (Ok(()), None) => {}
                (Err(_), _) => {
                    tier.link.attend();
                    delivery = Delivery::Queued;
                    continue;
                }
            }
            if tier.link.is_shared() && delivery == Delivery::Local {
                delivery = Delivery::Shared;
            }
        }
        delivery
    }

    /// As [`invalidate`](Self::invalidate), of all entries of the cache.
    pub(crate) async fn clear(self: Arc<Self>) -> Delivery {
        self.order.pass_all();
        let mut delivery = Delivery::Local;
        let budget = self.budget();
        for tier in &self.tiers {
            tier.link.undelivered.add_cache(&self.name);
            let number = tier.link.undelivered.number_of_cache(&self.name);
            let told = if tier.link.is_shared() {
                tier.link.call_shared(&budget, |shared| shared.invalidate_all(&self.name)).await
            } else {
                let turns = self.order.turn_of_all().await;
                let told = tier.link.call(&budget, |backend| backend.clear(&self.name)).await;
                drop(turns);
                told
            };
            match (told, number) {
                (Ok(()), Some(number)) => tier.link.undelivered.cache_delivered(&self.name, number),
                (Ok(()), None) => {}
                (Err(_), _) => {
                    tier.link.attend();
                    delivery = Delivery::Queued;
                    continue;
                }
            }
            if tier.link.is_shared() && delivery == Delivery::Local {
                delivery = Delivery::Shared;
            }
        }
        delivery
    }

    /// Runs an invalidation to its end, whether the caller waits for it or is dropped.
    pub(crate) async fn to_the_end(
        self: &Arc<Self>,
        work: impl Future<Output = Delivery> + Send + 'static,
    ) -> Delivery {
        let (done, ended) = async_lock_once();
        bridge::spawn(true, async move { done.send(work.await) });
        ended.await.unwrap_or(Delivery::Queued)
    }
}
