//! How a table is divided.

/// Below this capacity one shard holds everything: the bound and the order of eviction are then those of the whole table.
const SHARDED_FROM: usize = 2048;

/// The fewest shards of a large table.
pub(super) const MANY: usize = 16;

/// What a policy is told before anybody knows how many entries a weight allows.
pub(super) const GUESS: usize = 1024;

/// How full a hash table may be, in percent of its buckets, so that removed entries leave few traces in it. hashbrown goes up to 87. In a full cache each
/// insertion pays its part of sweeping them out: moving half an entry at 64 %, one at 70, two at 76.
const fn full(capacity: usize) -> usize {
    if capacity < LARGE { 65 } else { 74 }
}

/// From here on memory counts for more.
const LARGE: usize = 1 << 17;

/// How many shards a table of that capacity has: up to twice `MANY`, whichever number leaves the fewest buckets empty. (A power of two would
/// leave half of them empty at the worst capacities, a million among them.)
pub(crate) fn count_for(capacity: usize) -> usize {
    if capacity < SHARDED_FROM {
        return 1;
    }
    let full = full(capacity);
    (MANY..2 * MANY).min_by_key(|count| count * buckets(capacity.div_ceil(*count), full)).unwrap_or(MANY)
}

fn buckets(entries: usize, full: usize) -> usize {
    (entries.saturating_mul(100) / full + 1).checked_next_power_of_two().unwrap_or(usize::MAX / 64)
}

/// The shard of a key, from the bits of its hash below the top seven, which the shards use together with the low bits: those weigh nothing here.
#[inline(always)]
pub(crate) fn index(hash: u64, count: usize) -> usize {
    // Lemire, "Fast random integer generation in an interval", 2019, section 3: a multiplication instead of a remainder.
    ((u128::from(hash << 7) * count as u128) >> 64) as usize
}

/// The part of `capacity` that falls to one of `count` shards; the parts sum up to the whole.
pub(crate) fn share(capacity: usize, count: usize, index: usize) -> usize {
    capacity / count + usize::from(index < capacity % count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_sum_up_to_the_capacity() {
        for capacity in [1, 15, 16, 2047, 2048, 2049, 10_007] {
            for count in [1, 16, 23] {
                assert_eq!((0..count).map(|index| share(capacity, count, index)).sum::<usize>(), capacity);
            }
        }
    }

    #[test]
    fn large_tables_leave_few_buckets_empty() {
        for capacity in [2_048, 5_000, 10_000, 65_536, 100_000, 1_000_000, 1_048_576, 12_345_678] {
            let count = count_for(capacity);
            assert!((MANY..2 * MANY).contains(&count));
            let (most, share) = (full(capacity), capacity.div_ceil(count));
            let full = 100 * capacity / (count * buckets(share, most));
            assert!((most - 5..=most).contains(&full), "{capacity}: {full} %");
        }
        assert_eq!((count_for(1), count_for(SHARDED_FROM - 1)), (1, 1));
    }

    #[test]
    fn every_shard_is_chosen_by_an_equal_part_of_the_hashes() {
        for count in [1, 16, 23, 31] {
            let mut chosen = vec![0; count];
            for step in 0..10_000_u64 {
                chosen[index(step.wrapping_mul(0x9e37_79b9_7f4a_7c15), count)] += 1;
            }
            assert!(chosen.iter().all(|hits| (9_000 / count..=11_000 / count).contains(hits)), "{chosen:?}");
        }
    }
}
