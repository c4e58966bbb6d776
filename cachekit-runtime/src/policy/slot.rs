//! The address of an entry within its shard, and the window through which a policy sees the entry's word.

use std::fmt;

/// The address of an entry within its shard: small, dense, used again after the entry has gone.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Slot(u32);

impl Slot {
    pub(crate) const fn new(index: u32) -> Self {
        Slot(index)
    }

    /// The slot as an index into a vector; less than the most entries that ever lived at once.
    pub fn index(self) -> usize {
        self.0 as usize
    }

    pub(crate) fn raw(self) -> u32 {
        self.0
    }
}

/// Where words live: the table, or the harness of the policy suite.
pub(crate) trait WordSource {
    fn get(&self, slot: Slot) -> u64;
    fn set(&self, slot: Slot, value: u64);
    fn hash(&self, slot: Slot) -> u64;
}

/// The policy words and key hashes of the live entries of one shard.
///
/// No hit is under way while a policy looks at them. Of a slot without an entry the word says nothing.
#[derive(Clone, Copy)]
pub struct Words<'a> {
    source: &'a dyn WordSource,
}

impl<'a> Words<'a> {
    pub(crate) fn new(source: &'a dyn WordSource) -> Self {
        Words { source }
    }

    /// The word of the entry at `slot`, as hits left it.
    pub fn get(&self, slot: Slot) -> u64 {
        self.source.get(slot)
    }

    /// Overwrites the word of the entry at `slot`. Of a word that counts hits only as many bits are kept as its `max` needs.
    pub fn set(&self, slot: Slot, value: u64) {
        self.source.set(slot, value);
    }

    /// The hash of the key at `slot`, the same for the same key as long as the cache lives: what ghost queues remember.
    pub fn hash(&self, slot: Slot) -> u64 {
        self.source.hash(slot)
    }
}

impl WordSource for Words<'_> {
    fn get(&self, slot: Slot) -> u64 {
        self.source.get(slot)
    }

    fn set(&self, slot: Slot, value: u64) {
        self.source.set(slot, value);
    }

    fn hash(&self, slot: Slot) -> u64 {
        self.source.hash(slot)
    }
}

impl fmt::Debug for Words<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Words").finish_non_exhaustive()
    }
}
