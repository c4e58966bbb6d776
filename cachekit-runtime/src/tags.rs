//! Tags: a version per name, captured by an entry before its value is loaded and compared whenever the entry is used.
//!
//! Invalidating a tag is one increment, however many entries carry it; they are found to be outdated when they are next looked at. No entry can
//! miss an invalidation: a [`TagSet`] keeps its cells alive, a cell that is alive is the only one of its name, and so every invalidation after
//! the capture changes the very cell that the set compares.

use std::fmt;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, Weak};

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use crate::sync::lock;

/// The most tags of one entry; a hit costs one load for each.
pub(crate) const MAX_TAGS: usize = 16;

const SHARDS: usize = 16;

/// A shard is not swept more often than after so many uses.
const MIN_USES: usize = 64;

/// The version of one tag.
#[derive(Debug, Default)]
pub(crate) struct TagCell {
    #[cfg(feature = "backend")]
    name: Box<str>,
    /// The name is as backends write it.
    #[cfg(feature = "backend")]
    is_written: bool,
    version: AtomicU64,
    /// How often it was told that the version may be another.
    #[cfg(feature = "backend")]
    told: AtomicU64,
}

impl TagCell {
    #[cfg(feature = "backend")]
    fn new(name: &str, is_written: bool) -> Self {
        TagCell { name: name.into(), is_written, ..Self::default() }
    }

    #[cfg(not(feature = "backend"))]
    fn new(_: &str, _: bool) -> Self {
        Self::default()
    }

    /// As backends write it.
    #[cfg(feature = "backend")]
    fn written(&self) -> String {
        if self.is_written { self.name.as_ref().to_owned() } else { crate::identity::text::tag_name(&self.name) }
    }

    pub(crate) fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// Nobody knows the version: it is a shared backend's, and was not asked for, or has changed.
    pub(crate) const UNKNOWN: u64 = 0;

    #[cfg(feature = "backend")]
    pub(crate) fn told(&self) -> u64 {
        self.told.load(Ordering::Acquire)
    }

    #[cfg(feature = "backend")]
    fn forget(&self) {
        self.told.fetch_add(1, Ordering::AcqRel);
        self.version.store(Self::UNKNOWN, Ordering::Release);
    }

    fn bump(&self) {
        // Release: who sees the new version and loads anew sees what the invalidating thread had written before.
        self.version.fetch_add(1, Ordering::AcqRel);
    }
}

/// The cells by name. It does not keep them alive, so its size follows the entries that exist.
pub(crate) struct TagRegistry {
    hasher: RandomState,
    shards: [Mutex<Shard>; SHARDS],
    /// The names are as backends write them.
    is_written: bool,
    /// The backends that have entries with tags.
    #[cfg(feature = "backend")]
    links: Mutex<Vec<Weak<crate::far::Link>>>,
}

#[derive(Default)]
struct Shard {
    cells: HashTable<Named>,
    uses_until_sweep: usize,
}

struct Named {
    hash: u64,
    name: Box<str>,
    cell: Weak<TagCell>,
}

impl TagRegistry {
    pub(crate) fn new() -> Self {
        Self {
            hasher: RandomState::default(),
            shards: Default::default(),
            is_written: false,
            #[cfg(feature = "backend")]
            links: Mutex::default(),
        }
    }

    /// Of names as backends write them.
    #[cfg(feature = "backend")]
    pub(crate) fn written() -> Self {
        TagRegistry { is_written: true, ..Self::new() }
    }

    /// The cell of a name; the same for as long as anybody holds it.
    pub(crate) fn cell(&self, name: &str) -> Arc<TagCell> {
        let hash = self.hasher.hash_one(name);
        let mut shard = lock(self.shard(hash));
        shard.sweep_sometimes();
        match shard.cells.entry(hash, |known| *known.name == *name, |known| known.hash) {
            Entry::Occupied(mut known) => {
                if let Some(cell) = known.get().cell.upgrade() {
                    return cell;
                }
                let cell = Arc::new(TagCell::new(name, self.is_written));
                known.get_mut().cell = Arc::downgrade(&cell);
                cell
            }
            Entry::Vacant(free) => {
                let cell = Arc::new(TagCell::new(name, self.is_written));
                free.insert(Named { hash, name: name.into(), cell: Arc::downgrade(&cell) });
                cell
            }
        }
    }

    /// Makes every set that holds this tag outdated, and says whether there can be one.
    pub(crate) fn invalidate(&self, name: &str) -> bool {
        let hash = self.hasher.hash_one(name);
        let mut shard = lock(self.shard(hash));
        shard.sweep_sometimes();
        let Some(cell) = shard.cells.find(hash, |known| *known.name == *name).and_then(|known| known.cell.upgrade())
        else {
            return false;
        };
        cell.bump();
        true
    }

    /// Invalidations of tags reach this backend too.
    #[cfg(feature = "backend")]
    pub(crate) fn enlist(&self, link: &Arc<crate::far::Link>) {
        let mut links = lock(&self.links);
        links.retain(|known| known.strong_count() > 0);
        if !links.iter().any(|known| std::ptr::eq(known.as_ptr(), Arc::as_ptr(link))) {
            links.push(Arc::downgrade(link));
        }
    }

    /// The backends that have entries with tags.
    #[cfg(feature = "backend")]
    pub(crate) fn links(&self) -> Vec<Arc<crate::far::Link>> {
        lock(&self.links).iter().filter_map(Weak::upgrade).collect()
    }

    /// A shared backend said that this is the version, when it had been told so often that it changed. Under the lock, as is forgetting.
    #[cfg(feature = "backend")]
    pub(crate) fn learn(&self, name: &str, cell: &TagCell, version: u64, told: u64) {
        let _shard = lock(self.shard(self.hasher.hash_one(name)));
        if cell.told() == told {
            cell.version.store(version, Ordering::Release);
        }
    }

    /// The version is not known any more.
    #[cfg(feature = "backend")]
    pub(crate) fn forget(&self, name: &str) {
        let hash = self.hasher.hash_one(name);
        let mut shard = lock(self.shard(hash));
        shard.sweep_sometimes();
        if let Some(cell) = shard.cells.find(hash, |known| *known.name == *name).and_then(|known| known.cell.upgrade())
        {
            cell.forget();
        }
    }

    /// No version is known any more.
    #[cfg(feature = "backend")]
    pub(crate) fn forget_all(&self) {
        for shard in &self.shards {
            lock(shard).cells.iter().filter_map(|known| known.cell.upgrade()).for_each(|cell| cell.forget());
        }
    }

    /// How many names are kept, including those whose cells are gone and not swept yet.
    pub(crate) fn len(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard).cells.len()).sum()
    }

    fn shard(&self, hash: u64) -> &Mutex<Shard> {
        // Bits from the middle: the table takes the low and the highest ones.
        &self.shards[(hash >> 40) as usize % SHARDS]
    }
}

impl Shard {
    /// Sweeps after as many uses as there were live names at the last sweep, so that a use costs a constant on
    /// average and at most that many dead names gather.
    fn sweep_sometimes(&mut self) {
        if self.uses_until_sweep > 0 {
            self.uses_until_sweep -= 1;
            return;
        }
        self.cells.retain(|known| known.cell.strong_count() > 0);
        self.uses_until_sweep = self.cells.len().max(MIN_USES);
        if self.cells.capacity() / 4 > self.cells.len() {
            self.cells.shrink_to(self.cells.len() * 2, |known| known.hash);
        }
    }
}

impl fmt::Debug for TagRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TagRegistry").field("len", &self.len()).finish_non_exhaustive()
    }
}

/// The registry of the process, which all caches share unless a test isolates them.
pub(crate) fn global() -> &'static Arc<TagRegistry> {
    static GLOBAL: LazyLock<Arc<TagRegistry>> = LazyLock::new(|| Arc::new(TagRegistry::new()));
    &GLOBAL
}

/// What the tags of an entry say of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tags {
    Current,
    /// The version of one is to be asked for.
    Unsure,
    Outdated,
}

/// The tags of one entry, with their versions from before its load.
#[derive(Clone, Debug)]
pub(crate) struct TagSet {
    tags: Box<[(Arc<TagCell>, u64)]>,
}

impl TagSet {
    /// Call it before the load: what is invalidated from then on makes the set outdated. `None` without tags.
    ///
    /// With more than [`MAX_TAGS`] different names the set is outdated from the start, so that nothing is cached under tags that are not honoured.
    pub(crate) fn capture<S: AsRef<str>>(registry: &TagRegistry, names: impl IntoIterator<Item = S>) -> Option<Self> {
        let mut tags: Vec<(Arc<TagCell>, u64)> = Vec::new();
        for name in names {
            let cell = registry.cell(name.as_ref());
            if tags.iter().any(|(known, _)| Arc::ptr_eq(known, &cell)) {
                continue;
            }
            if tags.len() == MAX_TAGS {
                tracing::warn!(tag = name.as_ref(), "more than {MAX_TAGS} tags: the value is not cached");
                return Some(Self::outdated());
            }
            let version = cell.version();
            tags.push((cell, version));
        }
        if tags.is_empty() { None } else { Some(Self { tags: tags.into_boxed_slice() }) }
    }

    /// Of cells with the versions that the entry was stored with.
    #[cfg(feature = "backend")]
    pub(crate) fn of(tags: Vec<(Arc<TagCell>, u64)>) -> Self {
        Self { tags: tags.into_boxed_slice() }
    }

    /// Whether a tag was invalidated since the capture, as far as this process knows.
    #[inline]
    pub(crate) fn state(&self) -> Tags {
        let mut state = Tags::Current;
        for (cell, version) in &self.tags {
            match cell.version() {
                now if now == *version => {}
                TagCell::UNKNOWN => state = Tags::Unsure,
                _ => return Tags::Outdated,
            }
        }
        state
    }

    /// Whether no tag was invalidated since the capture.
    #[inline]
    pub(crate) fn is_current(&self) -> bool {
        self.tags.iter().all(|(cell, version)| cell.version() == *version)
    }

    pub(crate) fn len(&self) -> usize {
        self.tags.len()
    }

    /// Their names as backends write them, with the versions that the entry was stored with.
    #[cfg(feature = "backend")]
    pub(crate) fn written(&self) -> impl Iterator<Item = (String, u64)> {
        self.tags.iter().map(|(cell, version)| (cell.written(), *version))
    }

    /// Are there more tags than are honoured? Then nothing is stored.
    #[cfg(feature = "backend")]
    pub(crate) fn is_void(&self) -> bool {
        matches!(&*self.tags, [(cell, u64::MAX)] if cell.name.is_empty())
    }

    fn outdated() -> Self {
        Self { tags: Box::new([(Arc::default(), u64::MAX)]) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::sync::atomic::AtomicBool;
    use std::thread;

    fn names(count: usize) -> Vec<String> {
        (0..count).map(|number| format!("tag:{number}")).collect()
    }

    #[test]
    fn an_invalidation_after_the_capture_outdates_the_set() {
        let registry = TagRegistry::new();
        assert!(!registry.invalidate("user:1"), "nobody holds it");
        let Some(set) = TagSet::capture(&registry, ["user:1", "team:7"]) else { panic!("two tags were given") };
        assert!(set.is_current() && set.len() == 2);
        assert!(!registry.invalidate("user:2") && set.is_current());
        assert!(registry.invalidate("team:7"));
        assert!(!set.is_current());
        let Some(fresh) = TagSet::capture(&registry, ["user:1", "team:7"]) else { panic!("two tags were given") };
        assert!(fresh.is_current() && !set.is_current());
    }

    #[test]
    fn no_tags_are_no_set_and_repeated_ones_count_once() {
        let registry = TagRegistry::new();
        assert!(TagSet::capture(&registry, [""; 0]).is_none());
        assert_eq!(TagSet::capture(&registry, ["a", "b", "a"]).map(|set| set.len()), Some(2));
    }

    #[test]
    fn more_tags_than_allowed_are_never_current() {
        let registry = TagRegistry::new();
        assert!(TagSet::capture(&registry, names(MAX_TAGS)).is_some_and(|set| set.is_current()));
        assert!(TagSet::capture(&registry, names(MAX_TAGS + 1)).is_some_and(|set| !set.is_current()));
    }

    #[test]
    fn a_cell_is_the_only_one_of_its_name_while_it_is_held() {
        let registry = TagRegistry::new();
        let cell = registry.cell("a");
        // Enough other names, all of them dead at once, that every shard is swept.
        names(10_000).iter().for_each(|name| drop(registry.cell(name)));
        assert!(Arc::ptr_eq(&cell, &registry.cell("a")));
        let set = TagSet::capture(&registry, ["a"]);
        drop(cell);
        names(10_000).iter().for_each(|name| drop(registry.cell(name)));
        assert!(registry.invalidate("a") && set.is_some_and(|set| !set.is_current()));
        assert!(!registry.invalidate("a"), "freed with its last set");
    }

    #[test]
    fn the_registry_forgets_dead_names() {
        let registry = TagRegistry::new();
        let live: Vec<_> = names(1_000).iter().map(|name| registry.cell(name)).collect();
        for number in 0..100_000 {
            drop(registry.cell(&format!("dead:{number}")));
        }
        assert!(registry.len() <= 2 * live.len() + SHARDS * MIN_USES, "{}", registry.len());
        drop(live);
        // Lookups alone, without a new name, sweep as well.
        (0..100_000).for_each(|number| _ = registry.invalidate(&format!("dead:{number}")));
        assert_eq!(registry.len(), 0);
        let room: usize = registry.shards.iter().map(|shard| lock(shard).cells.capacity()).sum();
        assert!(room <= SHARDS * MIN_USES, "{room}");
    }

    #[test]
    fn what_was_captured_before_a_change_is_outdated_after_its_invalidation() {
        // The writer changes the source and then invalidates; the loader captures, then reads the source. A set that is still current must not
        // belong to a value from before the last invalidation that has finished.
        let registry = TagRegistry::new();
        let (source, finished, stop) = (AtomicU64::new(0), AtomicU64::new(0), AtomicBool::new(false));
        thread::scope(|scope| {
            scope.spawn(|| {
                for value in 1..=20_000 {
                    source.store(value, Ordering::Relaxed);
                    registry.invalidate("hot");
                    finished.store(value, Ordering::Release);
                }
                stop.store(true, Ordering::Release);
            });
            for _ in 0..2 {
                scope.spawn(|| {
                    // Cells come and go with the sets, which is where a recreated cell could be mistaken for an old one.
                    while !stop.load(Ordering::Acquire) {
                        let set = TagSet::capture(&registry, ["hot"]);
                        let value = source.load(Ordering::Relaxed);
                        let known = finished.load(Ordering::Acquire);
                        if set.is_some_and(|set| set.is_current()) {
                            assert!(value >= known, "current with {value}, but {known} was invalidated");
                        }
                    }
                });
            }
        });
    }

    proptest! {
        #[test]
        fn equals_a_model(steps in prop::collection::vec((0u8..3, 0usize..4, 0usize..4), 1..200)) {
            let registry = TagRegistry::new();
            let mut sets: Vec<(Option<TagSet>, [usize; 2], bool)> = Vec::new();
            for (action, a, b) in steps {
                let name = |number: usize| format!("tag:{number}");
                match action {
                    0 => sets.push((TagSet::capture(&registry, [name(a), name(b)]), [a, b], true)),
                    1 => {
                        let held = sets.iter().any(|(_, tags, _)| tags.contains(&a));
                        prop_assert_eq!(registry.invalidate(&name(a)), held);
                        sets.iter_mut().filter(|set| set.1.contains(&a)).for_each(|set| set.2 = false);
                    }
                    _ if sets.is_empty() => {}
                    _ => drop(sets.swap_remove((a * 4 + b) % sets.len())),
                }
                for (set, _, current) in &sets {
                    prop_assert_eq!(set.as_ref().map(TagSet::is_current), Some(*current));
                }
            }
        }
    }
}
