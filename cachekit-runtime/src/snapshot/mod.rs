//! The entries of a cache in memory as a file, and back (feature `backend`): what a process had computed is there after a restart.
//!
//! [`Cache::snapshot`](crate::Cache::snapshot) writes it, [`Cache::restore`](crate::Cache::restore) reads it. Both are for caches that are in memory alone: what has a backend of
//! bytes finds its entries there. The cache of an annotated function is had by its companion, `user::cache()`, that of a method by its handle.
//!
//! ```
//! # use cachekit_runtime as cachekit;
//! use cachekit::Cache;
//! use std::time::Duration;
//!
//! let path = std::env::temp_dir().join(format!("squares-{}.snapshot", std::process::id()));
//! let build = || Cache::<u64, u64>::builder().name("squares").ttl(Duration::from_secs(3600)).build();
//!
//! let before = build();
//! before.get_or_compute(&12, || 144);
//! assert_eq!(before.snapshot(&path)?.entries, 1);
//!
//! let after = build(); // in the next process
//! assert_eq!(after.restore(&path)?.entries, 1);
//! assert_eq!(after.get(&12), Some(144));
//! # std::fs::remove_file(&path)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What is kept
//!
//! - Fresh entries, each with its key, value, tags, age, what is left of its ttl, and how long it has not been used. Time goes on while the file lies there, by the
//!   clock on the wall: what has expired meanwhile is not restored. Where that clock was set back beyond the moment of the snapshot, nothing that has a ttl or an idle time is.
//! - The order in which they were used, where the strategy stamps uses (`lru`, `lirs`), and how often each was hit, where it counts (all others but `fifo`), up to 255. Of the queues
//!   of a strategy only what follows from these: entries come back from the coldest to the hottest.
//!
//! # What is checked
//!
//! A file is of one cache: its name, the shapes of keys and values as in [`identity`](crate::identity), the codec and the `version`. Anything else is refused, and so is a file
//! that is cut off or changed, before the first entry is restored. What the codec cannot carry, or reads no more, is left out and counted.
//!
//! # What is not known
//!
//! A snapshot is a copy. What is invalidated after it was taken comes back with it: take it when the process ends, and restore it before the first
//! calls. What is invalidated or inserted *while* it is restored wins, and so does what is in the cache already.
//!
//! # In the statistics
//!
//! Restored entries count in `entries` and `weight` at once, and among the removals when they go, or when they push others out. They are no calls, no loads and no
//! refusals; how many there were is what `restore` returns. Writing a snapshot counts as no use.

mod error;
mod read;
mod record;
#[cfg(test)]
mod tests;
mod write;

pub use error::SnapshotError;
pub(crate) use read::Source;
pub(crate) use record::{Header, Record};
pub(crate) use write::Target;

/// The first bytes of a snapshot.
const MAGIC: [u8; 7] = *b"cksnap\n";

/// The layout that this version writes, and the only one that it reads.
const FORMAT: u8 = 1;

/// About so many bytes stand under one checksum. A larger entry has a block of its own.
const BLOCK: usize = 64 << 10;

/// What was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Snapshot {
    /// Entries in the file.
    pub entries: u64,
    /// Entries that the codec cannot carry, and which are therefore not in it.
    pub unwritable: u64,
    /// How long the file is.
    pub bytes: u64,
}

/// What became of the entries of a snapshot. Together they are all that it has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Restored {
    /// Entries that were stored. Where the cache is smaller than the one that wrote them, some have pushed out others.
    pub entries: u64,
    /// Those whose time was over.
    pub expired: u64,
    /// Those that were there already, with a value that is newer.
    pub present: u64,
    /// Those that were invalidated or overwritten meanwhile (of those with tags all, once any tag of the process is invalidated), that weigh too much, or that a cache which is switched off, or of capacity 0, does not take.
    pub refused: u64,
    /// Those that the codec does not read.
    pub unreadable: u64,
}
