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
    /// Applies a hit as a table does, where one thread has word and clock to itself.
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
            Touch::Stamp => word.store(tick(clock), Relaxed),
        }
    }

    /// The word of a new entry.
    pub(crate) fn first_word(self, clock: &AtomicU64) -> u64 {
        match self {
            Touch::Stamp => tick(clock),
            Touch::Nothing | Touch::Count { .. } => 0,
        }
    }
}

/// The next moment of a clock that one thread has to itself.
fn tick(clock: &AtomicU64) -> u64 {
    let next = clock.load(Relaxed) + 1;
    clock.store(next, Relaxed);
    next
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
    fn each_hit_has_its_own_stamp_also_of_the_entry_that_was_hit_last() {
        let (word, clock) = (AtomicU64::new(1), AtomicU64::new(7));
        Touch::Stamp.apply(&word, &clock);
        Touch::Stamp.apply(&word, &clock);
        assert_eq!((word.load(Relaxed), clock.load(Relaxed)), (9, 9));
    }

    #[test]
    fn stamps_go_on_past_32_bits() {
        let clock = AtomicU64::new(u64::from(u32::MAX));
        assert_eq!(Touch::Stamp.first_word(&clock), 1 << 32);
    }
}
