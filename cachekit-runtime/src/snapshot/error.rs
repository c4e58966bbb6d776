//! Why a snapshot is not written or not restored.

use std::{io, path::PathBuf};

/// Why a snapshot was not written or not restored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// The file cannot be written or read.
    #[error("the snapshot {path:?} cannot be {action}: {error}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// `written` or `read`.
        action: &'static str,
        /// What happened.
        #[source]
        error: io::Error,
    },
    /// The cache has a backend of bytes.
    #[error(
        "`{cache}` has a backend, where its entries are after a restart too: snapshots are for caches in memory alone"
    )]
    HasBackend {
        /// Name of the cache.
        cache: String,
    },
    /// The file is no snapshot.
    #[error("{path:?} is no snapshot of a cache")]
    Foreign {
        /// Which file.
        path: PathBuf,
    },
    /// Another version of cachekit has written it.
    #[error(
        "the snapshot {path:?} has the format {found}, and this version of cachekit reads only {read}: let the cache fill itself anew"
    )]
    OtherFormat {
        /// Which file.
        path: PathBuf,
        /// Its format.
        found: u8,
        /// The one that is read.
        read: u8,
    },
    /// It is of another cache.
    #[error("the snapshot {path:?} is of the cache `{found}`, not of `{cache}`: give each cache a file of its own")]
    OtherCache {
        /// Which file.
        path: PathBuf,
        /// Name of the cache that it was to be restored into.
        cache: String,
        /// Name of the cache that it is of.
        found: String,
    },
    /// It was written with another codec.
    #[error("the snapshot {path:?} is written in `{found}`, not in `{codec}`: restore it with the codec that wrote it")]
    OtherCodec {
        /// Which file.
        path: PathBuf,
        /// The codec that was to read it.
        codec: &'static str,
        /// The one that wrote it.
        found: String,
    },
    /// Keys or values had another shape then.
    #[error("the snapshot {path:?} of `{cache}` has {what} of another shape or `version` than this program: {why}")]
    OtherShape {
        /// Which file.
        path: PathBuf,
        /// Name of the cache.
        cache: String,
        /// `keys` or `values`.
        what: &'static str,
        /// What to do about it.
        why: &'static str,
    },
    /// It is cut off, or bytes of it have changed.
    #[error("the snapshot {path:?} is damaged at byte {at}: {what}; {restored} entries were restored")]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// Where it was noticed.
        at: u64,
        /// What was noticed.
        what: &'static str,
        /// How many entries had been restored, each of them whole: 0, unless it was changed while it was read.
        restored: u64,
    },
}
