//! What the hits of a cache have to do besides looking, in one byte: those of most caches have nothing to do, and ask once.

use super::Core;
use crate::scope;
use std::sync::atomic::{AtomicU8, Ordering};

/// The path of a hit does not know the hasher of a user.
pub(super) const OWN_HASHER: u8 = 1;
/// Simulations are told of each look.
pub(super) const ADAPTIVE: u8 = 2;
/// What is in memory is to be used only while the tier that others change is heard.
#[cfg(feature = "backend")]
pub(super) const WATCHED: u8 = 4;

pub(super) struct Besides(AtomicU8);

impl Besides {
    pub(super) fn new(has_own_hasher: bool) -> Self {
        Besides(AtomicU8::new(if has_own_hasher { OWN_HASHER } else { 0 }))
    }

    #[inline(always)]
    pub(super) fn all(&self) -> u8 {
        self.0.load(Ordering::Relaxed)
    }

    pub(super) fn begin(&self, what: u8) {
        self.0.fetch_or(what, Ordering::Relaxed);
    }

    pub(super) fn end(&self, what: u8) {
        self.0.fetch_and(!what, Ordering::Relaxed);
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
            return !self.far_tiers.is_unleased();
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
        if besides & ADAPTIVE != 0 {
            self.saw(hash);
        }
        !self.far_tiers.is_unleased()
    }
}
