//! How many accesses miss at each capacity under LRU: those whose reuse distance is not below it.

/// Keys are told apart by so many groups, whose differences show how far chance has gone.
pub(super) const GROUPS: usize = 8;

/// Distances below are counted one by one; from there on each power of two has half as many parts, a width of 3 %.
const EXACT: usize = 64;
const PART_BITS: u32 = EXACT.trailing_zeros() - 1;
const PARTS: usize = 1 << PART_BITS;

/// Distances from 2^40 on are one.
const HIGH_BITS: u32 = 40;

const BINS: usize = EXACT + (HIGH_BITS - PART_BITS - 1) as usize * PARTS + 1;

fn bin(distance: u64) -> usize {
    if distance < EXACT as u64 {
        return distance as usize;
    }
    let octave = distance.ilog2();
    if octave >= HIGH_BITS {
        return BINS - 1;
    }
    let part = (distance >> (octave - PART_BITS)) as usize % PARTS;
    EXACT + (octave - PART_BITS - 1) as usize * PARTS + part
}

/// The least distance of a bin.
fn lower(bin: usize) -> u64 {
    let Some(rest) = bin.checked_sub(EXACT) else { return bin as u64 };
    let octave = PART_BITS + 1 + (rest / PARTS) as u32;
    (1 << octave) + ((rest % PARTS) as u64) * (1 << (octave - PART_BITS))
}

/// The group of a key.
pub(super) fn group(hash: u64) -> usize {
    hash as usize % GROUPS
}

/// Estimated accesses by reuse distance. Each sampled one stands for as many as the rate said when it came: that is the rescaling of SHARDS (FAST 2015,
/// section 3.3) with its result, but without going over all counts each time the threshold is lowered.
///
/// A ratio is taken of all accesses and not of the sampled ones. So an access that is in the sample too much or too little counts as a hit at any capacity,
/// which is what the paper's adjustment of the first bucket (SHARDS_adj) comes to: whether the most popular keys are in the sample says nothing about misses.
pub(super) struct Misses {
    bins: Vec<[f64; GROUPS]>,
    first: [f64; GROUPS],
    greatest: u64,
}

impl Misses {
    pub(super) fn new() -> Self {
        Misses { bins: vec![[0.0; GROUPS]; BINS], first: [0.0; GROUPS], greatest: 0 }
    }

    /// An access that no capacity would have made a hit.
    pub(super) fn add_first(&mut self, group: usize, weight: f64) {
        self.first[group] += weight;
    }

    /// An access at that distance in keys.
    pub(super) fn add(&mut self, group: usize, distance: u64, weight: f64) {
        self.bins[bin(distance)][group] += weight;
        self.greatest = self.greatest.max(distance);
    }

    /// Misses at each of these capacities, which ascend, by group.
    pub(super) fn at(&self, capacities: &[f64]) -> Vec<[f64; GROUPS]> {
        let mut all = vec![self.first; capacities.len()];
        let mut beyond = self.first;
        let mut bin = BINS;
        for (place, capacity) in capacities.iter().enumerate().rev() {
            // Those that lie wholly at the capacity or beyond.
            while bin > 0 && lower(bin - 1) as f64 >= *capacity {
                bin -= 1;
                add(&mut beyond, &self.bins[bin], 1.0);
            }
            all[place] = beyond;
            if let Some(inside) = bin.checked_sub(1) {
                let (low, high) = (lower(inside) as f64, lower(inside + 1) as f64);
                add(&mut all[place], &self.bins[inside], ((high - capacity) / (high - low)).clamp(0.0, 1.0));
            }
        }
        all
    }

    /// Capacities at which the curve is worth drawing: eight to an octave, all below sixteen.
    pub(super) fn capacities(&self) -> Vec<u64> {
        let end = bin(self.greatest.saturating_add(1)) + 1;
        let low = (0..EXACT.min(end)).filter(|bin| *bin > 0 && bin % (bin / 8).max(1).next_power_of_two() == 0);
        let high = (EXACT..end.max(EXACT)).step_by(PARTS / 8);
        let mut all: Vec<u64> = low.chain(high).map(lower).collect();
        all.push(self.greatest.saturating_add(1));
        all.sort_unstable();
        all.dedup();
        all
    }

    /// The memory in use, in bytes.
    pub(super) fn bytes(&self) -> usize {
        size_of::<Self>() + self.bins.capacity() * size_of::<[f64; GROUPS]>()
    }
}

fn add(to: &mut [f64; GROUPS], what: &[f64; GROUPS], share: f64) {
    to.iter_mut().zip(what).for_each(|(to, what)| *to += what * share);
}

/// The sum over the groups, and the standard deviation that it has by which keys were chosen.
pub(super) fn sum_and_deviation(groups: &[f64; GROUPS]) -> (f64, f64) {
    let sum: f64 = groups.iter().sum();
    let mean = sum / GROUPS as f64;
    let squares: f64 = groups.iter().map(|count| (count - mean) * (count - mean)).sum();
    (sum, (squares * GROUPS as f64 / (GROUPS - 1) as f64).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_are_contiguous() {
        for index in 1..BINS {
            let low = lower(index);
            assert_eq!((bin(low - 1), bin(low)), (index - 1, index));
        }
        assert_eq!((bin(0), bin(u64::MAX), lower(BINS - 1)), (0, BINS - 1, 1 << HIGH_BITS));
    }

    #[test]
    fn what_is_not_below_the_capacity_misses() {
        let mut misses = Misses::new();
        misses.add_first(0, 5.0);
        [3, 3, 10, 1_000].into_iter().for_each(|distance| misses.add(1, distance, 2.0));
        let total: Vec<f64> =
            misses.at(&[0.0, 3.0, 4.0, 10.0, 11.0, 900.0, 2_000.0]).iter().map(|groups| groups.iter().sum()).collect();
        assert_eq!(total, [13.0, 13.0, 9.0, 9.0, 7.0, 7.0, 5.0]);
        assert_eq!(misses.at(&[11.0])[0][..2], [5.0, 2.0]);
        let drawn = misses.capacities();
        assert_eq!((drawn[0], drawn[14], drawn.last()), (1, 15, Some(&1_001)));
        assert!(drawn.is_sorted() && drawn.len() < 64, "{drawn:?}");
    }

    #[test]
    fn equal_groups_deviate_by_nothing() {
        assert_eq!(sum_and_deviation(&[2.0; GROUPS]), (16.0, 0.0));
        let (sum, deviation) = sum_and_deviation(&[0.0, 4.0, 0.0, 4.0, 0.0, 4.0, 0.0, 4.0]);
        assert!(sum == 16.0 && (6.0..6.1).contains(&deviation), "{deviation}");
    }
}
