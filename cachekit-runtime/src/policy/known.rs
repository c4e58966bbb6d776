//! What a policy is told of an entry that was in the cache before the policy was.

/// What the policy before knew of an entry that a live switch hands over, see [`Policy::on_adopt`](super::Policy::on_adopt).
#[derive(Clone, Copy, PartialEq, Debug, Default)]
#[non_exhaustive]
pub struct Known {
    /// Hits that the policy before counted. As exact as its counters: 0 if it kept none, and never more than their maximum.
    pub hits: u32,
    /// The entry's place in the order in which the policy before would have evicted all entries of the shard, from 0, the first
    /// to go, to 1, the last.
    pub rank: f32,
}

impl Known {
    /// For tests of one's own policy. A `rank` outside of 0 to 1 is brought to the nearer of the two, one that is no number to 0.
    pub fn new(hits: u32, rank: f32) -> Self {
        Known { hits, rank: if rank.is_nan() { 0.0 } else { rank.clamp(0.0, 1.0) } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rank_is_between_0_and_1() {
        assert_eq!([-1.0, 0.25, 7.0, f32::NAN].map(|rank| Known::new(3, rank).rank), [0.0, 0.25, 1.0, 0.0]);
    }
}
