//! Where the entries of a cache are, and how those places fare.

use crate::{breaker::BreakerStats, outcome::Tier, stats::LoadTimes};

/// One place of a cache's entries.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct TierState {
    /// What kind of place it is.
    pub tier: Tier,
    /// The backend's name; `memory` for the memory of this process.
    pub name: String,
    /// `None`: the memory, or a backend that no call has needed yet, or that cannot be had.
    pub breaker: Option<BreakerStats>,
    /// Whether calls look and store there: settings may switch a tier off, or have it elsewhere. Invalidations are told all the same.
    pub is_used: bool,
    /// Invalidations of any cache that it has not taken yet.
    pub undelivered: usize,
    /// How long operations of all caches took there; `None` as for `breaker`.
    pub times: Option<LoadTimes>,
    /// Which backend it is: caches share some.
    pub(crate) link: Option<usize>,
}

impl TierState {
    pub(crate) fn new(tier: Tier, name: impl Into<String>) -> Self {
        TierState { tier, name: name.into(), breaker: None, is_used: true, undelivered: 0, times: None, link: None }
    }
}
