//! The cells of a process by name.

use super::cell::TagCell;
use crate::sync::lock;
use foldhash::fast::RandomState;
use hashbrown::{HashTable, hash_table::Entry};
use std::{
    fmt,
    hash::BuildHasher,
    sync::{
        Arc, LazyLock, Mutex, Weak,
        atomic::{AtomicU64, Ordering},
    },
};

pub(super) const SHARDS: usize = 16;

/// A shard is not swept more often than after so many uses.
pub(super) const MIN_USES: usize = 64;

/// The cells by name. It does not keep them alive, so its size follows the entries that exist.
pub(crate) struct TagRegistry {
    hasher: RandomState,
    pub(super) shards: [Mutex<Shard>; SHARDS],
    /// How often one was invalidated or made stale.
    changes: AtomicU64,
    /// The names are as backends write them.
    is_written: bool,
    /// The backends that have entries with tags.
    #[cfg(feature = "backend")]
    links: Mutex<Vec<Weak<crate::far::Link>>>,
}

#[derive(Default)]
pub(super) struct Shard {
    pub(super) cells: HashTable<Named>,
    uses_until_sweep: usize,
}

pub(super) struct Named {
    hash: u64,
    name: Box<str>,
    cell: Weak<TagCell>,
}

impl TagRegistry {
    pub(crate) fn new() -> Self {
        Self {
            hasher: RandomState::default(),
            shards: Default::default(),
            changes: AtomicU64::new(0),
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
        // First: who sees the old number afterwards has captured versions that this will change.
        self.changes.fetch_add(1, Ordering::AcqRel);
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

    /// Makes what holds this tag stale from now on, by the registry's clock.
    pub(crate) fn soften(&self, name: &str, now: u64) {
        self.changes.fetch_add(1, Ordering::AcqRel);
        let hash = self.hasher.hash_one(name);
        let mut shard = lock(self.shard(hash));
        shard.sweep_sometimes();
        if let Some(cell) = shard.cells.find(hash, |known| *known.name == *name).and_then(|known| known.cell.upgrade())
        {
            cell.soften(now);
        }
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
    pub(crate) fn learn(&self, name: &str, cell: &TagCell, hard: u64, softened: Vec<(u64, u64)>, told: u64) {
        let _shard = lock(self.shard(self.hasher.hash_one(name)));
        if cell.told() == told {
            cell.learn(hard, softened);
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

    /// How often a tag was invalidated or made stale.
    #[cfg(feature = "backend")]
    pub(crate) fn changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
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
