//! What this process knows of the changes that others make to a shared backend: whether copies near by may be used without asking.
//!
//! The backend tells ([`News`]) which entries, tags and caches were invalidated. A copy is trusted while three things hold: everything has been told about
//! its part since it was read (the same *incarnation*), the backend has confirmed lately that it has told all (the *lease*), and nothing was told about
//! the copy itself, whereupon it is removed. A copy that is not trusted is compared with the backend before it is used.
//!
//! A read and the news about it come by different ways. So a reader notes an *epoch* before it asks, news move the epoch first and remove copies then,
//! and a copy is kept only if, under the lock of its place, the epoch is the same: either the news came before, and it is not kept, or they come after,
//! and find it.

use super::{cells::Cells, switches};
use crate::{
    backend::{News, Parts, SharedBackend, Watcher},
    changes::CHANGES,
    sync::lock,
    time::{Clock, nanos, steady},
};
use std::{
    collections::HashMap,
    fmt,
    hash::BuildHasher,
    sync::{
        Arc, Mutex, OnceLock, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

/// How long after the backend has confirmed it a copy may be used without a further confirmation.
pub(crate) const LEASE: Duration = Duration::from_secs(2);

const EPOCHS: usize = 1_024;

/// A cache of this process with copies of a shared backend's entries.
pub(crate) trait Near: Send + Sync {
    /// The entry of this [number](Watch::number_of) was invalidated.
    fn forget(&self, number: u64);
    /// All were.
    fn forget_all(&self);
    /// The tag was invalidated, or perhaps only renewed: loads under way that have it are not to be joined any more.
    fn outdate_loads_with(&self, tag: &str);
    /// What is there of these parts is to be compared with the backend before it is used.
    fn distrust(&self, parts: Parts<'_>);
}

/// Those of one name, each with the part of its generation.
type Caches = Vec<(u16, Weak<dyn Near>)>;

pub(crate) struct Watch {
    clock: Clock,
    /// The clock is none of a test.
    is_steady: bool,
    /// By part: the incarnation in which it is told about; 0: nothing is.
    parts: Box<[AtomicU64]>,
    /// By part that nothing is told about: until when copies were trusted.
    ended: Box<[AtomicU64]>,
    incarnations: AtomicU64,
    /// Copies are trusted until then, by [`Clock::steady`].
    until: AtomicU64,
    epochs: Box<[AtomicU64]>,
    /// Of all entries.
    epoch: AtomicU64,
    /// By the name of the cache.
    near: Mutex<HashMap<Box<str>, Caches>>,
    pub(super) cells: Cells,
    hasher: foldhash::fast::RandomState,
    /// Called when another server answers than before.
    replaced: OnceLock<Box<dyn Fn() + Send + Sync>>,
    is_told: AtomicBool,
}

/// What a reader notes before it asks the backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sight {
    /// Of the entry, as news name it.
    pub(crate) number: u64,
    entry: Covered,
    /// Of the cache: a clear is told with it.
    generation: Covered,
    striped: u64,
    epoch: u64,
}

/// A part, and the incarnation in which it is told about; 0: nothing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Covered {
    part: u16,
    incarnation: u64,
}

impl Watch {
    pub(super) fn new(clock: Clock, parts: u16) -> Self {
        let words = |count: usize| std::iter::repeat_with(AtomicU64::default).take(count).collect();
        Watch {
            is_steady: !clock.is_test(),
            clock,
            parts: words(usize::from(parts.max(1))),
            ended: words(usize::from(parts.max(1))),
            incarnations: AtomicU64::new(0),
            until: AtomicU64::new(0),
            epochs: words(EPOCHS),
            epoch: AtomicU64::new(0),
            near: Mutex::default(),
            cells: Cells::new(),
            hasher: foldhash::fast::RandomState::default(),
            replaced: OnceLock::new(),
            is_told: AtomicBool::new(false),
        }
    }

    /// Has it told by the backend. `false`: that cannot tell.
    pub(super) fn begin(
        self: &Arc<Self>,
        shared: &dyn SharedBackend,
        replaced: impl Fn() + Send + Sync + 'static,
    ) -> bool {
        // Only the first is kept; they are all alike.
        let _ = self.replaced.set(Box::new(replaced));
        let watcher: Arc<dyn Watcher> = self.clone();
        let is_told = shared.watch(&watcher);
        self.is_told.store(is_told, Ordering::Release);
        is_told
    }

    /// Can the backend tell?
    pub(crate) fn is_told(&self) -> bool {
        self.is_told.load(Ordering::Acquire)
    }

    /// What is told about the entries of this name concerns that cache too.
    pub(crate) fn enlist(&self, cache: &str, generation: u16, near: Weak<dyn Near>) {
        let mut all = lock(&self.near);
        let named = all.entry(cache.into()).or_default();
        named.retain(|(_, near)| near.strong_count() > 0);
        if !named.iter().any(|(_, known)| known.ptr_eq(&near)) {
            named.push((generation, near));
        }
    }

    /// Stands for an entry.
    pub(crate) fn number_of(&self, id: &str) -> u64 {
        self.hasher.hash_one(id)
    }

    /// To be noted before the backend is asked for the entry.
    pub(crate) fn sight(&self, id: &str, part: u16, generation: u16) -> Sight {
        let number = self.number_of(id);
        // The incarnations first: what begins after they have been read is noticed by its number.
        let (entry, generation) = (self.covered(part), self.covered(generation));
        let (striped, epoch) = (self.striped(number).load(Ordering::Acquire), self.epoch.load(Ordering::Acquire));
        Sight { number, entry, generation, striped, epoch }
    }

    /// Were no news told about the entry since? To be asked under the lock of the place where a copy is kept.
    pub(crate) fn is_unchanged(&self, sight: &Sight) -> bool {
        switches::without_epochs()
            || (self.epoch.load(Ordering::Acquire) == sight.epoch
                && self.striped(sight.number).load(Ordering::Acquire) == sight.striped)
    }

    /// Has everything been told about the part since the incarnation began, but for what the lease allows?
    #[inline]
    pub(crate) fn is_covered(&self, Covered { part, incarnation }: Covered) -> bool {
        // In one order with the end of an incarnation, which is written before the marks of its copies are: see `Near::distrust`.
        incarnation != 0 && self.part(part).load(Ordering::SeqCst) == incarnation
    }

    #[inline]
    pub(crate) fn is_leased(&self) -> bool {
        // Every hit asks: the clock of a process is known without asking what kind it is.
        let now = if self.is_steady { steady() } else { self.clock.now() };
        switches::without_lease() || now < self.until.load(Ordering::Acquire)
    }

    /// Was everything told about the part not longer ago than that, beyond the lease?
    pub(crate) fn was_leased(&self, part: u16, outage: Duration) -> bool {
        let until = match self.covered(part).is_any() {
            true => self.until.load(Ordering::Acquire),
            false => self.ended[usize::from(part) % self.ended.len()].load(Ordering::Acquire),
        };
        until != 0 && self.clock.steady() < until.saturating_add(nanos(outage))
    }

    /// An invalidation by this process: what it has read meanwhile is not kept.
    pub(super) fn pass(&self, id: &str) {
        self.striped(self.number_of(id)).fetch_add(1, Ordering::AcqRel);
    }

    pub(super) fn pass_all(&self) {
        self.epoch.fetch_add(1, Ordering::AcqRel);
    }

    pub(super) fn covered(&self, part: u16) -> Covered {
        Covered { part, incarnation: self.part(part).load(Ordering::SeqCst) }
    }

    fn part(&self, part: u16) -> &AtomicU64 {
        // The remainder is less than the length, which is at least one.
        &self.parts[usize::from(part) % self.parts.len()]
    }

    fn striped(&self, number: u64) -> &AtomicU64 {
        &self.epochs[number as usize % EPOCHS]
    }

    fn of_cache(&self, cache: &str) -> Vec<Arc<dyn Near>> {
        lock(&self.near).get(cache).into_iter().flatten().filter_map(|(_, near)| near.upgrade()).collect()
    }

    fn all(&self) -> Vec<Arc<dyn Near>> {
        lock(&self.near).values().flatten().filter_map(|(_, near)| near.upgrade()).collect()
    }

    fn put(&self, parts: Parts<'_>, incarnation: u64) {
        let until = self.until.load(Ordering::Acquire);
        let put = |range: std::ops::RangeInclusive<usize>| {
            let last = (*range.end()).min(self.parts.len().saturating_sub(1));
            for (word, ended) in self.parts.iter().zip(&self.ended).take(last + 1).skip(*range.start()) {
                if switches::without_heads() && word.load(Ordering::SeqCst) != 0 {
                    continue;
                }
                if word.swap(incarnation, Ordering::SeqCst) != 0 {
                    ended.store(until, Ordering::Release);
                }
            }
        };
        CHANGES.make(|| match parts {
            Parts::All => put(0..=self.parts.len()),
            Parts::Some(ranges) => {
                ranges.iter().for_each(|range| put(usize::from(*range.start())..=usize::from(*range.end())));
            }
        });
    }

    fn end(&self, parts: Parts<'_>) {
        if switches::without_heads() {
            return;
        }
        self.put(parts, 0);
        // A tag is of no part that its entries know of.
        self.cells.forget_all();
        let distrusting: Vec<_> = lock(&self.near)
            .values()
            .flatten()
            .filter_map(|(generation, near)| {
                // A clear, which concerns all of its entries, would not be told.
                Some((near.upgrade()?, if parts.contains(*generation) { Parts::All } else { parts }))
            })
            .collect();
        distrusting.iter().for_each(|(near, parts)| near.distrust(*parts));
    }
}

impl Watcher for Watch {
    fn told(&self, news: News<'_>) {
        match news {
            News::Entry(_) | News::Tag(_) | News::Cache(_) | News::Everything if switches::without_push() => {}
            News::Replaced if switches::without_journal() => {}
            News::Entry(id) => {
                let number = self.number_of(id);
                self.striped(number).fetch_add(1, Ordering::AcqRel);
                let cache = id.split_once(':').map_or(id, |(cache, _)| cache);
                self.of_cache(cache).iter().for_each(|near| near.forget(number));
            }
            News::Tag(tag) => {
                self.cells.forget(tag);
                self.all().iter().for_each(|near| near.outdate_loads_with(tag));
            }
            News::Cache(cache) => {
                self.epoch.fetch_add(1, Ordering::AcqRel);
                self.of_cache(cache).iter().for_each(|near| near.forget_all());
            }
            News::Everything => {
                self.epoch.fetch_add(1, Ordering::AcqRel);
                self.cells.forget_all();
                self.all().iter().for_each(|near| near.forget_all());
            }
            News::Begins(parts) => {
                self.end(parts);
                self.put(parts, self.incarnations.fetch_add(1, Ordering::AcqRel) + 1);
            }
            News::Ends(parts) => self.end(parts),
            News::Holds(since) => {
                self.until.fetch_max(since.saturating_add(nanos(LEASE)), Ordering::AcqRel);
            }
            News::Replaced => {
                if let Some(replaced) = self.replaced.get() {
                    replaced();
                }
            }
        }
    }

    fn now(&self) -> u64 {
        self.clock.steady()
    }
}

impl Covered {
    pub(crate) fn new(part: u16, incarnation: u64) -> Self {
        Covered { part, incarnation }
    }

    pub(crate) fn part(self) -> u16 {
        self.part
    }

    pub(crate) fn incarnation(self) -> u64 {
        self.incarnation
    }

    pub(crate) fn is_any(self) -> bool {
        self.incarnation != 0
    }
}

impl Sight {
    /// A copy that was read under it is as good as the backend's answer was then, while these are told about: the entry and the generation of its cache.
    pub(crate) fn covered(&self) -> [Covered; 2] {
        [self.entry, self.generation]
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("is_leased", &self.is_leased()).finish_non_exhaustive()
    }
}
