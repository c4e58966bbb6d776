//! Invalidating in the far tiers.

use super::{
    Far, Tier, bridge,
    link::{Link, Unanswered, invalidate},
    many::FLUSH,
    order::Turn,
    tagged::{outdate, soften},
    traced::Verb,
};
use crate::{
    Error,
    backend::{Address, each},
    budget::Budget,
    identity,
    outcome::Delivery,
    tags::{self, TagRegistry},
};
use std::{future::Future, sync::Arc};

/// An invalidation of one tier, which is named in its queue. Whatever becomes of the caller, the tier is told in the end.
struct Telling {
    link: Arc<Link>,
    /// Of what is invalidated, in its order; `None`: it is part of a clearing.
    numbers: Vec<Option<u64>>,
    is_told: bool,
}

impl Telling {
    fn new(link: &Arc<Link>, name: impl FnOnce(&Link) -> Vec<Option<u64>>) -> Self {
        Telling { link: Arc::clone(link), numbers: name(link), is_told: false }
    }

    /// Its number, where it is of one thing.
    fn number(&self) -> Option<u64> {
        self.numbers.first().copied().flatten()
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
        self.invalidate_many(vec![address])
    }

    /// As [`invalidate`](Self::invalidate), of several entries, in flushes that have a timeout each.
    pub(crate) fn invalidate_many(
        self: Arc<Self>,
        addresses: Vec<Address>,
    ) -> impl Future<Output = Delivery> + Send + use<V> {
        // In all tiers before the first is told: what a further one still has must not come back into a nearer one. Loads from before are outdated, and
        // those that begin from now on ask no tier that was not told. Twice, so that also a delivery that comes at once finds no store from before.
        addresses.iter().for_each(|address| self.pass(address));
        let name = |link: &Link| addresses.iter().map(|address| link.undelivered.add_key(address)).collect();
        let mut tellings: Vec<Telling> = self.tiers.iter().map(|tier| Telling::new(&tier.link, name)).collect();
        let later: Vec<Telling> = self.silent.iter().map(|tier| Telling::new(&tier.link, name)).collect();
        addresses.iter().for_each(|address| self.pass(address));
        let delivery = self.tell_apart(later, &addresses);
        async move {
            let (mut delivery, first) = (delivery, self.budget());
            for (tier, telling) in self.tiers.iter().zip(&mut tellings) {
                let told = self.tell(tier, telling, &addresses, &first).await;
                delivery = self.after(delivery, &tier.link, telling.is_told, &told);
            }
            // What was read from the tiers while they were told is kept nowhere.
            addresses.iter().for_each(|address| self.pass(address));
            delivery
        }
    }

    /// No call waits for a place that none looks at: it is told in the background, and the end of the process waits for that.
    fn tell_apart(self: &Arc<Self>, tellings: Vec<Telling>, addresses: &[Address]) -> Delivery {
        if tellings.is_empty() {
            return Delivery::Local;
        }
        let (far, addresses) = (Arc::clone(self), addresses.to_vec());
        bridge::spawn_from_thread(async move {
            for (tier, mut telling) in far.silent.iter().zip(tellings) {
                // What it does not take is delivered when it is back.
                let _ = far.tell(tier, &mut telling, &addresses, &far.budget()).await;
            }
        });
        Delivery::Queued
    }

    /// Tells one tier, until it does not answer.
    async fn tell(
        &self,
        tier: &Tier,
        telling: &mut Telling,
        addresses: &[Address],
        first: &Budget,
    ) -> Result<(), Unanswered> {
        let link = &tier.link;
        let mut is_told = true;
        for (at, (flush, numbers)) in addresses.chunks(FLUSH).zip(telling.numbers.chunks(FLUSH)).enumerate() {
            let further;
            let budget = if at == 0 {
                first
            } else {
                further = self.budget();
                &further
            };
            let turns = async {
                Ok(match flush {
                    [address] => vec![self.order.turn_of(address.id()).await],
                    _ => self.order.turn_of_all().await,
                })
            };
            let _turns = self.turns(tier, budget, turns).await?;
            let told = link.call(Verb::Invalidate, budget, |backend| invalidate(backend, flush)).await?;
            let numbered = numbers.iter().zip(flush).zip(&told).filter(|(_, told)| told.is_ok());
            let numbered = numbered.filter_map(|((number, address), _)| Some(((*number)?, address.clone())));
            let delivered: Vec<(u64, Address)> = numbered.collect();
            // What is part of a clearing is told with that.
            is_told &= delivered.len() == flush.len();
            link.undelivered.keys_delivered(&delivered, link.now());
        }
        telling.is_told = is_told;
        Ok(())
    }

    /// As [`invalidate`](Self::invalidate), of all entries of the cache.
    pub(crate) fn clear(self: Arc<Self>) -> impl Future<Output = Delivery> + Send + use<V> {
        self.pass_all();
        let name = |tier: &Tier| Telling::new(&tier.link, |link| vec![Some(link.undelivered.add_cache(&self.name))]);
        let mut tellings: Vec<Telling> = self.tiers.iter().map(name).collect();
        let later: Vec<Telling> = self.silent.iter().map(name).collect();
        self.pass_all();
        let first = self.clear_apart(later);
        async move {
            let (mut delivery, budget) = (first, self.budget());
            for (tier, telling) in self.tiers.iter().zip(&mut tellings) {
                let told = self.clear_one(tier, telling, &budget).await;
                delivery = self.after(delivery, &tier.link, telling.is_told, &told);
            }
            self.pass_all();
            delivery
        }
    }

    /// As [`tell_apart`](Self::tell_apart), of all entries.
    fn clear_apart(self: &Arc<Self>, tellings: Vec<Telling>) -> Delivery {
        if tellings.is_empty() {
            return Delivery::Local;
        }
        let far = Arc::clone(self);
        bridge::spawn_from_thread(async move {
            for (tier, mut telling) in far.silent.iter().zip(tellings) {
                let _ = far.clear_one(tier, &mut telling, &far.budget()).await;
            }
        });
        Delivery::Queued
    }

    async fn clear_one(&self, tier: &Tier, telling: &mut Telling, budget: &Budget) -> Result<(), Unanswered> {
        let link = &tier.link;
        let turns = async { Ok(self.order.turn_of_all().await) };
        let _turns = self.turns(tier, budget, turns).await?;
        link.call(Verb::Clear, budget, |backend| link.clear(backend, &self.name)).await?;
        if let Some(number) = telling.number() {
            link.undelivered.cache_delivered(&self.name, number, link.now());
            telling.is_told = true;
        }
        Ok(())
    }

    /// Is there an invalidation of it that a tier has not taken?
    pub(crate) fn is_undelivered(&self, address: &Address, tags: &[String]) -> bool {
        self.tiers.iter().any(|tier| tier.link.undelivered.holds(address, tags))
    }

    /// What is being read, or loaded, for the key is older than this moment.
    fn pass(&self, address: &Address) {
        self.order.pass(address.id());
        self.all_tiers().for_each(|tier| tier.link.watch.pass(address.id()));
    }

    fn pass_all(&self) {
        self.order.pass_all();
        self.all_tiers().for_each(|tier| tier.link.watch.pass_all());
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
        before.and(match (is_told, link.is_shared()) {
            (false, _) => Delivery::Queued,
            (true, true) => Delivery::Shared,
            (true, false) => Delivery::Local,
        })
    }
}

impl Link {
    /// Invalidates every entry that has the tag, in this backend. Begins with the call; dropped meanwhile, it goes on.
    pub(crate) fn invalidate_tag(self: &Arc<Self>, tag: String) -> impl Future<Output = Delivery> + Send + use<> {
        let link = Arc::clone(self);
        link.watch.cells.forget(&tag);
        let mut telling = Telling::new(&link, |link| vec![Some(link.undelivered.add_tag(&tag))]);
        async move {
            let budget = Budget::start(&link.clock, Budget::DEFAULT);
            let told = {
                let tags = [tag.as_str()];
                link.call(Verb::InvalidateTags, &budget, |_| outdate(&link, &tags)).await
            };
            // Who asked for the version meanwhile has perhaps the old one.
            link.watch.cells.forget(&tag);
            if let (Ok(()), Some(number)) = (told, telling.number()) {
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

/// A tag that is being made stale. Where the backend does not take that, also because the caller has gone, the tag is invalidated there as soon as it is back: what this
/// process has said to be stale must not seem fresh to it meanwhile.
struct Softening {
    link: Arc<Link>,
    tag: String,
    is_done: bool,
}

impl Drop for Softening {
    fn drop(&mut self) {
        if !self.is_done {
            self.link.undelivered.add_tag(&self.tag);
            self.link.watch.cells.forget(&self.tag);
            self.link.attend();
        }
    }
}

impl Link {
    /// Makes every entry stale that has the tag, in this backend. Begins with the call; dropped meanwhile, also before it was polled, the tag is invalidated there instead.
    pub(crate) fn soften_tag(self: &Arc<Self>, tag: String) -> impl Future<Output = Delivery> + Send + use<> {
        let mut softening = Softening { link: Arc::clone(self), tag, is_done: false };
        async move {
            let link = Arc::clone(&softening.link);
            let budget = Budget::start(&link.clock, Budget::DEFAULT);
            let told = {
                let tags = [softening.tag.as_str()];
                link.call(Verb::SoftenTags, &budget, |_| soften(&link, &tags)).await
            };
            if told.is_err() {
                return Delivery::Queued;
            }
            softening.is_done = true;
            // Calls that begin from now on ask for the version.
            link.watch.cells.forget(&softening.tag);
            link.undelivered.softened(&[(softening.tag.as_str().into(), 0)], link.now());
            if link.is_shared() { Delivery::Shared } else { Delivery::Local }
        }
    }
}

/// The backends that may have entries with tags: those of caches of this process that have some, and those that the configuration describes, also before
/// this process has used them: others may have stored entries there, and so may this program before its restart.
pub(crate) fn with_tags(registry: &Arc<TagRegistry>) -> Vec<Arc<Link>> {
    let mut links = registry.links();
    // A scope has places of its own.
    if Arc::ptr_eq(registry, tags::global()) {
        for link in crate::config::described() {
            if !links.iter().any(|known| Arc::ptr_eq(known, &link)) {
                links.push(link);
            }
        }
    }
    links
}

/// Invalidates every entry that has the tag, in these backends. Begins with the call; dropped meanwhile, it goes on.
pub(crate) fn invalidate_tag(links: &[Arc<Link>], tag: &str) -> impl Future<Output = Delivery> + Send + use<> {
    let tag = identity::text::tag_name(tag);
    let begun: Vec<_> = links.iter().map(|link| Box::pin(link.invalidate_tag(tag.clone()))).collect();
    async move { each(begun).await.into_iter().fold(Delivery::Local, Delivery::and) }
}

/// Makes every entry stale that has the tag, in these backends. Begins with the call; dropped meanwhile, the tag is invalidated in those that have not answered yet.
pub(crate) fn soften_tag(links: &[Arc<Link>], tag: &str) -> impl Future<Output = Delivery> + Send + use<> {
    let tag = identity::text::tag_name(tag);
    let begun: Vec<_> = links.iter().map(|link| Box::pin(link.soften_tag(tag.clone()))).collect();
    async move { each(begun).await.into_iter().fold(Delivery::Local, Delivery::and) }
}

/// As what is [told](invalidate_tag) to these backends, and blocks this thread.
pub(crate) fn told_and_wait(links: &[Arc<Link>], telling: impl Future<Output = Delivery> + Send + 'static) -> Delivery {
    if links.is_empty() {
        return Delivery::Local;
    }
    let immediate = links.iter().all(|link| link.backend().capabilities().immediate);
    bridge::wait(immediate, telling).unwrap_or(Delivery::Queued)
}
