//! Random numbers from a fixed seed, and what is drawn with them.

use crate::keys::scatter;

/// A sequence of numbers that is the same in every run (SplitMix64: Steele, Lea, Flood, OOPSLA 2014).
#[derive(Debug, Clone)]
pub struct Random {
    state: u64,
}

impl Random {
    /// The sequence of a seed.
    #[must_use]
    pub fn of(seed: u64) -> Random {
        Random { state: scatter(seed) }
    }

    /// Any number.
    #[inline]
    pub fn number(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        scatter(self.state)
    }

    /// A number below `bound`, without a division.
    #[inline]
    pub fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.number()) * bound as u128) >> 64) as usize
    }

    /// A number from 0 on, below 1.
    pub fn unit(&mut self) -> f64 {
        (self.number() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Ranks, of which the one at `r` (from 0) is drawn in proportion to `(r + 1)^-exponent`.
#[derive(Debug)]
pub struct Zipf {
    /// By rank, the probability of this rank and of all before it.
    sums: Vec<f64>,
}

impl Zipf {
    /// Over so many ranks.
    #[must_use]
    pub fn new(ranks: usize, exponent: f64) -> Zipf {
        let weights = (1..=ranks).map(|rank| (rank as f64).powf(-exponent));
        let mut sums: Vec<f64> = weights
            .scan(0.0, |sum, weight| {
                *sum += weight;
                Some(*sum)
            })
            .collect();
        let total = sums.last().copied().unwrap_or(1.0);
        sums.iter_mut().for_each(|sum| *sum /= total);
        Zipf { sums }
    }

    /// Draws a rank.
    pub fn draw(&self, random: &mut Random) -> usize {
        let at = random.unit();
        self.sums.partition_point(|sum| *sum <= at).min(self.sums.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_come_as_often_as_they_should() {
        let (zipf, mut random) = (Zipf::new(10, 1.0), Random::of(1));
        let mut counts = [0_u32; 10];
        (0..29_290).for_each(|_| counts[zipf.draw(&mut random)] += 1);
        // The tenth harmonic number is 2.929, so that the first rank is due 10 000 times and the tenth 1 000 times.
        assert!((9_700..10_300).contains(&counts[0]), "{counts:?}");
        assert!((880..1_120).contains(&counts[9]), "{counts:?}");
    }

    #[test]
    fn numbers_below_a_bound_reach_all_of_it() {
        let mut random = Random::of(2);
        let seen: std::collections::BTreeSet<usize> = (0..200).map(|_| random.below(7)).collect();
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5, 6]);
    }
}
