//! The entries of a table without keys and values: what miniature simulations and the policy suite run policies over.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::{Slot, WordSource};

/// What a table without keys and values knows of an entry.
pub(crate) struct Cell {
    pub(crate) hash: u64,
    pub(crate) word: AtomicU64,
    pub(crate) live: bool,
}

/// Such entries by slot, dead ones included.
pub(crate) struct Cells(pub(crate) Vec<Cell>);

impl Cells {
    pub(crate) fn word(&self, slot: Slot) -> Option<&AtomicU64> {
        self.0.get(slot.index()).filter(|cell| cell.live).map(|cell| &cell.word)
    }
}

impl WordSource for Cells {
    fn get(&self, slot: Slot) -> u64 {
        self.word(slot).map_or(0, |word| word.load(Relaxed))
    }

    fn set(&self, slot: Slot, value: u64) {
        if let Some(word) = self.word(slot) {
            word.store(value, Relaxed);
        }
    }

    fn hash(&self, slot: Slot) -> u64 {
        self.0.get(slot.index()).map_or(0, |cell| cell.hash)
    }
}
