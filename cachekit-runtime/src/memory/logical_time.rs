//! Logical time of uses, for recency: no two hits of a thread have the same, and no thread writes what another reads often.
//!
//! The high bits are the insertions of the shard, which change only under its exclusive lock; the low bits count the uses of the thread. So on one
//! thread the order is exact, and of several threads it is exact across insertions; what different threads hit between two insertions
//! has no order that an eviction could ask for.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::stripe::{EXCLUSIVE, thread_index};

const LOW: u32 = 24;
const MASK: u64 = (1 << LOW) - 1;

#[repr(align(128))]
struct Uses(AtomicU64);

static USES: [Uses; EXCLUSIVE] = [const { Uses(AtomicU64::new(0)) }; EXCLUSIVE];

/// For threads beyond those with a counter of their own.
static SHARED: Uses = Uses(AtomicU64::new(0));

/// How often any counter of uses has begun anew: added to the insertions, so that time does not run backwards then.
static WRAPS: AtomicU64 = AtomicU64::new(0);

/// The next moment of this thread in a shard that has seen so many insertions.
pub(super) fn stamp(insertions: u64) -> u64 {
    let uses = match USES.get(thread_index()) {
        Some(Uses(uses)) => {
            let next = uses.load(Relaxed) + 1;
            uses.store(next, Relaxed);
            next
        }
        None => SHARED.0.fetch_add(1, Relaxed) + 1,
    };
    assemble(insertions, uses)
}

/// The moment of that insertion: after all hits before it, and before all hits after it.
pub(super) fn insertion(insertions: u64) -> u64 {
    (insertions + WRAPS.load(Relaxed)) << LOW
}

fn assemble(insertions: u64, uses: u64) -> u64 {
    if uses & MASK == 0 {
        WRAPS.fetch_add(1, Relaxed);
    }
    ((insertions + WRAPS.load(Relaxed)) << LOW) | (uses & MASK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_goes_on_when_the_counter_of_uses_begins_anew() {
        let mut last = 0;
        for uses in MASK - 2..MASK + 3 {
            let now = assemble(5, uses);
            assert!(now > last, "{now} after {last}");
            last = now;
        }
    }

    #[test]
    fn an_insertion_is_later_than_any_hit_before_it() {
        assert!(insertion(6) > assemble(5, MASK));
        assert!(assemble(6, 1) > insertion(6));
    }
}
