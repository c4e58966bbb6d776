//! A backend on disk: entries outlive the process.
//!
//! `layout` says how they are written, `batch` gathers changes, `writer` is the one thread that writes them, `store` the tables of redb, `open` what
//! happens before, `core` what callers and thread share.

mod batch;
mod core;
mod failure;
#[cfg(feature = "inspect")]
pub(crate) mod inspect;
mod layout;
mod open;
mod owner;
mod store;
mod ticket;
mod wall_time;
mod writer;

use self::{
    core::Core,
    layout::{HEADER, Header, NEVER},
    store::Rows,
    wall_time::{Wall, WallTime, millis},
};
use super::{Address, Backend, BackendFuture, Capabilities, Cursor, Failure, Page, Scanned};
use crate::{Error, time::Clock};
use bytes::Bytes;
use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

/// What messages call it.
const NAME: &str = "file";

/// A [`Backend`] in a folder of this machine, by [redb](https://docs.rs/redb), for one process at a time.
///
/// **Stores** return at once and are seen at once; a thread of the backend's own writes what has gathered in one transaction. What was stored is on
/// the disk a second later, after [`flush`](Backend::flush), or when the backend is dropped, whichever is first. A crash before that loses it, and what
/// it had replaced is found again: who needs an end of the old value invalidates.
///
/// **Invalidations** (`remove_many`, `clear`) return when they are on the disk: nothing that was there before is found after a crash. One that fails,
/// because the disk is full, is an error, is held in memory, and is written when it can be; while the process lives, nothing of what it names is found.
///
/// **Looks** read on the caller's thread, from a snapshot that waits for no writer. What is not in memory comes from the disk, which for one entry is
/// short; nothing else waits for the disk on a caller's thread.
///
/// **The bound** counts ids, envelopes and a round figure for the trees; the file is larger (8.9 MB were seen at a bound of 2 MiB), and does not shrink.
/// Entries that were not used for the longest time go first; uses by reading are noted in steps of a minute.
///
/// **Time**: entries end by the wall clock, in milliseconds. While the process runs, a clock that steps back is ignored, and one that steps forward
/// is followed. If at the opening the clock is more than ten seconds behind the last time the store has seen, all entries with an end are dropped, since
/// nobody knows their age. A clock that was set back while the store was closed, to a time after its last use, is not noticed: entries live longer by that step.
///
/// **Trouble**: where the folder cannot be used, the operations fail with a clear line, and every second the backend tries again. A second
/// process gets [`Failure::Busy`] and a line that names the first, and takes over when that has ended. A full disk refuses stores
/// ([`Failure::NotWritable`]) and goes on to answer looks. A damaged file is repaired, or moved aside (`damaged.redb`) and begun anew. A store that a
/// later version has written is left alone ([`Failure::Misconfigured`]).
///
/// The folder is made with the permissions 0700 and the files with 0600.
///
/// ```
/// # use cachekit_runtime as cachekit;
/// use cachekit::backend::{Address, Backend, FileBackend, Fingerprint};
///
/// # async fn example() -> Result<(), cachekit::Error> {
/// let backend = FileBackend::builder("/var/cache/service").max_bytes(1 << 30).open();
/// let address = Address::new("user", "42", Fingerprint(7));
/// backend.set(&address, "Ada".into(), None).await?;
/// backend.flush().await?;
/// # Ok(())
/// # }
/// ```
pub struct FileBackend {
    core: Arc<Core>,
}

/// Settings of a [`FileBackend`]; made by [`FileBackend::builder`].
#[derive(Clone)]
pub struct FileBuilder {
    config: Config,
    clock: Clock,
    wall: Wall,
}

#[derive(Debug, Clone)]
struct Config {
    folder: PathBuf,
    max_bytes: u64,
    page_cache: usize,
    sweep_every: Duration,
}

impl FileBackend {
    /// The bound of a backend that is not given one: 1 GiB.
    pub const DEFAULT_MAX_BYTES: u64 = 1 << 30;
    /// The memory for pages of the file, where nothing else is said: 16 MiB.
    pub const DEFAULT_PAGE_CACHE: usize = 16 << 20;

    /// In this folder, which is made if it is not there.
    pub fn builder(folder: impl AsRef<Path>) -> FileBuilder {
        FileBuilder {
            config: Config {
                folder: folder.as_ref().to_owned(),
                max_bytes: Self::DEFAULT_MAX_BYTES,
                page_cache: Self::DEFAULT_PAGE_CACHE,
                sweep_every: Duration::from_secs(10),
            },
            clock: Clock::system(),
            wall: Arc::new(SystemTime::now),
        }
    }

    fn value(&self, bytes: &[u8], ttl: Option<Duration>) -> Bytes {
        let now = self.core.time.now();
        let end = ttl.map_or(NEVER, |ttl| now.saturating_add(millis(ttl)));
        Header { end, used: now }.write(bytes).into()
    }

    async fn page(&self, cache: Option<&str>, from: Option<Cursor>, at_most: usize) -> Result<Page, Error> {
        // What waits to be written is to be met. Where nothing can be written, what was written is met nevertheless.
        if self.core.ping().await.is_ok() {
            self.core.written(false).await?;
        }
        let snapshot = self.core.snapshot().await?;
        let prefix = cache.map(layout::prefix_of_cache);
        let until = prefix.as_deref().map(layout::beyond);
        let from = match &from {
            Some(Cursor(key)) if layout::read_key(key).is_none() => {
                return Err(Error::backend(NAME, Failure::Other, "a cursor that is not one of this backend"));
            }
            Some(Cursor(key)) => key.as_ref(),
            None => prefix.as_deref().unwrap_or_default(),
        };
        let now = self.core.time.now();
        let scanned = snapshot.scan(from, until.as_deref(), at_most.max(1), now);
        let Rows { rows, next } = scanned.map_err(|trouble| self.core.report(trouble))?;
        let entries = rows.into_iter().filter(|(key, _)| !self.core.is_gone(key)).filter_map(|(key, value)| {
            let (header, _) = Header::read(&value)?;
            let ttl = (header.end != NEVER).then(|| Duration::from_millis(header.end.saturating_sub(now)));
            Some(Scanned::new(layout::read_key(&key)?, value.slice(HEADER..), ttl))
        });
        Ok(Page::new(entries.collect(), next.map(|key| Cursor(key.into_vec().into()))))
    }
}

impl FileBuilder {
    /// The bound in bytes; see [`FileBackend`] for what counts. What alone is larger is not kept.
    #[must_use]
    pub fn max_bytes(mut self, max_bytes: u64) -> Self {
        self.config.max_bytes = max_bytes;
        self
    }

    /// The memory that redb may use for pages of the file, in bytes.
    #[must_use]
    pub fn page_cache(mut self, bytes: usize) -> Self {
        self.config.page_cache = bytes;
        self
    }

    /// How often entries whose time is over are looked for, some thousands at a time. Default: ten seconds.
    #[must_use]
    pub fn sweep_every(mut self, pause: Duration) -> Self {
        self.config.sweep_every = pause;
        self
    }

    /// With this clock in place of the process's monotonic one. For tests.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// With this in place of [`SystemTime::now`]. For tests.
    #[must_use]
    pub fn wall_clock(mut self, now: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        self.wall = Arc::new(now);
        self
    }

    /// The backend. It opens the store when it is first used, so that this never fails.
    #[must_use]
    pub fn open(self) -> FileBackend {
        FileBackend { core: Core::new(self.config, WallTime::new(self.clock, self.wall)) }
    }
}

impl Backend for FileBackend {
    fn name(&self) -> &str {
        NAME
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::new(true, false, true)
    }

    fn get<'a>(&'a self, address: &'a Address) -> BackendFuture<'a, Option<Bytes>> {
        Box::pin(self.core.get(layout::key(address)))
    }

    fn get_many<'a>(&'a self, addresses: &'a [Address]) -> BackendFuture<'a, Vec<Option<Bytes>>> {
        Box::pin(self.core.get_many(addresses.iter().map(layout::key).collect()))
    }

    fn set<'a>(&'a self, address: &'a Address, bytes: Bytes, ttl: Option<Duration>) -> BackendFuture<'a, ()> {
        Box::pin(async move {
            let (key, value) = (layout::key(address), self.value(&bytes, ttl));
            let fits = layout::cost(&key, &value) <= self.core.config.max_bytes;
            self.core.set(key, fits.then_some(value)).await
        })
    }

    fn remove<'a>(&'a self, address: &'a Address) -> BackendFuture<'a, bool> {
        Box::pin(self.core.remove(layout::key(address)))
    }

    fn remove_many<'a>(&'a self, addresses: &'a [Address]) -> BackendFuture<'a, ()> {
        Box::pin(async move {
            if addresses.is_empty() {
                return Ok(());
            }
            self.core.invalidate(addresses, None).await
        })
    }

    fn clear<'a>(&'a self, cache: &'a str) -> BackendFuture<'a, ()> {
        Box::pin(self.core.invalidate(&[], Some(cache)))
    }

    fn scan<'a>(&'a self, cache: Option<&'a str>, from: Option<Cursor>, at_most: usize) -> BackendFuture<'a, Page> {
        Box::pin(self.page(cache, from, at_most))
    }

    fn ping(&self) -> BackendFuture<'_, ()> {
        Box::pin(self.core.ping())
    }

    fn flush(&self) -> BackendFuture<'_, ()> {
        Box::pin(self.core.written(true))
    }
}

impl Drop for FileBackend {
    /// Writes what is left and closes the store, which waits for the disk.
    fn drop(&mut self) {
        self.core.close();
    }
}

impl fmt::Debug for FileBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileBackend").field("folder", &self.core.config.folder).finish_non_exhaustive()
    }
}

impl fmt::Debug for FileBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileBuilder").field("config", &self.config).finish_non_exhaustive()
    }
}
