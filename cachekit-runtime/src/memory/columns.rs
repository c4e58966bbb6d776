//! What the table knows of an entry beside its key and value, by slot: dense, and absent where no entry has it.

use super::{Besides, expiry::Expiry};
use crate::{
    changes::Compared,
    policy::Slot,
    time::{NEVER_TICK, Tick},
};

/// The most entries of one shard: as many as the remembered part of a hash can place, three quarters of 2^25.
pub(super) const MAX_SLOTS: usize = 3 << 23;

/// A value per slot. Takes no memory while all of them are the default.
pub(super) struct Column<T> {
    cells: Vec<T>,
}

impl<T: Default> Column<T> {
    fn new() -> Self {
        Column { cells: Vec::new() }
    }

    pub(super) fn get(&self, slot: Slot) -> Option<&T> {
        self.cells.get(slot.index())
    }

    /// `room`: how many slots there will be at least.
    fn set(&mut self, slot: Slot, value: T, is_default: bool, room: usize) {
        if let Some(cell) = self.cells.get_mut(slot.index()) {
            *cell = value;
        } else if !is_default {
            self.cells.reserve_exact(room.saturating_sub(self.cells.len()));
            self.cells.resize_with(slot.index(), T::default);
            self.cells.push(value);
        }
    }

    pub(super) fn take(&mut self, slot: Slot) -> T {
        self.cells.get_mut(slot.index()).map(std::mem::take).unwrap_or_default()
    }
}

/// The times of an entry that the table keeps for its owner, and one that it acts upon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Marks {
    /// When a look has to think about the entry; the table only keeps it.
    pub(crate) think: Tick,
    /// When the entry was stored; kept.
    pub(crate) born: Tick,
    /// When [`super::Table::sweep`] is to ask for it.
    pub(crate) sweep: Tick,
}

impl Marks {
    /// Of an entry without times.
    pub(crate) const NONE: Marks = Marks { think: NEVER_TICK, born: 0, sweep: NEVER_TICK };

    /// Is there nothing that a column would keep?
    fn are_none(&self) -> bool {
        self.born == 0 && self.sweep == NEVER_TICK
    }
}

/// The columns of one shard.
pub(super) struct Columns<M> {
    /// What is remembered of each entry's hash: leads from a slot to its entry, and outlives it until the slot is used again.
    hashes: Vec<u32>,
    free: Vec<Slot>,
    pub(super) born: Column<Tick>,
    pub(super) more: Column<Option<Box<M>>>,
    /// Of the entries of which there is more.
    pub(super) compared: Column<Compared>,
    pub(super) weights: Column<u64>,
    pub(super) expiry: Expiry,
    /// No entry has ever had anything but a hash.
    is_bare: bool,
}

impl<M> Columns<M> {
    pub(super) fn new() -> Self {
        Columns {
            hashes: Vec::new(),
            free: Vec::new(),
            born: Column::new(),
            more: Column::new(),
            compared: Column::new(),
            weights: Column::new(),
            expiry: Expiry::new(),
            is_bare: true,
        }
    }

    /// A slot for an entry with that hash, the one that was [taken](Self::take) if any; `most`: how many there will ever be. The caller keeps fewer than `MAX_SLOTS` entries.
    #[inline(always)]
    pub(super) fn add(&mut self, left: Option<Slot>, hash: u32, besides: Besides<M>, most: usize) -> Slot {
        let Besides { marks, more, weight } = besides;
        let slot = match left.or_else(|| self.free.pop()) {
            Some(slot) => {
                self.hashes[slot.index()] = hash;
                slot
            }
            None => self.grow(hash, most),
        };
        if !(self.is_bare && marks.are_none() && more.is_none() && weight == 0) {
            self.set_all(slot, marks, more, weight);
        }
        slot
    }

    #[inline(always)]
    fn set_all(&mut self, slot: Slot, marks: Marks, more: Option<Box<M>>, weight: u64) {
        // Where there never was more than times, they are written without a call.
        if more.is_none()
            && weight == 0
            && self.more.cells.is_empty()
            && self.weights.cells.is_empty()
            && let Some(born) = self.born.cells.get_mut(slot.index())
            && self.expiry.set_again(slot, marks.sweep)
        {
            *born = marks.born;
        } else {
            self.set_further(slot, marks, more, weight);
        }
    }

    #[inline(never)]
    fn set_further(&mut self, slot: Slot, marks: Marks, more: Option<Box<M>>, weight: u64) {
        self.set_weight(slot, weight);
        self.set(slot, marks, more);
    }

    #[cold]
    fn grow(&mut self, hash: u32, most: usize) -> Slot {
        reserve(&mut self.hashes, most);
        self.hashes.push(hash);
        Slot::new(self.hashes.len() as u32 - 1)
    }

    /// What a replacement brings along.
    pub(super) fn set(&mut self, slot: Slot, marks: Marks, more: Option<Box<M>>) {
        if self.is_bare && marks.are_none() && more.is_none() {
            return;
        }
        self.is_bare = false;
        let room = self.hashes.capacity();
        self.born.set(slot, marks.born, marks.born == 0, room);
        let is_none = more.is_none();
        self.more.set(slot, more, is_none, room);
        self.compared.set(slot, Compared::default(), is_none, room);
        self.expiry.set(slot, marks.sweep, room);
    }

    pub(super) fn set_weight(&mut self, slot: Slot, weight: u64) {
        if self.is_bare && weight == 0 {
            return;
        }
        self.is_bare = false;
        let room = self.hashes.capacity();
        self.weights.set(slot, weight, weight == 0, room);
    }

    /// Gives the slot back, and what is to be dropped elsewhere: when the entry was stored, what more there was of it, and its weight.
    pub(super) fn remove(&mut self, slot: Slot) -> (Tick, Option<Box<M>>, u64) {
        let taken = self.take(slot);
        self.give_back(slot);
        taken
    }

    /// As [`remove`](Self::remove), of a slot that is yet to be [given back](Self::give_back) or [used again](Self::add).
    #[inline(always)]
    pub(super) fn take(&mut self, slot: Slot) -> (Tick, Option<Box<M>>, u64) {
        if self.is_bare {
            return (Marks::NONE.born, None, 0);
        }
        (self.born.get(slot).copied().unwrap_or(0), self.more.take(slot), self.weights.take(slot))
    }

    pub(super) fn give_back(&mut self, slot: Slot) {
        self.expiry.set(slot, NEVER_TICK, 0);
        self.free.push(slot);
    }

    /// The hash of the entry at `slot`; of the last one, if it has gone.
    #[inline]
    pub(super) fn hash(&self, slot: Slot) -> u32 {
        self.hashes.get(slot.index()).copied().unwrap_or(0)
    }

    /// Of all slots, as [`hash`](Self::hash) has them.
    #[inline]
    pub(super) fn hashes(&self) -> &[u32] {
        &self.hashes
    }

    /// How many slots there are, used or not.
    pub(super) fn len(&self) -> usize {
        self.hashes.len()
    }

    pub(super) fn room(&self) -> usize {
        self.hashes.capacity()
    }
}

/// Doubles a full vector, but not beyond `most` elements, which a bounded shard will have in the end.
pub(super) fn reserve<T>(vec: &mut Vec<T>, most: usize) {
    let len = vec.len();
    if len == vec.capacity() {
        vec.reserve_exact(len.max(4).min(most.saturating_sub(len)).max(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_of_defaults_takes_no_memory() {
        let mut column = Column::<u64>::new();
        column.set(Slot::new(1_000), 0, true, 2_000);
        assert_eq!((column.cells.capacity(), column.get(Slot::new(1_000))), (0, None));
        column.set(Slot::new(3), 7, false, 10);
        assert_eq!((column.cells.capacity(), column.cells.as_slice()), (10, [0, 0, 0, 7].as_slice()));
        assert_eq!((column.take(Slot::new(3)), column.take(Slot::new(9))), (7, 0));
    }

    #[test]
    fn a_vector_ends_at_what_it_will_hold() {
        let mut vec = Vec::new();
        for element in 0..100 {
            reserve(&mut vec, 100);
            vec.push(element);
        }
        assert_eq!(vec.capacity(), 100);
    }

    #[test]
    fn what_was_compared_goes_with_its_entry() {
        let changes = crate::changes::Changes::new();
        let mut columns = Columns::<()>::new();
        let with_more = || Besides { marks: Marks::NONE, more: Some(Box::new(())), weight: 0 };
        let slot = columns.add(None, 7, with_more(), 4);
        let compared =
            |columns: &Columns<()>| columns.compared.get(slot).map(|compared| changes.are_those_of(compared));
        assert_eq!(compared(&columns), Some(false));
        let compare = |columns: &Columns<()>| changes.hold(columns.compared.get(slot).unwrap(), || Some(NEVER_TICK));
        assert!(compare(&columns) && compared(&columns) == Some(true));
        columns.set(slot, Marks::NONE, Some(Box::new(())));
        assert_eq!(compared(&columns), Some(false), "another value");
        assert!(compare(&columns));
        columns.remove(slot);
        assert_eq!((columns.add(None, 9, with_more(), 4), compared(&columns)), (slot, Some(false)), "another entry");
    }

    #[test]
    fn slots_are_dense_and_used_again() {
        let mut columns = Columns::<()>::new();
        let slots: Vec<_> = (0..4)
            .map(|hash| columns.add(None, hash, Besides { marks: Marks::NONE, more: None, weight: 0 }, 4))
            .collect();
        columns.remove(slots[1]);
        assert_eq!(columns.hash(slots[1]), 1);
        assert_eq!(
            columns.add(None, 9, Besides { marks: Marks::NONE, more: Some(Box::new(())), weight: 3 }, 4),
            slots[1]
        );
        assert_eq!((columns.hash(slots[1]), columns.len()), (9, 4));
        assert_eq!(columns.remove(slots[1]), (0, Some(Box::new(())), 3));
    }
}
