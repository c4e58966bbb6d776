//! What is in force for a cache.

use std::time::Duration;

/// What a cache may hold, for how long, and who makes room: what it was built with, or what was changed since.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Configuration {
    /// The most that it holds.
    pub bound: Bound,
    /// How long a value is fresh.
    pub ttl: Ttl,
    /// How long an entry stays without being used; `None`: that does not matter.
    pub idle: Option<Duration>,
    /// How long past its ttl a value is given while one caller refreshes it.
    pub stale_while_revalidate: Duration,
    /// How long past its ttl a value is given in place of an error.
    pub stale_if_error: Duration,
    /// From how many percent of its ttl on a value is refreshed; `None`: not before its end.
    pub refresh_ahead: Option<f64>,
    /// Who makes room, by name: the one of now is in [`AnyCache::adaptive_stats`](super::AnyCache::adaptive_stats) where this is `adaptive`.
    pub strategy: String,
    /// Whether it is switched on.
    pub is_enabled: bool,
    /// The version that it was built with.
    pub version: u64,
    /// The most loaders at once; `None`: any number.
    pub max_loads: Option<usize>,
    /// Whether concurrent callers of one missing key share one load.
    pub single_flight: bool,
    /// How long all waits of one call for backends take together.
    pub timeout: Duration,
    /// The lease of the fill lock; `None`: there is no lock.
    pub lock: Option<Duration>,
}

/// The most that a cache holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Bound {
    /// So many entries.
    Entries(u64),
    /// So many bytes, or units of its weigher.
    Weight(u64),
    /// Anything.
    Unbounded,
}

/// How long a value is fresh.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ttl {
    /// For ever.
    Never,
    /// For so long.
    Fixed(Duration),
    /// A function of the value says so.
    ByValue,
}
