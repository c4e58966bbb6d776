//! The policy words of one shard by slot, as wide as the policy's [`Touch`] needs them.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};

use super::{columns::reserve, logical_time};
use crate::policy::{Slot, Touch};

/// Counters up to 255 take a byte, stamps and larger counters eight, nothing takes nothing.
#[repr(C)] // what a hit reads stands first
pub(super) struct WordColumn {
    bytes: Vec<AtomicU8>,
    /// Counters of a byte stay as they are from this on.
    max: u8,
    touch: Touch,
    wide: Vec<AtomicU64>,
    /// Insertions so far: the coarse part of logical time.
    epoch: u64,
}

impl WordColumn {
    pub(super) fn new(touch: Touch) -> Self {
        let max = match touch {
            Touch::Count { max } => u8::try_from(max).unwrap_or(0),
            _ => 0,
        };
        WordColumn { bytes: Vec::new(), max, touch, wide: Vec::new(), epoch: 0 }
    }

    fn is_narrow(&self) -> bool {
        self.max > 0
    }

    fn is_wide(&self) -> bool {
        !self.is_narrow() && self.touch != Touch::Nothing
    }

    /// A hit.
    #[inline(always)]
    pub(super) fn touch(&self, slot: Slot) {
        if let Some(word) = self.bytes.get(slot.index()) {
            let count = word.load(Relaxed);
            if count < self.max {
                word.store(count + 1, Relaxed);
            }
        } else if let Some(word) = self.wide.get(slot.index()) {
            self.touch_wide(word);
        }
    }

    fn touch_wide(&self, word: &AtomicU64) {
        match self.touch {
            Touch::Nothing => {}
            Touch::Stamp => word.store(logical_time::stamp(self.epoch), Relaxed),
            Touch::Count { max } => {
                let count = word.load(Relaxed);
                if count < max {
                    word.store(count + 1, Relaxed);
                }
            }
        }
    }

    /// The first word of a new entry; `most`: how many slots there will ever be.
    #[inline]
    pub(super) fn begin(&mut self, slot: Slot, most: usize) {
        self.epoch += 1;
        match self.bytes.get_mut(slot.index()) {
            Some(word) => *word.get_mut() = 0,
            None => self.begin_further(slot, most),
        }
    }

    /// Beyond the words that are there, or not in a byte.
    fn begin_further(&mut self, slot: Slot, most: usize) {
        if self.is_narrow() {
            while self.bytes.len() <= slot.index() {
                reserve(&mut self.bytes, most);
                self.bytes.push(AtomicU8::new(0));
            }
            *self.bytes[slot.index()].get_mut() = 0;
        } else if self.is_wide() {
            while self.wide.len() <= slot.index() {
                reserve(&mut self.wide, most);
                self.wide.push(AtomicU64::new(0));
            }
            let first = if self.touch == Touch::Stamp { logical_time::insertion(self.epoch) } else { 0 };
            *self.wide[slot.index()].get_mut() = first;
        }
    }

    pub(super) fn get(&self, slot: Slot) -> u64 {
        match self.bytes.get(slot.index()) {
            Some(word) => u64::from(word.load(Relaxed)),
            None => self.wide.get(slot.index()).map_or(0, |word| word.load(Relaxed)),
        }
    }

    pub(super) fn set(&self, slot: Slot, value: u64) {
        if let Some(word) = self.bytes.get(slot.index()) {
            word.store(value.min(u64::from(u8::MAX)) as u8, Relaxed);
        } else if let Some(word) = self.wide.get(slot.index()) {
            word.store(value, Relaxed);
        }
    }

    /// The hits of the entry, where the words count them.
    pub(super) fn hits(&self, slot: Slot) -> u32 {
        match self.touch {
            Touch::Count { .. } => u32::try_from(self.get(slot)).unwrap_or(u32::MAX),
            _ => 0,
        }
    }

    /// The words for another policy, all unset, in the same logical time.
    pub(super) fn successor(&self, touch: Touch) -> Self {
        WordColumn { epoch: self.epoch, ..Self::new(touch) }
    }

    /// The word of an entry that another policy has counted `hits` of.
    pub(super) fn adopt(&mut self, slot: Slot, hits: u32, most: usize) {
        self.begin(slot, most);
        if let Touch::Count { max } = self.touch {
            self.set(slot, u64::from(hits).min(max));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(touch: Touch, slots: u32) -> WordColumn {
        let mut column = WordColumn::new(touch);
        (0..slots).for_each(|slot| column.begin(Slot::new(slot), slots as usize));
        column
    }

    #[test]
    fn counters_take_as_much_as_they_need_and_saturate() {
        for (max, narrow) in [(1, true), (3, true), (255, true), (256, false), (1_000, false)] {
            let column = column(Touch::Count { max }, 10);
            assert_eq!((column.bytes.len(), column.wide.len()), if narrow { (10, 0) } else { (0, 10) });
            for hit in 0..1_200 {
                assert_eq!(column.get(Slot::new(3)), max.min(hit));
                column.touch(Slot::new(3));
            }
            assert_eq!((column.get(Slot::new(2)), column.hits(Slot::new(3))), (0, max as u32));
        }
    }

    #[test]
    fn stamps_ascend_on_one_thread() {
        let column = column(Touch::Stamp, 3);
        let mut last = 0;
        for use_of in [2, 0, 1, 1, 0, 2] {
            column.touch(Slot::new(use_of));
            let stamp = column.get(Slot::new(use_of));
            assert!(stamp > last);
            last = stamp;
        }
    }

    #[test]
    fn a_policy_that_wants_nothing_gets_nothing() {
        let column = column(Touch::Nothing, 10);
        column.touch(Slot::new(3));
        column.set(Slot::new(3), 7);
        assert_eq!((column.get(Slot::new(3)), column.bytes.capacity(), column.wide.capacity()), (0, 0, 0));
    }

    #[test]
    fn a_slot_that_is_used_again_begins_anew() {
        let mut column = column(Touch::Count { max: 3 }, 2);
        column.touch(Slot::new(1));
        column.begin(Slot::new(1), 2);
        assert_eq!(column.get(Slot::new(1)), 0);
    }

    #[test]
    fn counts_come_over_and_stamps_follow_the_order() {
        let old = column(Touch::Count { max: 255 }, 2);
        (0..9).for_each(|_| old.touch(Slot::new(1)));
        let mut new = old.successor(Touch::Count { max: 3 });
        new.adopt(Slot::new(1), old.hits(Slot::new(1)), 2);
        assert_eq!(new.get(Slot::new(1)), 3);
        let mut stamps = old.successor(Touch::Stamp);
        stamps.adopt(Slot::new(1), 9, 2);
        stamps.adopt(Slot::new(0), 0, 2);
        assert!(stamps.get(Slot::new(0)) > stamps.get(Slot::new(1)));
    }
}
