//! The load under which the process of the file backend is killed, and what it promises: each change is said before it begins, and what is durable is said
//! when it is done. From what was said before a kill follows what may be found after it.

use bytes::Bytes;
use cachekit_runtime::backend::{Address, Fingerprint};

/// One a thread.
pub const CACHES: usize = 2;
/// Of each cache.
pub const KEYS: usize = 24;

/// The entry of this number.
#[must_use]
pub fn address(cache: usize, key: usize) -> Address {
    Address::new(&format!("cache{cache}"), &key.to_string(), Fingerprint(1))
}

/// A value that says what it is, of a length that depends on it; now and then larger than a page.
#[must_use]
pub fn value(cache: usize, key: usize, version: u64) -> Bytes {
    let length = if version.is_multiple_of(50) { 30_000 } else { version as usize % 700 };
    let mut text = format!("{cache} {key} {version} ").into_bytes();
    text.extend((0..length).map(|n| (n as u64).wrapping_mul(version) as u8));
    text.into()
}

/// The version of a value that is whole and of this entry.
///
/// # Panics
/// If it is not.
#[must_use]
pub fn version_of(cache: usize, key: usize, found: &Bytes) -> u64 {
    let text = String::from_utf8_lossy(found);
    let version = text.split(' ').nth(2).and_then(|version| version.parse().ok()).expect("a version");
    assert_eq!(*found, value(cache, key, version), "a wrong value of {key} in {cache}");
    version
}

/// What may be found of an entry.
#[derive(Debug, Clone, Copy, Default)]
struct Promise {
    /// Versions from here on only: it was invalidated, or this one was on the disk.
    at_least: u64,
    /// Something is to be found.
    found: bool,
    /// The last version that was set.
    last: u64,
    /// The last change began to set (and not to remove).
    is_set: bool,
}

/// What follows from what was said.
#[derive(Debug, Clone)]
pub struct Promises([[Promise; KEYS]; CACHES]);

impl Default for Promises {
    fn default() -> Self {
        Promises([[Promise::default(); KEYS]; CACHES])
    }
}

impl Promises {
    /// A line of the process.
    ///
    /// # Panics
    /// If it is none.
    pub fn hear(&mut self, line: &str) {
        let words: Vec<&str> = line.split(' ').collect();
        let number = |at: usize| -> u64 { words[at].parse().unwrap_or_else(|_| panic!("{line}")) };
        let cache = number(1) as usize;
        match (words[0], words.len()) {
            ("sets", 4) => {
                let promise = &mut self.0[cache][number(2) as usize];
                (promise.last, promise.is_set) = (number(3), true);
            }
            // It may take effect before it returns.
            ("removes", 4) => {
                let promise = &mut self.0[cache][number(2) as usize];
                (promise.found, promise.is_set) = (false, false);
            }
            ("removed", 4) => self.0[cache][number(2) as usize].at_least = number(3),
            ("clears", 3) => {
                self.0[cache].iter_mut().for_each(|promise| (promise.found, promise.is_set) = (false, false))
            }
            ("cleared", 3) => self.0[cache].iter_mut().for_each(|promise| promise.at_least = number(2)),
            ("flushed", 3) => {
                for promise in self.0[cache].iter_mut().filter(|promise| promise.is_set) {
                    (promise.found, promise.at_least) = (true, promise.last);
                }
            }
            _ => panic!("a line that makes no sense: {line}"),
        }
    }

    /// After a kill: what is found. It is on the disk now, and is the least that is found from now on.
    ///
    /// # Panics
    /// If it breaks a promise.
    pub fn check(&mut self, cache: usize, key: usize, found: Option<&Bytes>) {
        let promise = &mut self.0[cache][key];
        match found.map(|found| version_of(cache, key, found)) {
            None => assert!(!promise.found, "{key} in {cache} is lost: {promise:?}"),
            Some(version) => {
                assert!(version >= promise.at_least, "version {version} of {key} in {cache} came back: {promise:?}");
                assert!(version <= promise.last, "version {version} of {key} in {cache} was never set: {promise:?}");
                (promise.found, promise.at_least) = (true, version);
            }
        }
        promise.is_set = false;
    }

    /// How many entries have to be found, and how many must not be older than a version.
    #[must_use]
    pub fn count(&self) -> (usize, usize) {
        let all = || self.0.iter().flatten();
        (all().filter(|promise| promise.found).count(), all().filter(|promise| promise.at_least > 0).count())
    }
}
