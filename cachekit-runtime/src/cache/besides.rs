//! What the hits of a cache have to do besides looking, in one byte: those of most caches have nothing to do, and ask once.

use super::Core;
use crate::scope;
#[cfg(feature = "advice")]
use crate::sync::lock;
use std::sync::atomic::{AtomicU8, Ordering};
#[cfg(feature = "advice")]
use std::sync::{Mutex, atomic::AtomicU64};

/// The path of a hit does not know the hasher of a user.
pub(super) const OWN_HASHER: u8 = 1;
/// Simulations are told of each look.
pub(super) const ADAPTIVE: u8 = 2;
/// What is in memory is to be used only while the tier that others change is heard.
#[cfg(feature = "backend")]
pub(super) const WATCHED: u8 = 4;
/// As that, of another tier than the one that the cache had first.
#[cfg(feature = "backend")]
pub(super) const WATCHED_ANEW: u8 = 16;

/// Somebody wants to hear of looks for some keys.
#[cfg(feature = "advice")]
pub(super) const SAMPLED: u8 = 8;

pub(super) struct Besides {
    all: AtomicU8,
    /// What the path of a hit compares: a look for a key with a hash up to here has something to do.
    #[cfg(feature = "advice")]
    alert: AtomicU64,
    /// Of those that are wanted, while [`SAMPLED`].
    #[cfg(feature = "advice")]
    limit: Mutex<u64>,
}

impl Besides {
    pub(super) fn new(has_own_hasher: bool) -> Self {
        let besides = Besides {
            all: AtomicU8::new(0),
            #[cfg(feature = "advice")]
            alert: AtomicU64::new(0),
            #[cfg(feature = "advice")]
            limit: Mutex::new(0),
        };
        if has_own_hasher {
            besides.begin(OWN_HASHER);
        }
        besides
    }

    #[inline(always)]
    pub(super) fn all(&self) -> u8 {
        self.all.load(Ordering::Relaxed)
    }

    /// May a look for this key have anything to do? One comparison, whether or not keys are sampled.
    #[cfg(feature = "advice")]
    #[inline(always)]
    pub(super) fn may_concern(&self, hash: u64) -> bool {
        hash <= self.alert.load(Ordering::Relaxed)
    }

    #[cfg(not(feature = "advice"))]
    #[inline(always)]
    pub(super) fn may_concern(&self, _: u64) -> bool {
        self.all() != 0
    }

    pub(super) fn begin(&self, what: u8) {
        self.change(|all| all.fetch_or(what, Ordering::Relaxed));
    }

    pub(super) fn end(&self, what: u8) {
        self.change(|all| all.fetch_and(!what, Ordering::Relaxed));
    }

    #[cfg(not(feature = "advice"))]
    fn change(&self, how: impl FnOnce(&AtomicU8) -> u8) {
        how(&self.all);
    }

    #[cfg(feature = "advice")]
    fn change(&self, how: impl FnOnce(&AtomicU8) -> u8) {
        let limit = lock(&self.limit);
        how(&self.all);
        self.announce(*limit);
    }

    /// From now on, looks for keys up to this hash are told of.
    #[cfg(feature = "advice")]
    pub(super) fn listen(&self, wanted: u64) {
        let mut limit = lock(&self.limit);
        *limit = wanted;
        self.all.fetch_or(SAMPLED, Ordering::Relaxed);
        self.announce(wanted);
    }

    #[cfg(feature = "advice")]
    fn announce(&self, limit: u64) {
        let alert = match self.all() {
            0 => 0,
            SAMPLED => limit,
            _ => u64::MAX,
        };
        self.alert.store(alert, Ordering::Relaxed);
    }
}

impl<K, V> Core<K, V> {
    /// Does it. May the path of a hit be taken?
    #[inline(never)]
    pub(super) fn attend(&self, besides: u8, hash: u64) -> bool {
        // What most of those who do anything do. Which cache is meant while there are scopes is found out by the path of a hit: this asks of the copies
        // of none whether they are told about, and does nothing to any.
        #[cfg(feature = "backend")]
        if besides == WATCHED {
            return !self.far_tiers.is_first_unleased();
        }
        self.attend_all(besides, hash)
    }

    #[cold]
    #[inline(never)]
    fn attend_all(&self, besides: u8, hash: u64) -> bool {
        // While there are scopes, a closer look finds out first which cache is meant.
        if besides & OWN_HASHER != 0 || scope::is_special() {
            return false;
        }
        self.saw(hash);
        !self.far_tiers.is_unleased()
    }
}
