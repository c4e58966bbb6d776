//! What is large goes by a connection of its own: a reply comes in one piece, and small ones behind it would wait for its end.
//!
//! What is sent says how large it is. What is read does not, before it has come: so entries that were large are remembered, a few hundred of them, and the next look at one asks on the
//! second connection.

use redis::{Arg, Cmd};
use std::{
    fmt,
    hash::BuildHasher,
    sync::atomic::{AtomicU64, Ordering},
};

/// From so many bytes on: what is shorter is there before another question has been asked.
pub(super) const LARGE: usize = 64 * 1024;

const REMEMBERED: usize = 512;

/// The bytes of a command's arguments.
pub(super) fn size(command: &Cmd) -> usize {
    command.args_iter().map(|arg| if let Arg::Simple(bytes) = arg { bytes.len() } else { 0 }).sum()
}

/// Entries that were large when they were last seen. Two may have one place; then only the later is known, which costs the other a place in the row once more.
pub(super) struct LargeEntries {
    hasher: foldhash::fast::RandomState,
    hashes: Box<[AtomicU64]>,
}

impl Default for LargeEntries {
    fn default() -> Self {
        let hashes = std::iter::repeat_with(AtomicU64::default).take(REMEMBERED).collect();
        LargeEntries { hasher: foldhash::fast::RandomState::default(), hashes }
    }
}

/// What is remembered of one entry.
pub(super) struct Place<'a> {
    hash: u64,
    remembered: &'a AtomicU64,
}

impl LargeEntries {
    pub(super) fn place(&self, id: &str) -> Place<'_> {
        // Zero is nobody's; the remainder is less than the length.
        let hash = self.hasher.hash_one(id) | 1;
        Place { hash, remembered: &self.hashes[(hash >> 32) as usize % REMEMBERED] }
    }
}

impl Place<'_> {
    pub(super) fn is_large(&self) -> bool {
        self.remembered.load(Ordering::Relaxed) == self.hash
    }

    /// It has so many bytes.
    pub(super) fn seen(&self, bytes: usize) {
        match (bytes >= LARGE, self.is_large()) {
            (true, false) => self.remembered.store(self.hash, Ordering::Relaxed),
            (false, true) => self.remembered.store(0, Ordering::Relaxed),
            // Looked at first: a store by every look would make the line travel between the cores.
            _ => {}
        }
    }
}

impl fmt::Debug for LargeEntries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LargeEntries").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_large_is_remembered_until_it_is_small() {
        let large = LargeEntries::default();
        let is_large = || large.place("a").is_large();
        assert!(!is_large());
        large.place("a").seen(LARGE);
        assert!(is_large() && !large.place("b").is_large());
        large.place("a").seen(LARGE - 1);
        assert!(!is_large());
        assert_eq!(size(redis::cmd("SET").arg("key").arg([0_u8; 100].as_slice())), 106);
    }
}
