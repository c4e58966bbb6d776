//! What a cache counts, and how it looks to its users.

mod counters;
mod far;
mod histogram;
mod snapshot;

pub(crate) use counters::{Bypass, Counters, LoadEnd, Miss, Refusal, Takeover};
#[cfg(feature = "backend")]
pub(crate) use far::FarCounters;
pub use far::FarStats;
#[cfg(feature = "registry")]
pub(crate) use histogram::Histogram;
pub use histogram::LoadTimes;
pub use snapshot::{Bypasses, Misses, Refusals, Removals, Stats, Takeovers};
