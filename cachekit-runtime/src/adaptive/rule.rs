//! When to switch: the evidence of the simulations, and what has to be in it.

/// Samples that are compared as one: what hits have in common within a block does not count as independent evidence.
pub const BLOCK: usize = 64;

/// When to switch. [`Rule::default`] is what was tuned on traces; `docs/adaptive.md` has the figures.
///
/// At the end of each window the candidate with the most hits in the evidence replaces the current strategy if its gain, in hits, is
/// more than each of
///
/// - [`points`](Self::points) of the samples in the evidence,
/// - [`sigmas`](Self::sigmas) standard deviations of the difference,
/// - [`cost`](Self::cost) of the miniature's capacity: what a switch itself is reckoned to cost, since the new policy has to find out
///   again what the old one had remembered;
///
/// and if at least [`dwell`](Self::dwell) windows have passed since the last switch or the beginning. Going back to the strategy that the last
/// switch had left doubles the dwell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rule {
    /// The length of a window in samples, rounded up to whole blocks. At least the capacity of the miniatures, so that each entry can
    /// have been replaced.
    pub window: usize,
    /// What evidence is worth one window later: 1 forgets nothing.
    pub decay: f64,
    /// The least gain in hit ratio: 0.01 is one point.
    pub points: f64,
    /// The least gain in standard deviations of the gain.
    pub sigmas: f64,
    /// The least gain in hits, as a part of the capacity of the miniatures.
    pub cost: f64,
    /// The least number of windows between two switches, to begin with.
    pub dwell: u32,
    /// Where the doubling of the dwell stops, in windows.
    pub longest_dwell: u32,
}

impl Default for Rule {
    fn default() -> Self {
        Rule { window: 1024, decay: 0.95, points: 0.005, sigmas: 2.0, cost: 0.2, dwell: 8, longest_dwell: 256 }
    }
}

impl Rule {
    /// The length of a window in blocks.
    #[must_use]
    pub fn blocks(&self) -> usize {
        self.window.div_ceil(BLOCK).max(1)
    }
}

/// A candidate that is better than the current one, by enough.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Better {
    /// Its index.
    pub candidate: usize,
    /// Its gain in hit ratio, from 0 to 1.
    pub gain: f64,
}

/// The hits of the candidates in the same samples, the older the less they count, and how much the differences between
/// candidates scatter.
#[derive(Clone, Debug)]
pub struct Evidence {
    hits: Vec<f64>,
    /// Of each pair of candidates, the sum of the squared differences of the blocks: the variance of the sum of the differences, if
    /// blocks are independent and the candidates equal.
    squares: Vec<f64>,
    samples: f64,
}

impl Evidence {
    /// Nothing is known of that many candidates.
    #[must_use]
    pub fn new(candidates: usize) -> Self {
        Evidence { hits: vec![0.0; candidates], squares: vec![0.0; candidates * candidates], samples: 0.0 }
    }

    /// A window begins: what is known counts less.
    pub fn age(&mut self, decay: f64) {
        self.samples *= decay;
        self.hits.iter_mut().for_each(|hits| *hits *= decay);
        self.squares.iter_mut().for_each(|squares| *squares *= decay * decay);
    }

    /// The hits of each candidate in one block.
    pub fn add(&mut self, block: &[u32]) {
        self.samples += BLOCK as f64;
        let candidates = self.hits.len();
        for (first, hits) in block.iter().enumerate() {
            self.hits[first] += f64::from(*hits);
            for (second, other) in block.iter().enumerate() {
                let difference = f64::from(*hits) - f64::from(*other);
                self.squares[first * candidates + second] += difference * difference;
            }
        }
    }

    /// Forgets one candidate, as if it had never hit anything.
    pub fn forget(&mut self, candidate: usize) {
        self.hits[candidate] = 0.0;
    }

    /// The candidate to switch to, if there is one. `able` says which may be chosen.
    #[must_use]
    pub fn better(
        &self,
        current: usize,
        able: impl Fn(usize) -> bool,
        rule: &Rule,
        miniature: usize,
    ) -> Option<Better> {
        if self.hits.is_empty() {
            return None;
        }
        // The first of equals, so that the order of the candidates decides and not chance.
        let mut best = current;
        for candidate in (0..self.hits.len()).filter(|candidate| able(*candidate)) {
            if self.hits[candidate] > self.hits[best] {
                best = candidate;
            }
        }
        let gain = self.hits[best] - self.hits[current];
        let sigma = self.squares[best * self.hits.len() + current].sqrt();
        let least = (rule.points * self.samples).max(rule.sigmas * sigma).max(rule.cost * miniature as f64);
        (best != current && gain > least).then(|| Better { candidate: best, gain: gain / self.samples })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: Rule =
        Rule { window: 256, decay: 1.0, points: 0.01, sigmas: 2.0, cost: 0.1, dwell: 1, longest_dwell: 8 };

    fn of(blocks: &[[u32; 2]]) -> Evidence {
        let mut evidence = Evidence::new(2);
        blocks.iter().for_each(|block| evidence.add(block));
        evidence
    }

    fn better(evidence: &Evidence, miniature: usize) -> Option<usize> {
        evidence.better(0, |_| true, &RULE, miniature).map(|better| better.candidate)
    }

    #[test]
    fn windows_are_whole_blocks() {
        assert_eq!([1, 64, 65, 1000].map(|window| Rule { window, ..RULE }.blocks()), [1, 1, 2, 16]);
    }

    #[test]
    fn a_window_is_no_shorter_than_a_miniature() {
        assert!(Rule::default().window >= crate::adaptive::MINIATURE);
    }

    #[test]
    fn a_steady_gain_is_enough_when_it_pays_for_the_switch() {
        // Four more hits in each block: 6.25 points, and sigma grows with the root only.
        assert_eq!(better(&of(&[[10, 14]; 3]), 10), None, "12 more hits are less than twice sigma, 6.9");
        assert_eq!(better(&of(&[[10, 14]; 5]), 10), Some(1));
        assert_eq!(better(&of(&[[10, 14]; 5]), 200), None, "20 hits do not pay for a tenth of 200 entries");
        assert_eq!(better(&of(&[[10, 14]; 6]), 200), Some(1));
        let gain = of(&[[10, 14]; 5]).better(0, |_| true, &RULE, 10).map(|better| better.gain);
        assert_eq!(gain, Some(4.0 / 64.0));
    }

    #[test]
    fn less_than_a_point_is_no_gain() {
        let blocks: Vec<[u32; 2]> = (0..1_000).map(|i| [10, 10 + u32::from(i % 2 == 0)]).collect();
        assert_eq!(better(&of(&blocks), 10), None, "0.8 points");
        let blocks: Vec<[u32; 2]> = (0..1_000).map(|i| [10, 10 + u32::from(i % 4 != 0)]).collect();
        assert_eq!(better(&of(&blocks), 10), Some(1), "1.2 points");
    }

    #[test]
    fn a_gain_that_scatters_needs_more_evidence() {
        // Two points on average, in differences of twenty.
        let blocks: Vec<[u32; 2]> = (0..64).map(|i| if i % 15 < 8 { [10, 30] } else { [30, 10] }).collect();
        let evidence = of(&blocks);
        assert!(evidence.hits[1] - evidence.hits[0] > 0.01 * evidence.samples);
        assert_eq!(better(&evidence, 10), None);
    }

    #[test]
    fn the_current_one_stays_among_equals_and_the_unable_are_passed_over() {
        let mut evidence = Evidence::new(3);
        (0..20).for_each(|_| evidence.add(&[10, 30, 30]));
        let chosen = |able: fn(usize) -> bool| evidence.better(0, able, &RULE, 10).map(|better| better.candidate);
        assert_eq!((chosen(|_| true), chosen(|candidate| candidate != 1), chosen(|_| false)), (Some(1), Some(2), None));
        assert!(evidence.better(2, |_| true, &RULE, 10).is_none());
    }

    #[test]
    fn evidence_ages() {
        let mut evidence = of(&[[0, 10]; 10]);
        for _ in 0..10 {
            evidence.age(0.5);
            (0..10).for_each(|_| evidence.add(&[20, 10]));
        }
        assert_eq!(evidence.better(1, |_| true, &RULE, 10).map(|better| better.candidate), Some(0));
    }
}
