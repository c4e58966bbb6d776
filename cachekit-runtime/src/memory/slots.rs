//! Slot numbers for the entries of one shard, and the hash that leads from a slot to its entry.

use crate::policy::Slot;

/// Hands out dense slot numbers. The hash of an entry lives here, and only here, so that entries stay small in the table.
pub(super) struct Slots {
    hashes: Vec<u64>,
    free: Vec<Slot>,
}

/// As many entries as slot numbers can tell apart.
pub(super) const MAX_SLOTS: usize = u32::MAX as usize;

impl Slots {
    pub(super) fn new() -> Self {
        Slots { hashes: Vec::new(), free: Vec::new() }
    }

    /// A slot for an entry with that hash. The caller keeps fewer than `MAX_SLOTS` entries.
    pub(super) fn take(&mut self, hash: u64) -> Slot {
        if let Some(slot) = self.free.pop() {
            self.hashes[slot.index()] = hash;
            return slot;
        }
        let slot = Slot::new(self.hashes.len() as u32);
        self.hashes.push(hash);
        slot
    }

    pub(super) fn give_back(&mut self, slot: Slot) {
        self.free.push(slot);
    }

    /// The hash of the entry at `slot`; of the last one, if it has gone.
    pub(super) fn hash(&self, slot: Slot) -> u64 {
        self.hashes.get(slot.index()).copied().unwrap_or(0)
    }
}
