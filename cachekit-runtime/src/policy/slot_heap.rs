//! A priority queue of slots with removal from the middle.

use super::Slot;

/// Children of one place: with 16 bytes each they fill a cache line.
const ARITY: usize = 4;
const NOWHERE: u32 = u32::MAX;

/// Slots of one shard in the order of a 64-bit key, the least first. All operations take O(log n). 16 bytes for each slot in the
/// heap and four for each slot that was ever used.
pub(crate) struct SlotHeap {
    heap: Vec<(u64, Slot)>,
    /// By slot, the place in the heap.
    places: Vec<u32>,
}

impl SlotHeap {
    pub(crate) fn new() -> Self {
        SlotHeap { heap: Vec::new(), places: Vec::new() }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.heap.len()
    }

    pub(crate) fn first(&self) -> Option<(u64, Slot)> {
        self.heap.first().copied()
    }

    /// Adds the slot, or gives it another key.
    pub(crate) fn set(&mut self, slot: Slot, key: u64) {
        let place = match self.place(slot) {
            Some(place) => {
                self.heap[place].0 = key;
                place
            }
            None => {
                if self.places.len() <= slot.index() {
                    self.places.resize(slot.index() + 1, NOWHERE);
                }
                self.heap.push((key, slot));
                self.heap.len() - 1
            }
        };
        self.settle(place);
    }

    /// The key of a slot that is in it.
    pub(crate) fn key(&self, slot: Slot) -> Option<u64> {
        self.place(slot).and_then(|place| self.heap.get(place)).map(|(key, _)| *key)
    }

    pub(super) fn remove(&mut self, slot: Slot) {
        let Some(place) = self.place(slot) else { return };
        self.places[slot.index()] = NOWHERE;
        self.heap.swap_remove(place);
        if place < self.heap.len() {
            self.settle(place);
        }
    }

    fn place(&self, slot: Slot) -> Option<usize> {
        self.places.get(slot.index()).filter(|place| **place != NOWHERE).map(|place| *place as usize)
    }

    /// Moves what stands at `place` to where it belongs. The rest is in order.
    fn settle(&mut self, mut place: usize) {
        let moved = self.heap[place];
        while place > 0 {
            let parent = (place - 1) / ARITY;
            if self.heap[parent] <= moved {
                break;
            }
            self.put(place, self.heap[parent]);
            place = parent;
        }
        loop {
            let first = place * ARITY + 1;
            let children = first..self.heap.len().min(first + ARITY);
            let Some(least) = children.min_by_key(|child| self.heap[*child]) else { break };
            if moved <= self.heap[least] {
                break;
            }
            self.put(place, self.heap[least]);
            place = least;
        }
        self.put(place, moved);
    }

    fn put(&mut self, place: usize, item: (u64, Slot)) {
        self.heap[place] = item;
        self.places[item.1.index()] = place as u32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_first_is_always_the_least(steps in prop::collection::vec((0u32..20, prop::option::weighted(0.7, 0u64..50)), 0..300)) {
            let mut heap = SlotHeap::new();
            let mut model = std::collections::BTreeMap::new();
            for (slot, key) in steps {
                match key {
                    Some(key) => {
                        heap.set(Slot::new(slot), key);
                        model.insert(slot, key);
                    }
                    None => {
                        heap.remove(Slot::new(slot));
                        model.remove(&slot);
                    }
                }
                let least = model.iter().map(|(slot, key)| (*key, Slot::new(*slot))).min();
                prop_assert_eq!(heap.first(), least);
                prop_assert_eq!(heap.len(), model.len());
            }
        }
    }
}
