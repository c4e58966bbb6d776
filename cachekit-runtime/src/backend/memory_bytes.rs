//! The simplest backend: entries as bytes in the memory of this process.

use super::{Address, Backend, BackendFuture, Capabilities, Cursor, Failure, Fingerprint, Page, Scanned};
use crate::{
    Error,
    sync::lock,
    time::{Clock, NEVER, duration},
};
use bytes::{BufMut, Bytes, BytesMut};
use std::{collections::BTreeMap, fmt, sync::Mutex, time::Duration};

/// What an entry is counted for beside its id and its bytes: a round figure for the nodes of two trees and the fields.
const OVERHEAD: u64 = 128;

/// A [`Backend`] in the memory of this process, for tests and for sharing bytes between caches of one process.
///
/// It does what the trait says and nothing more: one ordered map under one lock. An entry whose time is over is not found any more, and is freed
/// when someone comes across it or when room is needed. Where the bound in bytes is passed, the entries that were not used for the longest time go
/// first; what is larger than the bound is not kept. For speed name `"memory"` in the attribute, which keeps values and not bytes.
///
/// ```
/// # use cachekit_runtime as cachekit;
/// use cachekit::backend::{Address, Backend, Fingerprint, MemoryBytes};
///
/// # async fn example() -> Result<(), cachekit::Error> {
/// let backend = MemoryBytes::new();
/// let address = Address::new("user", "42", Fingerprint(7));
/// backend.set(&address, "Ada".into(), None).await?;
/// assert_eq!(backend.get(&address).await?, Some("Ada".into()));
/// # Ok(())
/// # }
/// ```
pub struct MemoryBytes {
    clock: Clock,
    max_bytes: u64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    entries: BTreeMap<Address, Entry>,
    /// From the one that was not used for the longest time on.
    by_use: BTreeMap<u64, Address>,
    uses: u64,
    bytes: u64,
}

struct Entry {
    bytes: Bytes,
    /// [`NEVER`]: no end.
    end: u64,
    used: u64,
}

impl MemoryBytes {
    /// The bound of [`new`](Self::new).
    pub const DEFAULT_MAX_BYTES: u64 = 64 << 20;

    /// Empty, with the clock of the process and a bound of 64 MiB.
    #[must_use]
    pub fn new() -> Self {
        MemoryBytes { clock: Clock::system(), max_bytes: Self::DEFAULT_MAX_BYTES, state: Mutex::default() }
    }

    /// With this bound in bytes. An entry counts its id, its bytes and 128 more.
    #[must_use]
    pub fn with_max_bytes(mut self, max_bytes: u64) -> Self {
        self.max_bytes = max_bytes;
        self
    }

    /// With this clock, for the ends of entries.
    #[must_use]
    pub fn with_clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// How many bytes it counts now. What has expired counts until it is freed.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        lock(&self.state).bytes
    }

    fn find(&self, address: &Address) -> Option<Bytes> {
        let now = self.clock.now();
        lock(&self.state).find(address, now)
    }

    fn page(&self, cache: Option<&str>, from: Option<Cursor>, at_most: usize) -> Result<Page, Error> {
        let at_most = at_most.max(1);
        let after = from.as_ref().map(|cursor| self.address_of(cursor)).transpose()?;
        let now = self.clock.now();
        let state = lock(&self.state);
        let first = after.or_else(|| cache.and_then(|cache| least(&format!("{cache}:"))));
        let rest = match &first {
            Some(first) => state.entries.range(first..),
            None => state.entries.range::<Address, _>(..),
        };
        let mut page = Page::default();
        for (address, entry) in rest {
            if cache.is_some_and(|cache| cache != address.cache()) {
                break;
            }
            if page.entries.len() == at_most {
                page.next = Some(cursor_at(address));
                break;
            }
            if entry.end > now {
                let ttl = (entry.end != NEVER).then(|| duration(entry.end - now));
                page.entries.push(Scanned::new(address.clone(), entry.bytes.clone(), ttl));
            }
        }
        Ok(page)
    }

    fn address_of(&self, cursor: &Cursor) -> Result<Address, Error> {
        read_cursor(cursor)
            .ok_or_else(|| Error::backend(self.name(), Failure::Other, "a cursor that is not one of this backend"))
    }
}

impl State {
    fn find(&mut self, address: &Address, now: u64) -> Option<Bytes> {
        let entry = self.entries.get_mut(address)?;
        if entry.end <= now {
            self.remove(address);
            return None;
        }
        self.uses += 1;
        let before = std::mem::replace(&mut entry.used, self.uses);
        let bytes = entry.bytes.clone();
        if let Some(address) = self.by_use.remove(&before) {
            self.by_use.insert(self.uses, address);
        }
        Some(bytes)
    }

    fn insert(&mut self, address: &Address, bytes: Bytes, end: u64, max_bytes: u64) {
        self.remove(address);
        self.uses += 1;
        self.bytes += cost(address, &bytes);
        self.by_use.insert(self.uses, address.clone());
        self.entries.insert(address.clone(), Entry { bytes, end, used: self.uses });
        while self.bytes > max_bytes
            && let Some((_, oldest)) = self.by_use.pop_first()
        {
            self.remove(&oldest);
        }
    }

    fn remove(&mut self, address: &Address) -> Option<Entry> {
        let entry = self.entries.remove(address)?;
        self.by_use.remove(&entry.used);
        self.bytes -= cost(address, &entry.bytes);
        Some(entry)
    }

    /// Removes what comes from `first` on, as far as `belongs` says so.
    fn remove_from(&mut self, first: &Address, belongs: impl Fn(&Address) -> bool) {
        let rest = self.entries.range(first..).map(|(address, _)| address);
        let addresses: Vec<Address> = rest.take_while(|address| belongs(address)).cloned().collect();
        for address in addresses {
            self.remove(&address);
        }
    }
}

fn cost(address: &Address, bytes: &Bytes) -> u64 {
    (address.id().len() + bytes.len()) as u64 + OVERHEAD
}

fn least(id: &str) -> Option<Address> {
    Address::from_id(id, Fingerprint(0))
}

fn cursor_at(address: &Address) -> Cursor {
    let mut bytes = BytesMut::with_capacity(address.id().len() + 8);
    bytes.put_u64(address.fingerprint().0);
    bytes.put_slice(address.id().as_bytes());
    Cursor(bytes.freeze())
}

fn read_cursor(cursor: &Cursor) -> Option<Address> {
    let (fingerprint, id) = cursor.0.split_first_chunk::<8>()?;
    Address::from_id(std::str::from_utf8(id).ok()?, Fingerprint(u64::from_be_bytes(*fingerprint)))
}

impl Backend for MemoryBytes {
    fn name(&self) -> &str {
        "memory-bytes"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::new(false, false, true)
    }

    fn get<'a>(&'a self, address: &'a Address) -> BackendFuture<'a, Option<Bytes>> {
        Box::pin(async move { Ok(self.find(address)) })
    }

    fn set<'a>(&'a self, address: &'a Address, bytes: Bytes, ttl: Option<Duration>) -> BackendFuture<'a, ()> {
        Box::pin(async move {
            let end = ttl.map_or(NEVER, |ttl| self.clock.after(ttl));
            lock(&self.state).insert(address, bytes, end, self.max_bytes);
            Ok(())
        })
    }

    fn remove<'a>(&'a self, address: &'a Address) -> BackendFuture<'a, bool> {
        Box::pin(async move {
            let now = self.clock.now();
            Ok(lock(&self.state).remove(address).is_some_and(|entry| entry.end > now))
        })
    }

    fn remove_many<'a>(&'a self, addresses: &'a [Address]) -> BackendFuture<'a, ()> {
        Box::pin(async move {
            let mut state = lock(&self.state);
            for address in addresses {
                state.remove_from(&address.with_fingerprint(Fingerprint(0)), |other| other.id() == address.id());
            }
            Ok(())
        })
    }

    fn clear<'a>(&'a self, cache: &'a str) -> BackendFuture<'a, ()> {
        Box::pin(async move {
            if let Some(first) = least(&format!("{cache}:")) {
                lock(&self.state).remove_from(&first, |address| address.cache() == cache);
            }
            Ok(())
        })
    }

    fn scan<'a>(&'a self, cache: Option<&'a str>, from: Option<Cursor>, at_most: usize) -> BackendFuture<'a, Page> {
        Box::pin(async move { self.page(cache, from, at_most) })
    }

    fn ping(&self) -> BackendFuture<'_, ()> {
        Box::pin(async { Ok(()) })
    }
}

impl Default for MemoryBytes {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryBytes").field("bytes", &self.bytes()).field("max_bytes", &self.max_bytes).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{background::block_on, time::TestClock};

    fn address(arguments: &str) -> Address {
        Address::new("cache", arguments, Fingerprint(1))
    }

    fn set(backend: &MemoryBytes, arguments: &str, length: usize, ttl: Option<Duration>) {
        assert_eq!(block_on(backend.set(&address(arguments), vec![1; length].into(), ttl)), Ok(()));
    }

    fn has(backend: &MemoryBytes, arguments: &str) -> bool {
        matches!(block_on(backend.get(&address(arguments))), Ok(Some(_)))
    }

    #[test]
    fn what_was_not_used_for_the_longest_time_makes_room() {
        let backend = MemoryBytes::new().with_max_bytes(4 * (1_000 + OVERHEAD));
        for arguments in ["a", "b", "c"] {
            set(&backend, arguments, 1_000, None);
        }
        assert!(has(&backend, "a"));
        set(&backend, "d", 1_000, None);
        assert!(!has(&backend, "b"), "the bound is passed by the ids, and `b` is the oldest");
        assert!(["a", "c", "d"].iter().all(|arguments| has(&backend, arguments)));
        assert!(backend.bytes() <= 4 * (1_000 + OVERHEAD));
    }

    #[test]
    fn what_is_larger_than_the_bound_is_not_kept_and_replaces_what_was_there() {
        let backend = MemoryBytes::new().with_max_bytes(1_000);
        set(&backend, "a", 10, None);
        set(&backend, "a", 1_000, None);
        assert!(!has(&backend, "a"));
        assert_eq!(backend.bytes(), 0);
    }

    #[test]
    fn what_leaves_is_not_counted_any_more() {
        let clock = TestClock::new();
        let backend = MemoryBytes::new().with_clock(clock.clock());
        for round in 0..10 {
            set(&backend, "a", 100 * round, Some(Duration::from_secs(1)));
            set(&backend, "b", 10, None);
        }
        clock.advance(Duration::from_secs(1));
        assert!(!has(&backend, "a"));
        assert_eq!(backend.bytes(), "cache:b".len() as u64 + 10 + OVERHEAD);
        assert_eq!(block_on(backend.clear("cache")), Ok(()));
        assert_eq!(backend.bytes(), 0);
        assert!(lock(&backend.state).by_use.is_empty());
    }

    #[test]
    fn a_cursor_of_elsewhere_is_refused() {
        let backend = MemoryBytes::new();
        for cursor in ["", "short", "12345678no colon"] {
            let page = block_on(backend.scan(None, Some(Cursor(cursor.into())), 1));
            assert!(matches!(page, Err(Error::Backend { failure: Failure::Other, .. })), "{cursor}");
        }
    }

    #[test]
    fn pages_are_as_long_as_asked_for() {
        let backend = MemoryBytes::new();
        (0..5).for_each(|n| set(&backend, &n.to_string(), 1, None));
        let page = block_on(backend.scan(None, None, 2)).unwrap_or_default();
        assert_eq!((page.entries.len(), page.next.is_some()), (2, true));
        let page = block_on(backend.scan(None, None, 5)).unwrap_or_default();
        assert_eq!((page.entries.len(), page.next.is_some()), (5, false));
    }
}
