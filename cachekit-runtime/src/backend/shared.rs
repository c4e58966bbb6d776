//! What it takes to share entries between processes: a fill with a witness, a fill lock, generations.
//!
//! A reader that finds nothing leaves a marker; the marker, or the head of what is there, is its [`Witness`]. It stores only if the witness is still
//! in place, which an invalidation by anyone removes. So nothing is stored that was computed before an invalidation, by whatever process; eviction, a
//! lost lease and a late write all end in nothing being stored.

use super::{Address, Backend, BackendFuture, Watcher, together::some};
use crate::Error;
use bytes::Bytes;
use std::{sync::Arc, time::Duration};

/// The length of a head: what every envelope, marker and lock begins with.
pub const HEAD: usize = 24;

/// The head that a fill has seen, and that has to be in place still when it stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Witness(pub [u8; HEAD]);

/// What a look found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Looked {
    /// What is there: an envelope, a marker, a lock or a tombstone, told apart by the head.
    pub bytes: Option<Bytes>,
    /// The generation of the cache: an envelope that names another is invalid. `None`: there is none, so that every envelope is.
    pub generation: Option<u64>,
}

impl Looked {
    /// What a look found.
    #[must_use]
    pub fn new(bytes: Option<Bytes>, generation: Option<u64>) -> Self {
        Looked { bytes, generation }
    }
}

/// What became of the wish to fill.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Claim {
    /// Ours is in place now.
    Ours,
    /// Something else is there: an envelope, or the marker or lock of another.
    Theirs(Bytes),
}

/// One of several stores; as the arguments of [`SharedBackend::store`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Storing {
    /// Where.
    pub address: Address,
    /// What has to be in place.
    pub witness: Witness,
    /// `None`: that is removed.
    pub bytes: Option<Bytes>,
    /// How long it lives; `None`: no end.
    pub ttl: Option<Duration>,
}

impl Storing {
    /// A store.
    #[must_use]
    pub fn new(address: Address, witness: Witness, bytes: Option<Bytes>, ttl: Option<Duration>) -> Self {
        Storing { address, witness, bytes, ttl }
    }
}

/// The version of a tag, as a backend has it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Version {
    /// Another one makes every entry invalid that has the tag.
    pub hard: u64,
    /// How often the tag was [made stale](SharedBackend::soften_tags) since it has the hard version: the latest times, at most [`Version::SOFTENED`], oldest first. Each number
    /// is larger than the one before; above its lowest 16 bits are the milliseconds of the backend's clock since the Unix epoch.
    pub softened: Vec<u64>,
}

impl Version {
    /// How many times are kept: an entry that was made stale so often without having been loaded anew is invalid.
    pub const SOFTENED: usize = crate::tags::MAX_SOFTENED;

    /// A version that was never made stale.
    #[must_use]
    pub fn new(hard: u64) -> Self {
        Version { hard, softened: Vec::new() }
    }

    /// Made stale at these times.
    #[must_use]
    pub fn softened(self, times: impl IntoIterator<Item = u64>) -> Self {
        Version { softened: times.into_iter().collect(), ..self }
    }

    /// Made stale once more, at this time in milliseconds.
    #[must_use]
    pub fn softened_at(mut self, milliseconds: u64, random: u16) -> Self {
        let last = self.softened.last().map_or(0, |last| last >> 16);
        let now = milliseconds.max(last + 1) & (u64::MAX >> 16);
        if self.softened.len() >= Self::SOFTENED {
            self.softened.drain(..=self.softened.len() - Self::SOFTENED);
        }
        self.softened.push(now << 16 | u64::from(random));
        self
    }

    /// The soft version; 0: it was never made stale.
    #[must_use]
    pub fn soft(&self) -> u64 {
        self.softened.last().copied().unwrap_or(0)
    }
}

/// What became of each of several, in their order: where a part of a backend fails, what the others have done stays done. That all failed is one error of the whole instead.
pub type Each<T> = Vec<Result<T, Error>>;

/// A backend that several processes share.
pub trait SharedBackend: Backend {
    /// Reads the entry and the generation of its cache, both as of one moment after the call began.
    fn look<'a>(&'a self, address: &'a Address) -> BackendFuture<'a, Looked>;

    /// The generation of the entry's cache, as a [look](Self::look) at the entry says it, made if there is none; it lives at least `ttl` longer.
    fn generation<'a>(&'a self, address: &'a Address, ttl: Duration) -> BackendFuture<'a, u64>;

    /// Takes the generation of the cache away, which makes every entry of it invalid at once for those who compare it. What the entries take up may
    /// be freed later, in the background.
    fn invalidate_all<'a>(&'a self, cache: &'a str) -> BackendFuture<'a, ()> {
        self.clear(cache)
    }

    /// Puts a marker or lock where nothing is; it goes by itself after `ttl`.
    fn claim<'a>(&'a self, address: &'a Address, head: Witness, ttl: Duration) -> BackendFuture<'a, Claim>;

    /// As [`claim`](Self::claim) in place of what begins with `seen`. `false`: that is not there any more.
    fn replace<'a>(
        &'a self,
        address: &'a Address,
        seen: Witness,
        head: Witness,
        ttl: Duration,
    ) -> BackendFuture<'a, bool>;

    /// Prolongs a lock that is still ours.
    fn renew<'a>(&'a self, address: &'a Address, head: Witness, ttl: Duration) -> BackendFuture<'a, bool>;

    /// Stores in place of what begins with the witness, or removes that (`None`). `false`: it is not there any more, and nothing was stored.
    fn store<'a>(
        &'a self,
        address: &'a Address,
        witness: Witness,
        bytes: Option<Bytes>,
        ttl: Option<Duration>,
    ) -> BackendFuture<'a, bool>;

    /// As [`look`](Self::look) at several entries of one cache, in their order. Cachekit asks for at most 512 at once; a backend that can answers them in
    /// one round trip. Without an implementation of its own: as many looks at the same time.
    fn look_many<'a>(&'a self, addresses: &'a [Address]) -> BackendFuture<'a, Each<Looked>> {
        some(addresses.iter().map(|address| self.look(address)).collect())
    }

    /// As [`claim`](Self::claim) for several entries; as [`look_many`](Self::look_many).
    fn claim_many<'a>(&'a self, claims: &'a [(Address, Witness)], ttl: Duration) -> BackendFuture<'a, Each<Claim>> {
        some(claims.iter().map(|(address, head)| self.claim(address, *head, ttl)).collect())
    }

    /// As [`store`](Self::store) of several entries; as [`look_many`](Self::look_many).
    fn store_many<'a>(&'a self, stores: &'a [Storing]) -> BackendFuture<'a, Each<bool>> {
        let store = |one: &'a Storing| self.store(&one.address, one.witness, one.bytes.clone(), one.ttl);
        some(stores.iter().map(store).collect())
    }

    /// As [`remove_many`](Backend::remove_many), and says of each whether it is done.
    fn invalidate_many<'a>(&'a self, addresses: &'a [Address]) -> BackendFuture<'a, Each<()>> {
        Box::pin(async move {
            self.remove_many(addresses).await?;
            Ok(addresses.iter().map(|_| Ok(())).collect())
        })
    }

    /// Do its servers fail each for itself, and does it leave out those that do? Then one that fails says nothing of the others, and the [breaker](crate::breaker) that all
    /// caches share for a backend counts no failure of theirs. Asked after each failure.
    fn judges_itself(&self) -> bool {
        false
    }

    /// Makes known that programs of this fingerprint use the cache, so that invalidations reach their entries. Before the first fill, and now and
    /// then.
    fn announce<'a>(&'a self, cache: &'a str, fingerprint: super::Fingerprint) -> BackendFuture<'a, ()>;

    /// The head of the entry and the generation of its cache, as [`look`](Self::look) with no more bytes than a head.
    fn look_at_head<'a>(&'a self, address: &'a Address) -> BackendFuture<'a, Looked> {
        Box::pin(async move {
            let mut looked = self.look(address).await?;
            looked.bytes = looked.bytes.map(|bytes| bytes.slice(..bytes.len().min(HEAD)));
            Ok(looked)
        })
    }

    /// The versions of these tags, in their order; `None`: there is none now.
    fn tags<'a>(&'a self, tags: &'a [&'a str]) -> BackendFuture<'a, Vec<Option<Version>>>;

    /// As [`tags`](Self::tags), and makes those that are not there, with versions that nobody has had. Each lives at least `ttl` longer.
    fn make_tags<'a>(&'a self, tags: &'a [&'a str], ttl: Duration) -> BackendFuture<'a, Vec<Version>>;

    /// Takes the versions of these tags away, which makes every entry that has one of them invalid for those who compare it.
    fn invalidate_tags<'a>(&'a self, tags: &'a [&'a str]) -> BackendFuture<'a, ()>;

    /// Gives each of these tags that is there another [soft version](Version::softened), which makes every entry that has it stale for those who compare it. Watchers are
    /// told as of an invalidation. Without an implementation of its own it is one.
    fn soften_tags<'a>(&'a self, tags: &'a [&'a str]) -> BackendFuture<'a, ()> {
        self.invalidate_tags(tags)
    }

    /// Tells the watchers of all processes that the entry has changed, and leaves it as it is.
    fn signal<'a>(&'a self, address: &'a Address) -> BackendFuture<'a, ()> {
        let _ = address;
        Box::pin(async { Ok(()) })
    }

    /// Takes the right to refresh what begins with `seen`, for so long, unless another has it. It is no right to what is stored in its place, which may be due for a
    /// refresh before that time is over.
    fn lease<'a>(&'a self, address: &'a Address, seen: Witness, ttl: Duration) -> BackendFuture<'a, bool>;

    /// By how many milliseconds the clock that tells how old the entry is, which is the same for all processes, is ahead of this machine's, as far as that is
    /// known.
    fn ahead(&self, address: &Address) -> i64 {
        let _ = address;
        0
    }

    /// What that clock says now, as the time since 1970, if that takes fewer readings than this machine's time and [`ahead`](Self::ahead): every look asks.
    fn time(&self, address: &Address) -> Option<Duration> {
        let _ = address;
        None
    }

    /// As [`ahead`](Self::ahead), of the clock by which a tag was [made stale](Self::soften_tags).
    fn ahead_of_tag(&self, tag: &str) -> i64 {
        let _ = tag;
        0
    }

    /// How many [parts](Self::part) it has; at least one.
    fn parts(&self) -> u16 {
        1
    }

    /// The part that an [id](Address::id) belongs to, less than [`parts`](Self::parts): what the backend tells about an entry it tells with its part.
    fn part(&self, id: &str) -> u16 {
        let _ = id;
        0
    }

    /// As [`part`](Self::part), of the generation of a cache.
    fn part_of_cache(&self, cache: &str) -> u16 {
        let _ = cache;
        0
    }

    /// As [`part`](Self::part), of a tag.
    fn part_of_tag(&self, tag: &str) -> u16 {
        let _ = tag;
        0
    }

    /// From now on tells the watcher, for as long as both live. `false`: it cannot, and copies of its entries are good for no longer than they are kept.
    fn watch(&self, watcher: &Arc<dyn Watcher>) -> bool {
        let _ = watcher;
        false
    }

    /// Ends when the watchers have been told of all that had happened when this began.
    fn told(&self) -> BackendFuture<'_, ()> {
        Box::pin(async { Ok(()) })
    }
}
