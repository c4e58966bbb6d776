//! Which entries are due: the tick of each slot, and the earliest tick of each block of slots.
//!
//! Instead of a timer wheel with its lists. Looking for what is due reads one word per block (a million entries: 62 KiB in sequence) and then only the blocks that have something; setting a tick writes one word and compares another; and an entry costs 4 bytes
//! instead of the 8 of a wheel's two links. See docs/decisions/0010.

use crate::{
    policy::Slot,
    time::{NEVER_TICK, Tick, is_after},
};

const BLOCK: usize = 64;

/// See the module. Ticks are compared by distance, so they have to be within reach of one another.
pub(super) struct Expiry {
    /// Empty while no slot has a tick.
    ticks: Vec<Tick>,
    /// A lower bound on the ticks of each block.
    earliest: Vec<Tick>,
    /// A lower bound on them all.
    first: Tick,
}

fn earlier(one: Tick, other: Tick) -> Tick {
    match (one, other) {
        (NEVER_TICK, tick) | (tick, NEVER_TICK) => tick,
        _ if is_after(one, other) => other,
        _ => one,
    }
}

fn is_due(tick: Tick, now: Tick) -> bool {
    tick != NEVER_TICK && !is_after(tick, now)
}

impl Expiry {
    pub(super) fn new() -> Self {
        Expiry { ticks: Vec::new(), earliest: Vec::new(), first: NEVER_TICK }
    }

    /// No slot is due before this tick.
    pub(super) fn first(&self) -> Tick {
        self.first
    }

    /// `room`: how many slots there will be at least.
    pub(super) fn set(&mut self, slot: Slot, tick: Tick, room: usize) {
        if slot.index() >= self.ticks.len() {
            if tick == NEVER_TICK {
                return;
            }
            self.ticks.reserve_exact(room.saturating_sub(self.ticks.len()));
            self.ticks.resize(slot.index() + 1, NEVER_TICK);
            self.earliest.resize(self.ticks.len().div_ceil(BLOCK), NEVER_TICK);
        }
        self.set_again(slot, tick);
    }

    /// As [`set`](Self::set), of a slot that there is room for. Is there?
    #[inline(always)]
    pub(super) fn set_again(&mut self, slot: Slot, tick: Tick) -> bool {
        let (index, block) = (slot.index(), slot.index() / BLOCK);
        let (Some(own), Some(earliest)) = (self.ticks.get_mut(index), self.earliest.get_mut(block)) else {
            return false;
        };
        *own = tick;
        // The first of all is no later than that of its block.
        if tick != NEVER_TICK && (*earliest == NEVER_TICK || is_after(*earliest, tick)) {
            *earliest = tick;
            self.first = earlier(self.first, tick);
        }
        true
    }

    /// Adds up to about `most` slots that are due to `due`, whose ticks are then gone. Are there perhaps more?
    pub(super) fn take_due(&mut self, now: Tick, most: usize, due: &mut Vec<Slot>) -> bool {
        if !is_due(self.first, now) {
            return false;
        }
        let (before, mut first) = (due.len(), NEVER_TICK);
        for (index, earliest) in self.earliest.iter_mut().enumerate() {
            if is_due(*earliest, now) {
                if due.len() - before >= most {
                    return true;
                }
                let start = index * BLOCK;
                let end = self.ticks.len().min(start + BLOCK);
                *earliest = NEVER_TICK;
                for (slot, tick) in (start..).zip(&mut self.ticks[start..end]) {
                    if is_due(*tick, now) {
                        *tick = NEVER_TICK;
                        due.push(Slot::new(slot as u32));
                    } else {
                        *earliest = earlier(*earliest, *tick);
                    }
                }
            }
            first = earlier(first, *earliest);
        }
        self.first = first;
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn due(expiry: &mut Expiry, now: Tick) -> Vec<u32> {
        let mut due = Vec::new();
        while expiry.take_due(now, 100, &mut due) {}
        due.into_iter().map(Slot::raw).collect()
    }

    #[test]
    fn no_ticks_take_no_memory() {
        let mut expiry = Expiry::new();
        expiry.set(Slot::new(1_000_000), NEVER_TICK, 2_000_000);
        assert_eq!((expiry.ticks.capacity(), expiry.first()), (0, NEVER_TICK));
    }

    #[test]
    fn a_later_tick_replaces_an_earlier_one() {
        let mut expiry = Expiry::new();
        expiry.set(Slot::new(3), 10, 100);
        expiry.set(Slot::new(3), 20, 100);
        assert_eq!(due(&mut expiry, 10), [0; 0]);
        assert_eq!(expiry.first(), 20, "the look has found the bound to be too low");
        assert_eq!(due(&mut expiry, 20), [3]);
        assert_eq!(expiry.first(), NEVER_TICK);
    }

    #[test]
    fn few_at_a_time() {
        let mut expiry = Expiry::new();
        (0..1_000).for_each(|slot| expiry.set(Slot::new(slot), 5, 1_000));
        let mut slots = Vec::new();
        assert!(expiry.take_due(5, 100, &mut slots));
        assert!((100..200).contains(&slots.len()));
        assert_eq!(due(&mut expiry, 5).len() + slots.len(), 1_000);
    }

    proptest! {
        #[test]
        fn finds_what_a_list_finds(operations in proptest::collection::vec((0..300_u32, 1..50_u32, any::<bool>()), 1..300)) {
            let (mut expiry, mut model, mut now) = (Expiry::new(), [NEVER_TICK; 300], u32::MAX - 100);
            for (slot, span, remove) in operations {
                let tick = if remove { NEVER_TICK } else { now.wrapping_add(span) };
                // The two special ticks stand for no time.
                let tick = if tick == 0 { 1 } else { tick };
                expiry.set(Slot::new(slot), tick, 300);
                model[slot as usize] = tick;
                now = now.wrapping_add(span % 3);
                if now == NEVER_TICK || now == 0 {
                    now = 1;
                }
                let expected: Vec<u32> = (0..300).filter(|slot| is_due(model[*slot as usize], now)).collect();
                expected.iter().for_each(|slot| model[*slot as usize] = NEVER_TICK);
                prop_assert_eq!(due(&mut expiry, now), expected);
                let first = model.iter().fold(NEVER_TICK, |first, tick| earlier(first, *tick));
                prop_assert!(earlier(expiry.first(), first) == expiry.first());
            }
        }
    }
}
