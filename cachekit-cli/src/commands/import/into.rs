//! Storing entries as a fill stores them: never over an invalidation, never over something that is there.

use super::Done;
use crate::{
    failure::Failure,
    store::{self, Store},
};
use bytes::Bytes;
use cachekit_runtime::{
    backend::{Address, Claim, SharedBackend, Storing, Version, Witness},
    codec::DEFAULT_MAX_VALUE_BYTES,
    envelope::{Envelope, Head, Kind, TagVersion},
    inspect::{self, MARKER, Setting},
};
use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

/// How long generations and tags live at least, as caches have it.
const LONG: Duration = Duration::from_secs(30 * 24 * 3_600);

/// A file store keeps what waits for the disk in memory; no more than this, and what is stored at once, waits at most.
const WAITING: usize = 8 << 20;

/// An entry of the file.
pub(super) struct Entry {
    pub(super) envelope: Envelope,
    /// In milliseconds since 1970.
    pub(super) expires: Option<u64>,
}

impl Entry {
    fn address(&self) -> Address {
        let (cache, key) = self.envelope.id().split_once(':').unwrap_or((self.envelope.id(), ""));
        inspect::address(cache, key, self.envelope.fingerprint())
    }

    /// What is left of its time. `None`: nothing.
    fn left(&self) -> Option<Option<Duration>> {
        match self.expires {
            None => Some(None),
            Some(expires) => {
                expires.checked_sub(store::now()).filter(|left| *left > 0).map(|left| Some(Duration::from_millis(left)))
            }
        }
    }
}

/// The store that entries go into.
pub(super) struct Into<'a> {
    store: &'a Store,
    overwrite: bool,
    waiting: usize,
}

impl<'a> Into<'a> {
    pub(super) fn new(store: &'a Store, overwrite: bool) -> Self {
        Into { store, overwrite, waiting: 0 }
    }

    pub(super) async fn store(&mut self, entries: Vec<Entry>, done: &mut Done) -> Result<(), Failure> {
        let all = entries.len();
        let living: Vec<(Address, Entry, Option<Duration>)> = entries
            .into_iter()
            .filter_map(|entry| Some((entry.address(), entry.left()?, entry)))
            .map(|(address, left, entry)| (address, entry, left))
            .collect();
        done.over += (all - living.len()) as u64;
        if living.is_empty() {
            return Ok(());
        }
        let tags = self.tags(&living).await?;
        match self.store.backend().shared() {
            Some(shared) => self.share(shared, living, &tags, done).await,
            None => self.keep(living, &tags, done).await,
        }
    }

    /// Is all that was stored so far there for good?
    pub(super) fn is_safe(&self) -> bool {
        self.waiting == 0
    }

    /// What was stored is on the disk when this ends.
    pub(super) async fn finish(&mut self) -> Result<(), Failure> {
        self.waiting = 0;
        Ok(self.store.backend().flush().await?)
    }

    /// The versions of all tags here, made where there are none.
    async fn tags(&self, entries: &[(Address, Entry, Option<Duration>)]) -> Result<HashMap<String, Version>, Failure> {
        let mut names: Vec<&str> =
            entries.iter().flat_map(|(_, entry, _)| entry.envelope.tags()).map(|tag| &*tag.name).collect();
        names.sort_unstable();
        names.dedup();
        let versions = match names.is_empty() {
            true => Vec::new(),
            false => inspect::make_versions(self.store.backend(), &names, LONG).await?,
        };
        Ok(names.into_iter().map(str::to_owned).zip(versions).collect())
    }

    fn sealed(
        &self,
        address: &Address,
        entry: &Entry,
        generation: Option<u64>,
        tags: &HashMap<String, Version>,
    ) -> Result<Bytes, Failure> {
        let mut freshness = entry.envelope.freshness();
        freshness.created = freshness.created.saturating_add_signed(self.store.ahead(address));
        let version = |tag: &TagVersion| {
            let known = tags.get(&*tag.name);
            let (version, soft) = known.map_or((0, 0), |known| (known.hard, known.soft()));
            TagVersion { name: tag.name.clone(), version, soft }
        };
        let tags = entry.envelope.tags().iter().map(version).collect();
        inspect::reseal(&entry.envelope, address, &Setting { freshness, generation, tags })
            .map_err(|rejected| Failure::other(format_args!("the entry {} is {rejected}", address.id())))
    }

    /// Into a store that this process has alone.
    async fn keep(
        &mut self,
        entries: Vec<(Address, Entry, Option<Duration>)>,
        tags: &HashMap<String, Version>,
        done: &mut Done,
    ) -> Result<(), Failure> {
        let backend = self.store.backend();
        let addresses: Vec<Address> = entries.iter().map(|(address, ..)| address.clone()).collect();
        let there = backend.get_many(&addresses).await?;
        for ((address, entry, _), there) in entries.into_iter().zip(there) {
            if !self.overwrite && self.is_given(there.as_ref(), &address, None).await? {
                done.there += 1;
                continue;
            }
            let bytes = self.sealed(&address, &entry, None, tags)?;
            // Anew: what was waited for the disk meanwhile is no time that it may live longer.
            let Some(left) = entry.left() else {
                done.over += 1;
                continue;
            };
            self.waiting += bytes.len() + address.id().len();
            backend.set(&address, bytes, left).await?;
            done.entries += 1;
        }
        if self.waiting > WAITING { self.finish().await } else { Ok(()) }
    }

    /// Would a call get what is there?
    async fn is_given(
        &self,
        there: Option<&Bytes>,
        address: &Address,
        generation: Option<Option<u64>>,
    ) -> Result<bool, Failure> {
        let Some(envelope) = there.and_then(|bytes| Envelope::read(bytes, DEFAULT_MAX_VALUE_BYTES).ok()) else {
            return Ok(false);
        };
        let names: Vec<&str> = envelope.tags().iter().map(|tag| &*tag.name).collect();
        let versions = match names.is_empty() {
            true => Vec::new(),
            false => inspect::versions(self.store.backend(), &names).await?,
        };
        Ok(inspect::judge(&envelope, generation, &versions, self.store.now(address)).is_given())
    }

    /// Into a store that other processes use: as they fill it, with a witness.
    async fn share(
        &mut self,
        shared: &dyn SharedBackend,
        entries: Vec<(Address, Entry, Option<Duration>)>,
        tags: &HashMap<String, Version>,
        done: &mut Done,
    ) -> Result<(), Failure> {
        let mut by_cache: BTreeMap<String, Vec<(Address, Entry, Option<Duration>)>> = BTreeMap::new();
        for entry in entries {
            by_cache.entry(entry.0.cache().to_owned()).or_default().push(entry);
        }
        for entries in by_cache.into_values() {
            let longest = entries.iter().map(|(_, _, left)| left.unwrap_or(LONG)).max().unwrap_or(LONG);
            self.share_cache(shared, entries, longest, tags, done).await?;
        }
        Ok(())
    }

    async fn share_cache(
        &self,
        shared: &dyn SharedBackend,
        entries: Vec<(Address, Entry, Option<Duration>)>,
        longest: Duration,
        tags: &HashMap<String, Version>,
        done: &mut Done,
    ) -> Result<(), Failure> {
        // In a cluster a generation has the lineage of the entry's node in it; nodes are few, and so are questions.
        let mut generations: HashMap<u16, u64> = HashMap::new();
        let is_sharded = shared.parts() > 1;
        let claims: Vec<(Address, Witness)> =
            entries.iter().map(|(address, ..)| (address.clone(), Head::marker().witness())).collect();
        // Before the generation is asked for: a claim makes the shape known, and the first of a cache takes the generation away.
        let claimed = shared.claim_many(&claims, MARKER).await?;
        let mut stores = Vec::with_capacity(entries.len());
        for (((address, entry, _), (_, marker)), claim) in entries.into_iter().zip(&claims).zip(claimed) {
            let part = if is_sharded { shared.part(address.id()) } else { 0 };
            let generation = match generations.get(&part) {
                Some(generation) => *generation,
                None => {
                    let generation = shared.generation(&address, longest).await?;
                    generations.insert(part, generation);
                    generation
                }
            };
            let witness = match claim? {
                Claim::Ours => Some(*marker),
                Claim::Theirs(there) => self.in_place_of(&there, &address, generation).await?,
                _ => None,
            };
            let Some(witness) = witness else {
                done.there += 1;
                continue;
            };
            let bytes = self.sealed(&address, &entry, Some(generation), tags)?;
            // Over meanwhile: nothing is stored, and the marker goes.
            let left = entry.left().unwrap_or(Some(Duration::ZERO));
            stores.push(Storing::new(address, witness, Some(bytes), left));
        }
        for stored in shared.store_many(&stores).await? {
            match stored? {
                true => done.entries += 1,
                // Invalidated between the two, which wins.
                false => done.there += 1,
            }
        }
        Ok(())
    }

    /// The witness by which what is there may be replaced; `None`: it stays.
    async fn in_place_of(&self, there: &Bytes, address: &Address, generation: u64) -> Result<Option<Witness>, Failure> {
        let Ok(head) = Head::read(there) else { return Ok(None) };
        let may = match head.kind() {
            // Somebody computes, and may store after us: with our value in its place it will not.
            Kind::Marker | Kind::Tombstone => true,
            Kind::Value => self.overwrite || !self.is_given(Some(there), address, Some(Some(generation))).await?,
            _ => false,
        };
        Ok(may.then(|| head.witness()))
    }
}
