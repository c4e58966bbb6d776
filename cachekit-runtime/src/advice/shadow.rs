//! One strategy at one capacity, scaled down.

use super::{
    misses::{GROUPS, group},
    scaled::Scaled,
    spread,
};
use crate::policy::Strategy;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A cache without values, as much smaller than the capacity as the part of the keys that it sees: Waldspurger, Saemundsson, Ahmad, Park, "Cache Modeling
/// and Optimization using Miniature Simulations", USENIX ATC 2017, section 3.
///
/// That holds for policies whose parts grow with the capacity; of LFU more is needed (see [`Scaled`]). Whether it does is told by a witness that runs beside it, smaller
/// still: what changes from here to there has changed until here too.
pub(super) struct Shadow {
    pub(super) strategy: Strategy,
    pub(super) capacity: usize,
    /// Keys with greater hashes are not seen.
    pub(super) limit: u64,
    /// Those with greater ones still are not in the sample, or not for long.
    sample: u64,
    entries: usize,
    /// `None` once its policy has panicked.
    simulated: Option<Simulated>,
    pub(super) misses: [f64; GROUPS],
    /// The misses of keys that the witness sees, here and there.
    compared: [f64; 2],
}

struct Simulated {
    scaled: Scaled,
    /// The same once more, scaled down by [`SCALE`] beyond this one. `None` where all keys are seen.
    witness: Option<Scaled>,
}

/// By how much a witness is smaller.
pub(super) const SCALE: usize = 4;

impl Shadow {
    /// What part of the keys it would see of a share of them: at most `most` entries stand for the capacity.
    pub(super) fn part(capacity: usize, most: usize, share: f64) -> f64 {
        share.min(most as f64 / capacity.max(1) as f64)
    }

    /// It sees that [`part`](Self::part) of the keys; of a greater one its accesses are known.
    pub(super) fn new(strategy: &Strategy, capacity: usize, rate: f64, sample: f64) -> Self {
        // The share of a few entries may be less than one.
        let entries = ((capacity as f64 * rate).round() as usize).clamp(1, capacity.max(1));
        let factory = strategy.factory();
        Shadow {
            strategy: strategy.clone(),
            capacity,
            limit: super::limit(rate),
            sample: super::limit(sample),
            entries,
            simulated: catch_unwind(AssertUnwindSafe(|| Simulated {
                scaled: Scaled::new(strategy, &factory, entries, rate, sample),
                witness: (rate < 1.0).then(|| {
                    let entries = (entries / SCALE).max(1);
                    Scaled::new(strategy, &factory, entries, rate / SCALE as f64, sample)
                }),
            }))
            .ok(),
            misses: [0.0; GROUPS],
            compared: [0.0; 2],
        }
    }

    /// Simulates those of the accesses that it sees. A policy that panics, as a user's may, is not asked again.
    pub(super) fn feed(&mut self, hashes: &[u64]) {
        let Some(Simulated { scaled, witness }) = &mut self.simulated else { return };
        let (limit, for_witness, sample) = (self.limit, self.limit / SCALE as u64, self.sample);
        let (misses, compared) = (&mut self.misses, &mut self.compared);
        let run = AssertUnwindSafe(|| {
            for hash in hashes.iter().copied().filter(|hash| *hash <= sample) {
                if hash > limit {
                    scaled.pass();
                    witness.iter_mut().for_each(Scaled::pass);
                    continue;
                }
                let misses_here = !scaled.access(spread(hash));
                misses[group(hash)] += f64::from(misses_here);
                match witness {
                    Some(witness) if hash <= for_witness => {
                        compared[0] += f64::from(misses_here);
                        compared[1] += f64::from(!witness.access(spread(hash)));
                    }
                    Some(witness) => witness.pass(),
                    None => {}
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
        self.simulated.as_ref().is_some_and(|simulated| simulated.scaled.miniature.len() >= self.entries)
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
        let all = simulated.flat_map(|simulated| [&simulated.scaled].into_iter().chain(&simulated.witness));
        size_of::<Self>() + all.map(Scaled::bytes).sum::<usize>()
    }
}
