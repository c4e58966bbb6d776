//! Places outside of the process's typed memory that hold entries as bytes.
//!
//! One trait, [`Backend`], for all of them. It knows nothing of keys, values or times of the caches above: an entry is an [`Address`] and an
//! envelope of bytes, with a time after which the backend may drop it.
//!
//! Backends that several processes share offer more, as [`SharedBackend`]: what it takes to store nothing that an invalidation elsewhere has made
//! stale meanwhile.

mod address;
#[cfg(feature = "file")]
pub(crate) mod file;
mod forward;
mod memory_bytes;
#[cfg(feature = "redis")]
pub mod redis;
mod shared;
mod together;
mod watch;

pub use address::{Address, Fingerprint};
#[cfg(feature = "file")]
pub use file::{FileBackend, FileBuilder};
pub use memory_bytes::MemoryBytes;
pub use shared::{Claim, Each, HEAD, Looked, SharedBackend, Storing, Version, Witness};
pub(crate) use together::each;
#[cfg(feature = "redis")]
use together::unless_all_failed;
pub use watch::{News, Parts, Watcher};

use crate::Error;
use bytes::Bytes;
use std::{fmt, future::Future, pin::Pin, time::Duration};

/// What the methods of a [`Backend`] return.
pub type BackendFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'a>>;

/// A place that holds entries as bytes.
///
/// All methods are called concurrently. None is called with a lock of cachekit held. A future may be dropped at any point, when the caller's time is
/// up: what it has begun may then be done or not, but nothing may be left half done or unusable.
///
/// The caches above bring single flight, deadlines, breakers, envelopes and checksums. A backend reports its failures as they are
/// ([`Error::backend`]) and does not try again by itself.
///
/// `testing::backend_suite!` checks an implementation.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no backend",
    label = "does not implement `cachekit::backend::Backend`",
    note = "the backends of cachekit are the strings `\"memory\"`, `\"file\"` and `\"redis\"`; anything else is a value of a type that implements `Backend`, or a static, `Arc` or `LazyLock` of one"
)]
pub trait Backend: Send + Sync + 'static {
    /// What messages and statistics call it: `"file"`, `"redis"`.
    fn name(&self) -> &str;

    /// What it can do beyond the methods.
    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }

    /// The bytes at the address, unless their time is over.
    fn get<'a>(&'a self, address: &'a Address) -> BackendFuture<'a, Option<Bytes>>;

    /// As [`get`](Self::get) for several, in their order.
    fn get_many<'a>(&'a self, addresses: &'a [Address]) -> BackendFuture<'a, Vec<Option<Bytes>>> {
        Box::pin(async move {
            let mut found = Vec::with_capacity(addresses.len());
            for address in addresses {
                found.push(self.get(address).await?);
            }
            Ok(found)
        })
    }

    /// Stores the bytes in place of what is there; they may be dropped after `ttl`, and are not to be found any more then. `None`: no end.
    fn set<'a>(&'a self, address: &'a Address, bytes: Bytes, ttl: Option<Duration>) -> BackendFuture<'a, ()>;

    /// Removes the entry at this very address. Was there one?
    fn remove<'a>(&'a self, address: &'a Address) -> BackendFuture<'a, bool>;

    /// Invalidates: removes the entries of these addresses' [ids](Address::id) under every fingerprint. When it returns, nothing of them is found by
    /// anyone, also after a restart.
    fn remove_many<'a>(&'a self, addresses: &'a [Address]) -> BackendFuture<'a, ()>;

    /// Removes all entries of the cache, under every fingerprint. When it returns, nothing of them is found by anyone, also after a restart.
    fn clear<'a>(&'a self, cache: &'a str) -> BackendFuture<'a, ()>;

    /// Some of the entries, of one cache or of all, with what is left of their time. From the start without a cursor, else on from a page's
    /// [`next`](Page::next). Entries that are there from the first page to the last come at least once; others may.
    fn scan<'a>(&'a self, cache: Option<&'a str>, from: Option<Cursor>, at_most: usize) -> BackendFuture<'a, Page>;

    /// Is it there, and does it answer?
    fn ping(&self) -> BackendFuture<'_, ()>;

    /// Waits until what was stored is as durable as the backend makes it.
    fn flush(&self) -> BackendFuture<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    /// The further abilities of a backend that several processes share.
    fn shared(&self) -> Option<&dyn SharedBackend> {
        None
    }
}

/// What a [`Backend`] can do. Default: nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Capabilities {
    /// Entries are there after a restart of the process.
    pub durable: bool,
    /// Other processes see the same entries.
    pub shared: bool,
    /// The futures need no runtime and wait for no other machine, so that sync callers may drive them on their own thread. Looks and stores are ready
    /// when they are first polled, once the backend is open; `scan`, `flush` and what has to be durable may wait for the disk.
    pub immediate: bool,
}

impl Capabilities {
    /// With these abilities.
    #[must_use]
    pub const fn new(durable: bool, shared: bool, immediate: bool) -> Self {
        Capabilities { durable, shared, immediate }
    }
}

/// Where a scan goes on. Only the backend that made it understands it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor(pub Bytes);

/// Some entries of a scan.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Page {
    /// The entries.
    pub entries: Vec<Scanned>,
    /// Where to go on; `None`: that was all.
    pub next: Option<Cursor>,
}

impl Page {
    /// A page.
    #[must_use]
    pub fn new(entries: Vec<Scanned>, next: Option<Cursor>) -> Self {
        Page { entries, next }
    }
}

/// An entry that a scan met.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Scanned {
    /// Where it is.
    pub address: Address,
    /// Its envelope.
    pub bytes: Bytes,
    /// What is left of its time; `None`: no end.
    pub ttl: Option<Duration>,
}

impl Scanned {
    /// An entry that was met.
    #[must_use]
    pub fn new(address: Address, bytes: Bytes, ttl: Option<Duration>) -> Self {
        Scanned { address, bytes, ttl }
    }
}

/// In what way a backend failed, which decides what the caches above do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Failure {
    /// No connection, or it was lost. Counts towards the breaker.
    Unreachable,
    /// No answer in time. Counts towards the breaker.
    Timeout,
    /// It does not take entries now: out of memory or disk, a replica, read-only. Reads go on, fills stop for a while.
    NotWritable,
    /// Busy with starting or moving: will be back by itself. No failure in the breaker's sense.
    Busy,
    /// The configuration is wrong: address, scheme, credentials, folder. Said once, loudly; the calls run uncached.
    Misconfigured,
    /// It answered something that makes no sense.
    Protocol,
    /// Everything else. Counts towards the breaker.
    Other,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Failure::Unreachable => "unreachable",
            Failure::Timeout => "no answer in time",
            Failure::NotWritable => "takes no entries",
            Failure::Busy => "busy",
            Failure::Misconfigured => "misconfigured",
            Failure::Protocol => "a senseless answer",
            Failure::Other => "failed",
        })
    }
}
