//! A backend as a user would write it, for a store that several processes share; here the "processes" are clones of one handle.

use bytes::Bytes;
use cachekit_runtime::{
    Error,
    backend::{
        Address, Backend, BackendFuture, Capabilities, Claim, Cursor, Failure, Fingerprint, Looked, News, Page, Parts,
        Scanned, SharedBackend, Watcher, Witness,
    },
    time::{Clock, NEVER, duration},
};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

/// What it can do wrong on purpose, so that one sees the suite find it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // the names say it
pub enum Mistake {
    None,
    InvalidatesOneFingerprint,
    ClearsByPrefix,
    FindsTheExpired,
    ForgetsTheEndInScans,
    ScansOnePageOnly,
    StoresWithoutAWitness,
    KeepsTheMarkersTtl,
    KeepsTheGeneration,
    IgnoresAnnouncements,
    RenewsOthers,
}

/// Entries in a tree, with the ends of their time, and what was announced.
#[derive(Clone)]
pub struct OwnBackend {
    store: Arc<Mutex<Store>>,
    clock: Clock,
    mistake: Mistake,
}

#[derive(Default)]
struct Store {
    entries: BTreeMap<Address, (Bytes, u64)>,
    generations: HashMap<String, u64>,
    last_generation: u64,
    announced: HashMap<String, HashSet<Fingerprint>>,
    tags: HashMap<String, u64>,
    leases: HashMap<String, u64>,
    watchers: Vec<Weak<dyn Watcher>>,
    /// Invalidations of tags fail.
    refuses_tags: bool,
    /// How often somebody asked for versions of tags.
    tags_asked: u64,
    /// Run once after the next look has read what it gives.
    after_look: Option<Box<dyn FnOnce() + Send>>,
    /// What was not told yet, where somebody keeps it back.
    kept_back: Option<Vec<Kept>>,
}

/// Something to tell.
#[derive(Debug, Clone)]
enum Kept {
    Entry(String),
    Tag(String),
    Cache(String),
}

impl OwnBackend {
    /// An empty one.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self::with_mistake(clock, Mistake::None)
    }

    /// An empty one that does this wrong.
    #[must_use]
    pub fn with_mistake(clock: Clock, mistake: Mistake) -> Self {
        OwnBackend { store: Arc::default(), clock, mistake }
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        if self.mistake != Mistake::FindsTheExpired {
            store.entries.retain(|_, (_, end)| *end > now);
        }
        store
    }

    fn tell(&self, kept: Kept) {
        let watchers: Vec<_> = {
            let mut store = self.store();
            if let Some(kept_back) = &mut store.kept_back {
                kept_back.push(kept);
                return;
            }
            store.watchers.iter().filter_map(Weak::upgrade).collect()
        };
        for watcher in watchers {
            watcher.told(match &kept {
                Kept::Entry(id) => News::Entry(id),
                Kept::Tag(tag) => News::Tag(tag),
                Kept::Cache(cache) => News::Cache(cache),
            });
        }
    }

    /// Whether invalidations of tags fail from now on.
    pub fn refuse_tags(&self, refuse: bool) {
        self.store().refuses_tags = refuse;
    }

    /// How often somebody asked for versions of tags.
    #[must_use]
    pub fn tags_asked(&self) -> u64 {
        self.store().tags_asked
    }

    /// Runs this once, after the next look has read what it gives and before it gives it.
    pub fn after_the_next_look(&self, run: impl FnOnce() + Send + 'static) {
        self.store().after_look = Some(Box::new(run));
    }

    /// From now on nothing is told until [`tell_on`](Self::tell_on).
    pub fn keep_back(&self) {
        self.store().kept_back.get_or_insert_default();
    }

    /// Tells what was kept back.
    pub fn tell_on(&self) {
        let kept = self.store().kept_back.take().unwrap_or_default();
        kept.into_iter().for_each(|kept| self.tell(kept));
    }

    /// Tells all watchers of this news.
    pub fn announce_news(&self, news: News<'_>) {
        let watchers: Vec<_> = self.store().watchers.iter().filter_map(Weak::upgrade).collect();
        watchers.iter().for_each(|watcher| watcher.told(news));
    }

    /// Confirms to all watchers that everything has been told by now.
    pub fn confirm(&self) {
        let watchers: Vec<_> = self.store().watchers.iter().filter_map(Weak::upgrade).collect();
        watchers.iter().for_each(|watcher| watcher.told(News::Holds(watcher.now())));
    }

    fn end(&self, ttl: Option<Duration>) -> u64 {
        ttl.map_or(NEVER, |ttl| self.clock.after(ttl))
    }
}

impl Store {
    fn begins_with(&self, address: &Address, head: Witness) -> bool {
        self.entries.get(address).is_some_and(|(bytes, _)| bytes.starts_with(&head.0))
    }
}

impl Backend for OwnBackend {
    fn name(&self) -> &str {
        "own"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::new(false, true, true)
    }

    fn get<'a>(&'a self, address: &'a Address) -> BackendFuture<'a, Option<Bytes>> {
        Box::pin(async move { Ok(self.store().entries.get(address).map(|(bytes, _)| bytes.clone())) })
    }

    fn set<'a>(&'a self, address: &'a Address, bytes: Bytes, ttl: Option<Duration>) -> BackendFuture<'a, ()> {
        Box::pin(async move {
            let end = self.end(ttl);
            self.store().entries.insert(address.clone(), (bytes, end));
            Ok(())
        })
    }

    fn remove<'a>(&'a self, address: &'a Address) -> BackendFuture<'a, bool> {
        Box::pin(async move { Ok(self.store().entries.remove(address).is_some()) })
    }

    fn remove_many<'a>(&'a self, addresses: &'a [Address]) -> BackendFuture<'a, ()> {
        Box::pin(async move {
            let mut store = self.store();
            for address in addresses {
                let announced = store.announced.get(address.cache()).cloned().unwrap_or_default();
                let others = announced.iter().filter(|_| self.mistake != Mistake::InvalidatesOneFingerprint);
                for fingerprint in others.chain([&address.fingerprint()]) {
                    store.entries.remove(&address.with_fingerprint(*fingerprint));
                }
            }
            drop(store);
            addresses.iter().for_each(|address| self.tell(Kept::Entry(address.id().to_owned())));
            Ok(())
        })
    }

    fn clear<'a>(&'a self, cache: &'a str) -> BackendFuture<'a, ()> {
        Box::pin(async move {
            let mut store = self.store();
            match self.mistake {
                Mistake::ClearsByPrefix => store.entries.retain(|address, _| !address.id().starts_with(cache)),
                _ => store.entries.retain(|address, _| address.cache() != cache),
            }
            if self.mistake != Mistake::KeepsTheGeneration {
                store.generations.remove(cache);
            }
            drop(store);
            self.tell(Kept::Cache(cache.to_owned()));
            Ok(())
        })
    }

    fn scan<'a>(&'a self, cache: Option<&'a str>, from: Option<Cursor>, at_most: usize) -> BackendFuture<'a, Page> {
        Box::pin(async move {
            // The last address that was met, so that entries may come and go meanwhile.
            let after = from.map(|cursor| String::from_utf8_lossy(&cursor.0).into_owned());
            let now = self.clock.now();
            let store = self.store();
            let all = store.entries.iter().filter(|(address, _)| cache.is_none_or(|cache| cache == address.cache()));
            let mut rest = all.skip_while(|(address, _)| after.as_ref().is_some_and(|after| place(address) <= *after));
            let shows_end = self.mistake != Mistake::ForgetsTheEndInScans;
            let entries: Vec<Scanned> = rest
                .by_ref()
                .take(at_most.max(1))
                .map(|(address, (bytes, end))| {
                    let left = (*end != NEVER && shows_end).then(|| duration(end - now));
                    Scanned::new(address.clone(), bytes.clone(), left)
                })
                .collect();
            let more = rest.next().is_some() && self.mistake != Mistake::ScansOnePageOnly;
            let next = entries.last().filter(|_| more).map(|last| Cursor(place(&last.address).into()));
            Ok(Page::new(entries, next))
        })
    }

    fn ping(&self) -> BackendFuture<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    fn shared(&self) -> Option<&dyn SharedBackend> {
        Some(self)
    }
}

/// In the order of the tree.
fn place(address: &Address) -> String {
    format!("{}\0{}", address.id(), address.fingerprint())
}

impl SharedBackend for OwnBackend {
    fn look<'a>(&'a self, address: &'a Address) -> BackendFuture<'a, Looked> {
        Box::pin(async move {
            let mut store = self.store();
            let bytes = store.entries.get(address).map(|(bytes, _)| bytes.clone());
            let looked = Looked::new(bytes, store.generations.get(address.cache()).copied());
            let after = store.after_look.take();
            drop(store);
            if let Some(after) = after {
                after();
            }
            Ok(looked)
        })
    }

    fn generation<'a>(&'a self, address: &'a Address, _ttl: Duration) -> BackendFuture<'a, u64> {
        let cache = address.cache();
        Box::pin(async move {
            let mut store = self.store();
            if let Some(generation) = store.generations.get(cache) {
                return Ok(*generation);
            }
            store.last_generation += 1;
            let generation = store.last_generation;
            store.generations.insert(cache.to_owned(), generation);
            Ok(generation)
        })
    }

    fn claim<'a>(&'a self, address: &'a Address, head: Witness, ttl: Duration) -> BackendFuture<'a, Claim> {
        Box::pin(async move {
            let end = self.end(Some(ttl));
            let mut store = self.store();
            if let Some((bytes, _)) = store.entries.get(address) {
                return Ok(Claim::Theirs(bytes.clone()));
            }
            store.entries.insert(address.clone(), (Bytes::copy_from_slice(&head.0), end));
            Ok(Claim::Ours)
        })
    }

    fn replace<'a>(
        &'a self,
        address: &'a Address,
        seen: Witness,
        head: Witness,
        ttl: Duration,
    ) -> BackendFuture<'a, bool> {
        Box::pin(async move {
            let end = self.end(Some(ttl));
            let mut store = self.store();
            let there = store.begins_with(address, seen);
            if there {
                store.entries.insert(address.clone(), (Bytes::copy_from_slice(&head.0), end));
            }
            Ok(there)
        })
    }

    fn renew<'a>(&'a self, address: &'a Address, head: Witness, ttl: Duration) -> BackendFuture<'a, bool> {
        Box::pin(async move {
            let renewed = self.end(Some(ttl));
            let mut store = self.store();
            let ours = store.begins_with(address, head) || self.mistake == Mistake::RenewsOthers;
            Ok(match store.entries.get_mut(address).filter(|_| ours) {
                Some((_, end)) => {
                    *end = renewed;
                    true
                }
                None => false,
            })
        })
    }

    fn store<'a>(
        &'a self,
        address: &'a Address,
        witness: Witness,
        bytes: Option<Bytes>,
        ttl: Option<Duration>,
    ) -> BackendFuture<'a, bool> {
        Box::pin(async move {
            let mut end = self.end(ttl);
            let mut store = self.store();
            if !store.begins_with(address, witness) && self.mistake != Mistake::StoresWithoutAWitness {
                return Ok(false);
            }
            if let (Some((_, old)), Mistake::KeepsTheMarkersTtl) = (store.entries.get(address), self.mistake) {
                end = *old;
            }
            match bytes {
                Some(bytes) => _ = store.entries.insert(address.clone(), (bytes, end)),
                None => _ = store.entries.remove(address),
            }
            Ok(true)
        })
    }

    fn announce<'a>(&'a self, cache: &'a str, fingerprint: Fingerprint) -> BackendFuture<'a, ()> {
        Box::pin(async move {
            if self.mistake != Mistake::IgnoresAnnouncements {
                self.store().announced.entry(cache.to_owned()).or_default().insert(fingerprint);
            }
            Ok(())
        })
    }

    fn tags<'a>(&'a self, tags: &'a [&'a str]) -> BackendFuture<'a, Vec<Option<u64>>> {
        Box::pin(async move {
            let mut store = self.store();
            store.tags_asked += 1;
            Ok(tags.iter().map(|tag| store.tags.get(*tag).copied()).collect())
        })
    }

    fn make_tags<'a>(&'a self, tags: &'a [&'a str], _ttl: Duration) -> BackendFuture<'a, Vec<u64>> {
        Box::pin(async move {
            let mut store = self.store();
            let mut made = Vec::new();
            for tag in tags {
                store.last_generation += 1;
                let fresh = store.last_generation;
                made.push(*store.tags.entry((*tag).to_owned()).or_insert(fresh));
            }
            Ok(made)
        })
    }

    fn invalidate_tags<'a>(&'a self, tags: &'a [&'a str]) -> BackendFuture<'a, ()> {
        Box::pin(async move {
            if self.store().refuses_tags {
                return Err(Error::backend("own", Failure::NotWritable, "no tags"));
            }
            tags.iter().for_each(|tag| _ = self.store().tags.remove(*tag));
            tags.iter().for_each(|tag| self.tell(Kept::Tag((*tag).to_owned())));
            Ok(())
        })
    }

    fn signal<'a>(&'a self, address: &'a Address) -> BackendFuture<'a, ()> {
        Box::pin(async move {
            self.tell(Kept::Entry(address.id().to_owned()));
            Ok(())
        })
    }

    fn lease<'a>(&'a self, address: &'a Address, ttl: Duration) -> BackendFuture<'a, bool> {
        Box::pin(async move {
            let (now, end) = (self.clock.now(), self.end(Some(ttl)));
            let mut store = self.store();
            let is_free = store.leases.get(address.id()).is_none_or(|end| *end <= now);
            if is_free {
                store.leases.insert(address.id().to_owned(), end);
            }
            Ok(is_free)
        })
    }

    fn watch(&self, watcher: &Arc<dyn Watcher>) -> bool {
        self.store().watchers.push(Arc::downgrade(watcher));
        watcher.told(News::Begins(Parts::All));
        watcher.told(News::Holds(watcher.now()));
        true
    }
}
