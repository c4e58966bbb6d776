//! Invalidating in the far tiers.

use super::{
    Far, Tier, bridge, flush,
    link::{Link, Unanswered},
    order::Turn,
};
use crate::{Error, backend::Address, budget::Budget, identity, outcome::Delivery};
use std::{future::Future, slice, sync::Arc};

/// An invalidation of one tier, which is named in its queue. Whatever becomes of the caller, the tier is told in the end.
struct Telling {
    link: Arc<Link>,
    /// `None`: it is part of a clearing.
    number: Option<u64>,
    is_told: bool,
}

impl Telling {
    fn new(link: &Arc<Link>, name: impl FnOnce(&Link) -> Option<u64>) -> Self {
        Telling { link: Arc::clone(link), number: name(link), is_told: false }
    }
}

impl Drop for Telling {
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
    /// Begins with the call; ends within the timeout. Dropped meanwhile, also before it was polled, it goes on.
    pub(crate) fn invalidate(self: Arc<Self>, address: Address) -> impl Future<Output = Delivery> + Send + use<V> {
        // In all tiers before the first is told: what a further one still has must not come back into a nearer one. Loads from before are outdated, and
        // those that begin from now on ask no tier that was not told. Twice, so that also a delivery that comes at once finds no store from before.
        self.pass(&address);
        let name = |tier: &Tier| Telling::new(&tier.link, |link| link.undelivered.add_key(&address));
        let mut tellings: Vec<Telling> = self.tiers.iter().map(name).collect();
        self.pass(&address);
        async move {
            let (mut delivery, budget) = (Delivery::Local, self.budget());
            for (tier, telling) in self.tiers.iter().zip(&mut tellings) {
                let link = &tier.link;
                let turn = async { Ok(vec![self.order.turn_of(address.id()).await]) };
                let told = match self.turns(tier, &budget, turn).await {
                    Ok(_turns) => link.call(&budget, |backend| backend.remove_many(slice::from_ref(&address))).await,
                    Err(unanswered) => Err(unanswered),
                };
                if let (Ok(()), Some(number)) = (&told, telling.number) {
                    link.undelivered.keys_delivered(&[(number, address.clone())], link.now());
                    telling.is_told = true;
                }
                delivery = self.after(delivery, link, telling.is_told, &told);
            }
            // What was read from the tiers while they were told is kept nowhere.
            self.pass(&address);
            delivery
        }
    }

    /// As [`invalidate`](Self::invalidate), of all entries of the cache.
    pub(crate) fn clear(self: Arc<Self>) -> impl Future<Output = Delivery> + Send + use<V> {
        self.pass_all();
        let name = |tier: &Tier| Telling::new(&tier.link, |link| Some(link.undelivered.add_cache(&self.name)));
        let mut tellings: Vec<Telling> = self.tiers.iter().map(name).collect();
        self.pass_all();
        async move {
            let (mut delivery, budget) = (Delivery::Local, self.budget());
            for (tier, telling) in self.tiers.iter().zip(&mut tellings) {
                let link = &tier.link;
                let turns = async { Ok(self.order.turn_of_all().await) };
                let told = match self.turns(tier, &budget, turns).await {
                    Ok(_turns) => link.call(&budget, |backend| link.clear(backend, &self.name)).await,
                    Err(unanswered) => Err(unanswered),
                };
                if let (Ok(()), Some(number)) = (&told, telling.number) {
                    link.undelivered.cache_delivered(&self.name, number, link.now());
                    telling.is_told = true;
                }
                delivery = self.after(delivery, link, telling.is_told, &told);
            }
            self.pass_all();
            delivery
        }
    }

    /// What is being read, or loaded, for the key is older than this moment.
    fn pass(&self, address: &Address) {
        self.order.pass(address.id());
        self.tiers.iter().for_each(|tier| tier.link.watch.pass(address.id()));
    }

    fn pass_all(&self) {
        self.order.pass_all();
        self.tiers.iter().for_each(|tier| tier.link.watch.pass_all());
    }

    /// The turns that an invalidation of the tier takes, within the budget. A shared tier has its witnesses instead.
    async fn turns<'a>(
        &self,
        tier: &Tier,
        budget: &Budget,
        turns: impl Future<Output = Result<Vec<Turn<'a>>, Error>>,
    ) -> Result<Vec<Turn<'a>>, Unanswered> {
        if tier.link.is_shared() {
            return Ok(Vec::new());
        }
        // Without a failure: it is not the backend that is waited for.
        budget.within(tier.link.backend().name(), turns).await.map_err(|_| Unanswered::Skipped)
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

impl Link {
    /// Invalidates every entry that has the tag, in this backend. Begins with the call; dropped meanwhile, it goes on.
    pub(crate) fn invalidate_tag(self: &Arc<Self>, tag: String) -> impl Future<Output = Delivery> + Send + use<> {
        let link = Arc::clone(self);
        link.watch.cells.forget(&tag);
        let mut telling = Telling::new(&link, |link| Some(link.undelivered.add_tag(&tag)));
        async move {
            let told = link.patiently(Box::pin(link.outdate_tags(&[&tag]))).await;
            // Who asked for the version meanwhile has perhaps the old one.
            link.watch.cells.forget(&tag);
            if let (Ok(()), Some(number)) = (told, telling.number) {
                link.undelivered.tags_delivered(&[(tag.into(), number)], link.now());
                telling.is_told = true;
            }
            match (telling.is_told, link.is_shared()) {
                (false, _) => Delivery::Queued,
                (true, true) => Delivery::Shared,
                (true, false) => Delivery::Local,
            }
        }
    }
}

/// Of what each of several backends says: what holds for all.
fn worst(before: Delivery, now: Delivery) -> Delivery {
    match (before, now) {
        (Delivery::Queued, _) | (_, Delivery::Queued) => Delivery::Queued,
        (Delivery::Local, now) => now,
        (before, _) => before,
    }
}

/// Invalidates every entry that has the tag, in these backends. Begins with the call; dropped meanwhile, it goes on.
pub(crate) fn invalidate_tag(links: &[Arc<Link>], tag: &str) -> impl Future<Output = Delivery> + Send + use<> {
    let tag = identity::text::tag_name(tag);
    let begun: Vec<_> = links.iter().map(|link| link.invalidate_tag(tag.clone())).collect();
    async move {
        let mut delivery = Delivery::Local;
        for telling in begun {
            delivery = worst(delivery, telling.await);
        }
        delivery
    }
}

/// As [`invalidate_tag`], and blocks this thread.
pub(crate) fn invalidate_tag_and_wait(links: &[Arc<Link>], tag: &str) -> Delivery {
    if links.is_empty() {
        return Delivery::Local;
    }
    let immediate = links.iter().all(|link| link.backend().capabilities().immediate);
    bridge::wait(immediate, invalidate_tag(links, tag)).unwrap_or(Delivery::Queued)
}

/// Has everything been told that other processes had invalidated before the call?
pub(crate) async fn sync() -> Result<(), Error> {
    for link in flush::links() {
        if let Some(shared) = link.backend().shared().filter(|_| link.watch.is_told()) {
            link.patiently(shared.told()).await?;
        }
    }
    Ok(())
}
