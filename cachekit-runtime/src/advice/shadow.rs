//! One strategy at one capacity, scaled down.

use super::{
    misses::{GROUPS, group},
    spread,
};
use crate::{adaptive::Miniature, policy::Strategy};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A cache without values, as much smaller than the capacity as the part of the keys that it sees: Waldspurger, Saemundsson, Ahmad, Park, "Cache Modeling
/// and Optimization using Miniature Simulations", USENIX ATC 2017, section 3.
///
/// That holds for policies whose parts grow with the capacity. One whose newest entry is always the next to go, as LFU's is among popular ones, keeps it for as long
/// as until the next miss, and scaled down misses are rarer. So beside it runs a witness, smaller still: what changes from here to there has changed
/// until here too.
pub(super) struct Shadow {
    pub(super) strategy: Strategy,
    pub(super) capacity: usize,
    /// Keys with greater hashes are not seen.
    pub(super) limit: u64,
    entries: usize,
    /// `None` once its policy has panicked.
    simulated: Option<Simulated>,
    pub(super) misses: [f64; GROUPS],
    /// The misses of keys that the witness sees, here and there.
    compared: [f64; 2],
}

struct Simulated {
    miniature: Miniature,
    /// The same once more, scaled down by [`SCALE`] beyond this one. `None` where all keys are seen.
    witness: Option<Miniature>,
}

/// By how much a witness is smaller.
pub(super) const SCALE: usize = 4;

impl Shadow {
    /// At most `most` entries stand for the capacity, and it sees at most that share of the keys.
    pub(super) fn new(strategy: &Strategy, capacity: usize, most: usize, share: f64) -> Self {
        let rate = share.min(most as f64 / capacity.max(1) as f64);
        // The share of a few entries may be less than one.
        let entries = ((capacity as f64 * rate).round() as usize).clamp(1, capacity.max(1));
        let factory = strategy.factory();
        Shadow {
            strategy: strategy.clone(),
            capacity,
            limit: super::limit(rate),
            entries,
            simulated: catch_unwind(AssertUnwindSafe(|| Simulated {
                miniature: Miniature::new(&factory, entries),
                witness: (rate < 1.0).then(|| Miniature::new(&factory, (entries / SCALE).max(1))),
            }))
            .ok(),
            misses: [0.0; GROUPS],
            compared: [0.0; 2],
        }
    }

    /// Simulates those of the accesses that it sees. A policy that panics, as a user's may, is not asked again.
    pub(super) fn feed(&mut self, hashes: &[u64]) {
        let Some(Simulated { miniature, witness }) = &mut self.simulated else { return };
        let (limit, for_witness, misses, compared) =
            (self.limit, self.limit / SCALE as u64, &mut self.misses, &mut self.compared);
        let run = AssertUnwindSafe(|| {
            for hash in hashes.iter().copied().filter(|hash| *hash <= limit) {
                let misses_here = !miniature.access(spread(hash));
                misses[group(hash)] += f64::from(misses_here);
                if let Some(witness) = witness.as_mut().filter(|_| hash <= for_witness) {
                    compared[0] += f64::from(misses_here);
                    compared[1] += f64::from(!witness.access(spread(hash)));
                }
            }
        });
        if catch_unwind(run).is_err() {
            let broken = self.simulated.take();
            // Its destructor may panic too.
            drop(catch_unwind(AssertUnwindSafe(|| drop(broken))));
            tracing::warn!(strategy = self.strategy.name(), "a policy panicked in the simulation and is left out");
        }
    }

    /// Did its policy panic?
    pub(super) fn has_failed(&self) -> bool {
        self.simulated.is_none()
    }

    /// Is the policy not known to be another one when it is scaled down? Of LFU it is: see [`Shadow`].
    pub(super) fn is_scalable(&self) -> bool {
        !matches!(self.strategy, Strategy::Lfu)
    }

    /// Has it been full? Until then it tells of no eviction.
    pub(super) fn is_full(&self) -> bool {
        self.simulated.as_ref().is_some_and(|simulated| simulated.miniature.len() >= self.entries)
    }

    /// Entries of the simulation.
    pub(super) fn entries(&self) -> usize {
        self.entries
    }

    /// How many accesses miss here and hit where the same is scaled down once more, or the other way round: estimated, of all keys. For a policy that is the
    /// same at any scale, next to none.
    pub(super) fn changed_by_scale(&self) -> f64 {
        (self.compared[0] - self.compared[1]).abs() / super::rate(self.limit / SCALE as u64)
    }

    /// The memory in use, in bytes; what policies allocate is estimated.
    pub(super) fn bytes(&self) -> usize {
        let simulated = self.simulated.iter();
        let all = simulated.flat_map(|simulated| [&simulated.miniature].into_iter().chain(&simulated.witness));
        size_of::<Self>() + all.map(Miniature::bytes).sum::<usize>()
    }
}
