//! The version of one tag.

use crate::changes::CHANGES;
use crate::sync::lock;
use std::sync::{
    Mutex,
    atomic::{AtomicU64, Ordering},
};

/// So many soft versions are kept: what was made stale so often since its capture, and not loaded anew, is outdated, for it cannot be told from what was made stale more often.
pub(crate) const MAX_SOFTENED: usize = 8;

/// The time of the first of these soft versions, oldest first, that is later than `soft`; `None`: there is none, or there was an earlier one that is not kept.
pub(crate) fn stale_since(softened: &[(u64, u64)], soft: u64) -> Option<u64> {
    let is_known = softened.len() < MAX_SOFTENED || softened.first().is_some_and(|(first, _)| *first <= soft);
    softened.iter().find(|(later, _)| *later > soft).filter(|_| is_known).map(|(_, since)| *since)
}

/// A version of a tag.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Version {
    pub(crate) hard: u64,
    pub(crate) soft: u64,
}

/// The version of one tag.
#[derive(Debug, Default)]
pub(crate) struct TagCell {
    #[cfg(feature = "backend")]
    pub(super) name: Box<str>,
    /// The name is as backends write it.
    #[cfg(feature = "backend")]
    is_written: bool,
    /// The hard part. Written after the soft one, and read before it: with a hard version that agrees goes a soft one that is at least as new.
    version: AtomicU64,
    soft: AtomicU64,
    /// The latest soft versions, oldest first, each with the time from which on it counts, by the clock of whoever keeps the cell.
    softened: Mutex<Vec<(u64, u64)>>,
    /// How often it was told that the version may be another.
    #[cfg(feature = "backend")]
    told: AtomicU64,
}

impl TagCell {
    #[cfg(feature = "backend")]
    pub(super) fn new(name: &str, is_written: bool) -> Self {
        TagCell { name: name.into(), is_written, ..Self::default() }
    }

    #[cfg(not(feature = "backend"))]
    pub(super) fn new(_: &str, _: bool) -> Self {
        Self::default()
    }

    /// As backends write it.
    #[cfg(feature = "backend")]
    pub(super) fn written(&self) -> String {
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
    pub(super) fn forget(&self) {
        self.told.fetch_add(1, Ordering::AcqRel);
        CHANGES.make(|| self.version.store(Self::UNKNOWN, Ordering::Release));
    }

    /// Both parts.
    pub(crate) fn version_now(&self) -> Version {
        Version { hard: self.version(), soft: self.soft() }
    }

    fn soft(&self) -> u64 {
        self.soft.load(Ordering::Acquire)
    }

    /// Since when what has this soft version is stale; `None`: that is not known any more, or it never had that version.
    pub(super) fn stale_since(&self, soft: u64) -> Option<u64> {
        stale_since(&lock(&self.softened), soft)
    }

    pub(super) fn soften(&self, now: u64) {
        let mut softened = lock(&self.softened);
        let next = self.soft().wrapping_add(1);
        if softened.len() >= MAX_SOFTENED {
            softened.remove(0);
        }
        softened.push((next, now));
        // Under the lock, and last: who sees it finds its time.
        CHANGES.make(|| self.soft.store(next, Ordering::Release));
    }

    #[cfg(feature = "backend")]
    pub(super) fn learn(&self, hard: u64, softened: Vec<(u64, u64)>) {
        let soft = softened.last().map_or(0, |(soft, _)| *soft);
        let mut known = lock(&self.softened);
        let before = self.version_now();
        *known = softened;
        if before != (Version { hard, soft }) {
            CHANGES.make(|| {
                self.soft.store(soft, Ordering::Release);
                self.version.store(hard, Ordering::Release);
            });
        }
    }

    pub(super) fn bump(&self) {
        // Release: who sees the new version and loads anew sees what the invalidating thread had written before.
        CHANGES.make(|| self.version.fetch_add(1, Ordering::AcqRel));
    }
}
