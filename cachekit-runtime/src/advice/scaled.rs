//! A miniature under a policy that is another one when it is scaled down.

use crate::{
    adaptive::Miniature,
    policy::{PolicyFactory, Strategy},
};

/// A miniature of a part of the keys, in which also those count that it does not see.
///
/// A policy whose newest entry is the next to go, as LFU's is among popular ones, keeps it until the next miss. In a miniature that would be the next miss of a key
/// that it sees, which is later by as much as it is smaller. So once a key that is not seen must have missed, the next victim goes, and its place stays free: the key that
/// took it is of those that are not seen.
pub(super) struct Scaled {
    pub(super) miniature: Miniature,
    unseen: Option<Unseen>,
}

/// What is known of the accesses of keys that are not seen.
struct Unseen {
    /// The part of the keys that the sample has: between two of its accesses there are others, that nothing is known of.
    sample: f64,
    /// The part of the accesses that miss: the mean of those seen lately.
    misses: f64,
    accesses: u32,
    /// Whether no other key has missed since a seen one did.
    is_newest: bool,
    random: u64,
}

/// Over how many accesses their misses are averaged.
const LATELY: u32 = 4_096;

impl Scaled {
    /// So many entries for that part of the keys, out of a sample that has another part of them.
    pub(super) fn new(strategy: &Strategy, factory: &PolicyFactory, entries: usize, part: f64, sample: f64) -> Self {
        let is_another = matches!(strategy, Strategy::Lfu) && part < 1.0;
        let unseen = is_another.then_some(Unseen {
            sample,
            misses: 0.0,
            accesses: 0,
            is_newest: false,
            random: 0x9e37_79b9_7f4a_7c15,
        });
        Scaled { miniature: Miniature::new(factory, entries), unseen }
    }

    /// An access of the sample whose key it does not see.
    #[inline]
    pub(super) fn pass(&mut self) {
        if let Some(unseen) = self.unseen.as_mut().filter(|unseen| unseen.is_newest) {
            unseen.pass(unseen.none_outside() * (1.0 - unseen.misses), &mut self.miniature);
        }
    }

    /// Whether an access of a key that it sees is a hit.
    pub(super) fn access(&mut self, hash: u64) -> bool {
        let Some(unseen) = &mut self.unseen else { return self.miniature.access(hash) };
        if unseen.is_newest {
            unseen.pass(unseen.none_outside(), &mut self.miniature);
        }
        let hit = self.miniature.access(hash);
        unseen.saw(hit);
        hit
    }

    pub(super) fn bytes(&self) -> usize {
        self.miniature.bytes() + size_of::<Option<Unseen>>()
    }
}

impl Unseen {
    /// How probable it is that none missed between two accesses of the sample. How many there are has a geometric distribution, and each hits by the chance of all.
    fn none_outside(&self) -> f64 {
        self.sample / (self.sample + self.misses * (1.0 - self.sample))
    }

    /// Some may have missed; that none did has this probability.
    fn pass(&mut self, none: f64, miniature: &mut Miniature) {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        let drawn = (self.random >> 11) as f64 / 2_f64.powi(53);
        if drawn >= none {
            self.is_newest = false;
            miniature.make_room();
        }
    }

    fn saw(&mut self, hit: bool) {
        self.accesses = (self.accesses + 1).min(LATELY);
        self.misses += (f64::from(!hit) - self.misses) / f64::from(self.accesses);
        self.is_newest |= !hit;
    }
}
