//! What a cache counts, and how it looks to its users.

pub(crate) mod counters;
mod histogram;
mod snapshot;

pub use histogram::LoadTimes;
pub use snapshot::{Bypasses, Misses, Refusals, Removals, Stats, Takeovers};
