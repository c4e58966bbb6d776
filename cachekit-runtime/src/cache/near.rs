//! Memory in front of a tier that other processes change too: what they change goes from here, and what they may have changed is compared before it is used.

use super::{
    Core,
    bond::{Bond, Tie},
    entry::{self, Life, Worth},
    far_tiers::names_of,
    near_index::Named,
};
use crate::{
    backend::{Address, Parts},
    envelope::TagVersion,
    far::{Far, Found, Known, Near, Question, Sight, without_epochs},
    key::Key,
    outcome::{RemovalCause, Tier},
    output::Value,
    tags::TagSet,
    time::{NEVER, duration},
};
use std::time::Duration;

impl<K: Key, V: Value> Near for Core<K, V> {
    fn forget(&self, number: u64) {
        let Some(hash) = self.far_tiers.index().hash_of(number) else { return };
        if !without_epochs() {
            self.outdate_unlisted(hash);
            self.flights.cut_off_hash(hash);
        }
        // Two keys of one hash are one too many, which costs a look.
        while let Some(gone) = self.remove(hash, |_| true) {
            self.gone(gone, RemovalCause::Invalidated);
        }
        if !without_epochs() {
            self.flights.cut_off_hash(hash);
        }
    }

    fn forget_all(&self) {
        self.clear();
    }

    fn outdate_loads_with(&self, tag: &str) {
        self.flights.outdate_tagged(tag);
    }

    fn distrust(&self, parts: Parts<'_>) {
        self.table.for_each(|_, seen| {
            if seen.more.and_then(entry::More::bond).is_some_and(|bond| bond.is_of(parts)) {
                entry::distrust(&seen);
            }
        });
    }
}

impl<K, V> Core<K, V> {
    /// What is kept under this tie is found by what is told about it, for as long as it is there.
    pub(super) fn name(&self, hash: u64, tie: Option<&Tie>) -> Option<Named<'_>> {
        tie.map(|tie| self.far_tiers.index().name(tie.sight.number, hash, |hash| self.is_there(hash)))
    }

    /// Is there an entry of that hash, or one that is being loaded?
    fn is_there(&self, hash: u64) -> bool {
        self.flights.contains_hash(hash) || self.table.get(hash, |_| true, |_| ((), false)).is_some()
    }

    /// Of a copy that is about to be kept.
    pub(super) fn bond(&self, tie: Option<&Tie>) -> Option<Bond> {
        match tie {
            Some(tie) => Some(Bond::new(tie)),
            None => self.far_tiers.watching().as_ref().map(Bond::loose),
        }
    }

    pub(super) fn is_tie_good(&self, tie: Option<&Tie>) -> bool {
        tie.is_none_or(|tie| tie.holds() && self.far_tiers.is_watched_by(&tie.watch))
    }
}

impl<K: Key, V: Value> Core<K, V> {
    /// To be noted before the tiers are asked for the entry; from then on what is told about it reaches this load.
    pub(super) fn sight(&self, far: &Far<V>, address: &Address, hash: u64) -> Option<Sight> {
        self.far_tiers.watching()?;
        let number = far.watch()?.number_of(address.id());
        drop(self.far_tiers.index().name(number, hash, |hash| self.is_there(hash)));
        far.sight(address.id())
    }

    /// What a look asks for that loads nothing.
    pub(super) fn peeking(&self, far: &Far<V>, address: Address, key: &K) -> Question<V> {
        let sight = self.sight(far, &address, self.hash_one(key));
        let tags = names_of(self.tags_of(key).as_ref());
        Question {
            address,
            accept: crate::far::Accept::Any,
            tags,
            known: None,
            sight,
            refresh: None,
            takes_stale: true,
            glimpse: None,
        }
    }

    /// A copy that is good if the tier still has it.
    pub(super) fn known(&self, hash: u64, key: &K) -> Option<Known<V>> {
        let now = self.now();
        let known = |seen: crate::memory::Seen<'_, V, entry::More>| {
            let life = Life::of(&seen);
            if life.worth(now, self.allowed.now()) != Worth::Unsure || now >= life.expires(now) {
                return None;
            }
            let (head, generation) = life.bond()?.seen()?;
            let expires = life.expires(now);
            let tags = life.tags().into_iter().flat_map(TagSet::written);
            Some(Known {
                value: seen.value.clone(),
                left: if expires == NEVER { NEVER } else { expires.saturating_sub(now) },
                age: life.born(now).map_or(Duration::ZERO, |born| duration(now.saturating_sub(born))),
                tier: Tier::Memory,
                head,
                generation,
                tags: tags
                    .map(|(name, version)| TagVersion { name: name.into(), version: version.hard, soft: version.soft })
                    .collect(),
            })
        };
        self.far_tiers.watching()?;
        self.table.get(hash, |other| other == key, |seen| (known(seen), false)).flatten()
    }

    /// The tier has what the copy was made of: it is used without asking again.
    pub(super) fn trust_again(&self, hash: u64, key: &K, tie: &Tie) {
        let now = self.now();
        self.table.get(
            hash,
            |other| other == key,
            |seen| {
                if let Some(bond) = Life::of(&seen).bond() {
                    bond.tighten(tie);
                    entry::trust(&seen, now, self.allowed.now());
                }
                ((), true)
            },
        );
    }

    /// How long after the tier was heard last its copies are given when it does not answer; `None`: not at all.
    pub(super) fn near_outage(&self) -> Option<Duration> {
        self.far_tiers.watching()?;
        self.settings.far.near_outage.or_else(|| crate::config::limits().near_outage).filter(|outage| !outage.is_zero())
    }

    /// How long this process has the right to refresh the entry for all: a part of its ttl, so that it is over when the next refresh is due.
    pub(super) fn refresh_lease(&self, hash: u64, key: &K) -> Duration {
        const LONGEST: Duration = Duration::from_secs(10);
        let now = self.now();
        let whole = self.table.get(
            hash,
            |other| other == key,
            |seen| {
                let life = Life::of(&seen);
                let born = life.born(now).unwrap_or(now);
                (duration(life.expires(now).saturating_sub(born)), false)
            },
        );
        // What is not in memory is due because a tag of it was made stale.
        whole.map_or(LONGEST, |whole| (whole / 10).min(LONGEST))
    }

    /// What is there, due for a refresh or stale, while another process refreshes it.
    pub(super) fn due(&self, hash: u64, key: &K) -> Option<Found<V>> {
        let (value, age) = self.find_stale(hash, |other| other == key, self.stale_while_revalidate())?;
        let age = age.unwrap_or_default();
        Some(Found { value, left: 0, age, tier: Tier::Memory, tie: None, tags: None, is_known: true, stale_for: 0 })
    }

    /// A copy that was true not too long ago, for a tier that does not answer.
    pub(super) fn in_an_outage(&self, hash: u64, key: &K, outage: Duration) -> Option<Found<V>> {
        let (far, address) = self.far_address(key)?;
        // What this process itself has invalidated is not given, also while the tier has not been told.
        let tags = self.table.get(hash, |other| other == key, |seen| (names_of(Life::of(&seen).tags()), false))?;
        if far.is_undelivered(&address, &tags) {
            return None;
        }
        let now = self.now();
        let held = |seen: crate::memory::Seen<'_, V, entry::More>| {
            let life = Life::of(&seen);
            let expires = life.expires(now);
            let is_good = life.worth(now, self.allowed.now()) == Worth::Unsure
                && now < expires
                && life.bond().is_some_and(|bond| bond.held(outage));
            is_good.then(|| Found {
                value: seen.value.clone(),
                left: if expires == NEVER { NEVER } else { expires.saturating_sub(now) },
                age: life.born(now).map_or(Duration::ZERO, |born| duration(now.saturating_sub(born))),
                tier: Tier::Memory,
                tie: None,
                tags: None,
                is_known: true,
                stale_for: 0,
            })
        };
        self.table.get(hash, |other| other == key, |seen| (held(seen), false)).flatten()
    }
}

impl<K, V> super::far_tiers::FarTiers<K, V> {
    fn index(&self) -> &super::near_index::NearIndex {
        &self.index
    }
}
