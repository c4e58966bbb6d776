//! What another capacity or another strategy would give, from a bounded sample of the accesses; and the accesses themselves, as a file.
//!
//! An [`Estimator`] takes hashed keys and gives an LRU [`Curve`] and an [`Outlook`] for each strategy at several capacities. It is fed by a live cache
//! ([`Cache::start_advice`](crate::Cache::start_advice)) or by whoever has a stream of hashes. A [`Simulation`] is one strategy at one capacity over all of a
//! stream, without sampling, and [`Optimum`] what no strategy can exceed. [`trace`] writes and reads streams.
//!
//! The sample is spatial: of the keys whose hash is below a threshold every access is seen, of the others none (Waldspurger, Park, Garthwaite, Ahmad,
//! "Efficient MRC Construction with SHARDS", FAST 2015, section 3). `docs/capacity.md` has what it costs, how far it is off on real traces, and where not to
//! trust it.
//!
//! ```
//! # use cachekit_runtime as cachekit;
//! use cachekit::advice::{Estimator, Options, Present};
//! use std::hash::BuildHasher;
//!
//! let hasher = foldhash::fast::FixedState::with_seed(7);
//! let mut estimator = Estimator::new(&Options::for_capacity(100));
//! for turn in 0..30_000_u64 {
//!     estimator.access(hasher.hash_one(turn % 150));
//! }
//! let advice = estimator.advice(&Present::of_capacity(100, "lru"));
//! // A loop that does not fit: LRU loses all of it.
//! assert!(advice.outlook("lru", 100).is_some_and(|outlook| outlook.hit_ratio < 0.01));
//! assert!(advice.outlook("lirs", 100).is_some_and(|outlook| outlook.hit_ratio > 0.6));
//! println!("{advice}");
//! ```

mod curve;
mod distances;
mod estimator;
mod live;
mod misses;
mod optimum;
mod options;
mod report;
mod scaled;
mod shadow;
mod simulation;
#[cfg(test)]
mod tests;
mod top;
pub mod trace;

pub use curve::{Curve, Point};
pub use estimator::Estimator;
pub(crate) use live::Sampling;
pub use optimum::Optimum;
pub use options::Options;
pub use report::{Advice, Outlook, Present};
pub use simulation::Simulation;
pub(crate) use top::{FOLLOWED, SpaceSaving};
pub use top::{TopKey, TopKeys};

use crate::adaptive::Driver;
use std::sync::LazyLock;

/// What the estimates of all caches may take: a tenth of a core.
static DRIVER: LazyLock<Driver> = LazyLock::new(|| Driver::new("cachekit-advice", 9));

/// The part of the keys whose hash is at most `limit`.
fn rate(limit: u64) -> f64 {
    (limit as f64 + 1.0) / 2_f64.powi(64)
}

/// The greatest hash of that part of the keys.
fn limit(rate: f64) -> u64 {
    // The cast saturates.
    (rate * 2_f64.powi(64)) as u64
}

/// A sampled hash is small, and tables take their fingerprints from the upper bits. Odd, so that no two hashes become one.
fn spread(hash: u64) -> u64 {
    hash.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}
