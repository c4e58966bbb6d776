//! What a hit does to an entry's policy word.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What a hit does to the 64-bit policy word of the entry that was hit.
///
/// Hits run in parallel without a lock against each other: of simultaneous ones some may be lost. On one thread none is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum Touch {
    /// The word stays as it is.
    #[default]
    Nothing,
    /// The word counts hits, from 0 up to `max`.
    Count {
        /// Where the counter stops.
        max: u64,
    },
    /// The word takes the logical time of the shard, which later insertions and hits of the same thread are beyond. Of different threads the
    /// order is exact across insertions.
    Stamp,
}

impl Touch {
    /// Applies a hit.
    #[inline(always)]
    pub(crate) fn apply(self, word: &AtomicU64, clock: &AtomicU64) {
        match self {
            Touch::Nothing => {}
            Touch::Count { max } => {
                let count = word.load(Relaxed);
                if count < max {
                    word.store(count + 1, Relaxed);
                }
            }
            Touch::Stamp => {
                let (now, stamp) = (clock.load(Relaxed), word.load(Relaxed));
                if stamp != now {
                    // A load and a store cost a fraction of `fetch_add`, but a thread that is paused between them sets the clock
                    // back. Starting from the entry's own stamp keeps entries from ageing by a hit, and lets the next hit of any
                    // recent entry put the clock right.
                    let next = now.max(stamp) + 1;
                    clock.store(next, Relaxed);
                    word.store(next, Relaxed);
                }
            }
        }
    }

    /// The word of a new entry.
    pub(crate) fn first_word(self, clock: &AtomicU64) -> u64 {
        match self {
            Touch::Stamp => {
                let next = clock.load(Relaxed) + 1;
                clock.store(next, Relaxed);
                next
            }
            Touch::Nothing | Touch::Count { .. } => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counting_saturates() {
        let (word, clock) = (AtomicU64::new(0), AtomicU64::new(0));
        let seen: Vec<u64> = (0..5)
            .map(|_| {
                Touch::Count { max: 3 }.apply(&word, &clock);
                word.load(Relaxed)
            })
            .collect();
        assert_eq!(seen, [1, 2, 3, 3, 3]);
        assert_eq!(clock.load(Relaxed), 0);
    }

    #[test]
    fn stamping_twice_in_a_row_does_not_advance_the_clock() {
        let (word, clock) = (AtomicU64::new(1), AtomicU64::new(7));
        Touch::Stamp.apply(&word, &clock);
        Touch::Stamp.apply(&word, &clock);
        assert_eq!((word.load(Relaxed), clock.load(Relaxed)), (8, 8));
    }

    #[test]
    fn a_clock_that_was_set_back_recovers_and_no_entry_ages_by_a_hit() {
        let (word, clock) = (AtomicU64::new(100), AtomicU64::new(6));
        Touch::Stamp.apply(&word, &clock);
        assert_eq!((word.load(Relaxed), clock.load(Relaxed)), (101, 101));
    }

    #[test]
    fn stamps_go_on_past_32_bits() {
        let clock = AtomicU64::new(u64::from(u32::MAX));
        assert_eq!(Touch::Stamp.first_word(&clock), 1 << 32);
    }
}
