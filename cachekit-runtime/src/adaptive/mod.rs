//! `strategy = "adaptive"`: which policy would hit most, found out by simulating the candidates.
//!
//! A [`Sampler`] keeps the accesses of a sample of the keys in a lossy queue (`ring`). A [`Tuner`] replays them through one
//! [`Miniature`] for each candidate, a cache without values that is as much smaller as the sample is, and by a [`Rule`] says when to
//! switch. [`Adaptive`] is what a cache holds of this, and a [`Driver`] the thread on which it happens.
//!
//! Simulations are compared with each other and never with the cache itself, whose hit ratio depends on what it has been before. The
//! sampler serves whatever else wants a sample of the accesses, such as a curve of the miss ratio over the capacity.
//!
//! `docs/adaptive.md` has the costs, the choice of the parameters, and what the traces say.

mod driver;
mod handle;
mod miniature;
mod ring;
mod rule;
mod sampler;
mod stats;
#[cfg(test)]
mod tests;
mod tuner;

pub use driver::{Driver, Stepped};
pub use handle::{Adaptive, Step, Stepping};
#[cfg(feature = "advice")]
pub(crate) use handle::{stripes, try_lock};
pub use miniature::Miniature;
#[cfg(feature = "advice")]
pub(crate) use ring::Ring;
pub use rule::{BLOCK, Better, Evidence, Rule};
pub use sampler::{MINIATURE, Sampler};
pub use stats::{AdaptiveStats, CandidateStats, LAST_SWITCHES, SwitchStats};
pub use tuner::{Switch, Tuner};

use crate::policy::Strategy;

/// The strategies that `"adaptive"` chooses among; it starts with the first. The smallest set that comes close to the best policy for
/// each trace: others gained nothing.
#[must_use]
pub fn candidates() -> [Strategy; 3] {
    [Strategy::S3TinyLfu, Strategy::Lru, Strategy::Lirs]
}
