//! A backend as a user would write it, for a store that several processes share; here the "processes" are clones of one handle.

use bytes::Bytes;
use cachekit_runtime::{
    Error,
    backend::{
        Address, Backend, BackendFuture, Capabilities, Claim, Cursor, Each, Failure, Fingerprint, HEAD, Looked, News,
        Page, Parts, Scanned, SharedBackend, Version, Watcher, Witness,
    },
    time::{Clock, NEVER, TestClock, duration},
};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};
use tokio::sync::{Semaphore, SemaphorePermit};

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
    LeasesForAllThatComes,
}

/// Entries in a tree, with the ends of their time, and what was announced.
#[derive(Clone)]
pub struct OwnBackend {
    store: Arc<Mutex<Store>>,
    clock: Clock,
    mistake: Mistake,
    /// How far its clock is ahead of the machine of whoever has this handle.
    ahead: i64,
}

#[derive(Default)]
struct Store {
    entries: BTreeMap<Address, (Bytes, u64)>,
    generations: HashMap<String, u64>,
    last_generation: u64,
    announced: HashMap<String, HashSet<Fingerprint>>,
    tags: HashMap<String, Version>,
    leases: HashMap<(String, Witness), u64>,
    watchers: Vec<Weak<dyn Watcher>>,
    /// Invalidations of tags fail.
    refuses_tags: bool,
    /// How often somebody asked for versions of tags.
    tags_asked: u64,
    /// How often somebody looked.
    looks: u64,
    /// Tags and ids whose server gives no answer.
    lost: HashSet<String>,
    /// How often each tag was made stale.
    softened: HashMap<String, u64>,
    /// How often somebody wanted to change a tag or an id whose server gave no answer.
    in_vain: HashMap<String, u64>,
    /// Looks that have read what they give wait at it.
    gate: Option<Arc<Semaphore>>,
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

    /// An empty one by a clock that the test moves, and stands some time after its origin, where nothing is yet.
    #[must_use]
    pub fn by_hand() -> (TestClock, Self) {
        let clock = TestClock::new();
        clock.advance(Duration::from_secs(1_000));
        let backend = Self::new(clock.clock());
        (clock, backend)
    }

    /// An empty one that does this wrong.
    #[must_use]
    pub fn with_mistake(clock: Clock, mistake: Mistake) -> Self {
        OwnBackend { store: Arc::default(), clock, mistake, ahead: 0 }
    }

    /// As it is seen from a machine whose clock is so many milliseconds behind its own.
    #[must_use]
    pub fn ahead_by(mut self, milliseconds: i64) -> Self {
        self.ahead = milliseconds;
        self
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

    /// From now on the server of these tags and ids gives no answer; those of all others do.
    pub fn lose<'a>(&self, names: impl IntoIterator<Item = &'a str>) {
        self.store().lost.extend(names.into_iter().map(str::to_owned));
    }

    /// The server of these does again.
    pub fn find<'a>(&self, names: impl IntoIterator<Item = &'a str>) {
        let mut store = self.store();
        names.into_iter().for_each(|name| _ = store.lost.remove(name));
    }

    /// How often the tag was made stale.
    #[must_use]
    pub fn softened(&self, tag: &str) -> u64 {
        self.store().softened.get(tag).copied().unwrap_or(0)
    }

    /// How often somebody wanted to change it while its server gave no answer.
    #[must_use]
    pub fn in_vain(&self, name: &str) -> u64 {
        self.store().in_vain.get(name).copied().unwrap_or(0)
    }

    /// What is at the entry of this id, under whatever fingerprint.
    ///
    /// # Panics
    /// If nothing is.
    #[must_use]
    pub fn head(&self, id: &str) -> Witness {
        let store = self.store();
        let there = store.entries.iter().find(|(address, _)| address.id() == id);
        Witness(there.and_then(|(_, (bytes, _))| bytes.first_chunk().copied()).expect("something with a head"))
    }

    /// Where the one entry is that there is, and its head.
    #[must_use]
    pub fn only_if_any(&self) -> Option<(Address, Witness)> {
        let store = self.store();
        let (address, (bytes, _)) = store.entries.first_key_value()?;
        Some((address.clone(), Witness(*bytes.first_chunk()?)))
    }

    /// As [`only_if_any`](Self::only_if_any).
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    pub fn only(&self) -> (Address, Witness) {
        self.only_if_any().expect("an entry")
    }

    /// How often somebody looked at an entry.
    #[must_use]
    pub fn looks(&self) -> u64 {
        self.store().looks
    }

    /// How often somebody asked for versions of tags.
    #[must_use]
    pub fn tags_asked(&self) -> u64 {
        self.store().tags_asked
    }

    /// From now on what looks have read is kept back.
    pub fn hold_looks(&self) {
        self.store().gate = Some(Arc::new(Semaphore::new(0)));
    }

    /// They get it.
    pub fn release_looks(&self) {
        if let Some(gate) = self.store().gate.take() {
            gate.close();
        }
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
    /// The error of a server that gives no answer.
    fn reach(&mut self, name: &str) -> Result<(), Error> {
        if !self.lost.contains(name) {
            return Ok(());
        }
        *self.in_vain.entry(name.to_owned()).or_default() += 1;
        Err(Error::backend("own", Failure::Unreachable, "its server is gone"))
    }

    /// As a cluster does it: what has a server is changed, whatever becomes of the rest.
    fn reach_some<'a>(&mut self, names: &[&'a str]) -> (Vec<&'a str>, Result<(), Error>) {
        let mut all = Ok(());
        let reached = names.iter().copied().filter(|name| match self.reach(name) {
            Ok(()) => true,
            Err(error) => {
                all = Err(error);
                false
            }
        });
        (reached.collect(), all)
    }

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
            let (looked, after, gate) = {
                let mut store = self.store();
                store.looks += 1;
                let bytes = store.entries.get(address).map(|(bytes, _)| bytes.clone());
                let looked = Looked::new(bytes, store.generations.get(address.cache()).copied());
                (looked, store.after_look.take(), store.gate.clone())
            };
            if let Some(after) = after {
                after();
            }
            if let Some(gate) = gate {
                // An error says that it was opened for good.
                let _ = gate.acquire().await.map(SemaphorePermit::forget);
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

    fn invalidate_many<'a>(&'a self, addresses: &'a [Address]) -> BackendFuture<'a, Each<()>> {
        Box::pin(async move {
            let mut each = Vec::with_capacity(addresses.len());
            for address in addresses {
                let reached = self.store().reach(address.id());
                each.push(match reached {
                    Ok(()) => self.remove_many(std::slice::from_ref(address)).await,
                    Err(error) => Err(error),
                });
            }
            Ok(each)
        })
    }

    fn judges_itself(&self) -> bool {
        true
    }

    fn announce<'a>(&'a self, cache: &'a str, fingerprint: Fingerprint) -> BackendFuture<'a, ()> {
        Box::pin(async move {
            if self.mistake != Mistake::IgnoresAnnouncements {
                self.store().announced.entry(cache.to_owned()).or_default().insert(fingerprint);
            }
            Ok(())
        })
    }

    fn tags<'a>(&'a self, tags: &'a [&'a str]) -> BackendFuture<'a, Vec<Option<Version>>> {
        Box::pin(async move {
            let mut store = self.store();
            store.tags_asked += 1;
            Ok(tags.iter().map(|tag| store.tags.get(*tag).cloned()).collect())
        })
    }

    fn make_tags<'a>(&'a self, tags: &'a [&'a str], _ttl: Duration) -> BackendFuture<'a, Vec<Version>> {
        Box::pin(async move {
            let mut store = self.store();
            let mut made = Vec::new();
            for tag in tags {
                store.last_generation += 1;
                let fresh = store.last_generation;
                made.push(store.tags.entry((*tag).to_owned()).or_insert(Version::new(fresh)).clone());
            }
            Ok(made)
        })
    }

    fn invalidate_tags<'a>(&'a self, tags: &'a [&'a str]) -> BackendFuture<'a, ()> {
        Box::pin(async move {
            if self.store().refuses_tags {
                return Err(Error::backend("own", Failure::NotWritable, "no tags"));
            }
            let (tags, all) = self.store().reach_some(tags);
            tags.iter().for_each(|tag| _ = self.store().tags.remove(*tag));
            tags.iter().for_each(|tag| self.tell(Kept::Tag((*tag).to_owned())));
            all
        })
    }

    fn soften_tags<'a>(&'a self, tags: &'a [&'a str]) -> BackendFuture<'a, ()> {
        Box::pin(async move {
            if self.store().refuses_tags {
                return Err(Error::backend("own", Failure::NotWritable, "no tags"));
            }
            // By the wall time that goes with a clock of tests.
            let now = 1_770_000_000_000 + self.clock.now() / 1_000_000;
            let (tags, all) = self.store().reach_some(tags);
            for tag in tags {
                let mut store = self.store();
                *store.softened.entry(tag.to_owned()).or_default() += 1;
                if let Some(version) = store.tags.get_mut(tag) {
                    *version = version.clone().softened_at(now, 7);
                }
                drop(store);
                self.tell(Kept::Tag(tag.to_owned()));
            }
            all
        })
    }

    fn signal<'a>(&'a self, address: &'a Address) -> BackendFuture<'a, ()> {
        Box::pin(async move {
            self.tell(Kept::Entry(address.id().to_owned()));
            Ok(())
        })
    }

    fn lease<'a>(&'a self, address: &'a Address, seen: Witness, ttl: Duration) -> BackendFuture<'a, bool> {
        Box::pin(async move {
            let (now, end) = (self.clock.now(), self.end(Some(ttl)));
            let mut store = self.store();
            let replaced = if self.mistake == Mistake::LeasesForAllThatComes { Witness([0; HEAD]) } else { seen };
            let whose = (address.id().to_owned(), replaced);
            let is_free = store.leases.get(&whose).is_none_or(|end| *end <= now);
            if is_free {
                store.leases.insert(whose, end);
            }
            Ok(is_free)
        })
    }

    fn ahead(&self, _: &Address) -> i64 {
        self.ahead
    }

    fn time(&self, _: &Address) -> Option<Duration> {
        let wall = std::time::UNIX_EPOCH.elapsed().ok()?;
        Some(Duration::from_millis((wall.as_millis() as u64).saturating_add_signed(self.ahead)))
    }

    fn ahead_of_tag(&self, _: &str) -> i64 {
        self.ahead
    }

    fn watch(&self, watcher: &Arc<dyn Watcher>) -> bool {
        self.store().watchers.push(Arc::downgrade(watcher));
        watcher.told(News::Begins(Parts::All));
        watcher.told(News::Holds(watcher.now()));
        true
    }
}
