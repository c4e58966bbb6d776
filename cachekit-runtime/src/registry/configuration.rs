//! What is in force for a cache.

use crate::cache::Setting;
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
    /// Whether every call computes, and what would have been a hit is compared with that.
    pub is_dry_run: bool,
    /// After how long a stale value is given while a load goes on, where the code asks for that.
    pub soft_load_timeout: Option<Duration>,
    /// After how long a load fails, where the code asks for that.
    pub hard_load_timeout: Option<Duration>,
    /// Whether the code asks for a soft load timeout: elsewhere none is looked at, whoever says one.
    pub has_soft_load_timeout: bool,
    /// Whether the code asks for a hard load timeout.
    pub has_hard_load_timeout: bool,
    /// What others than the code have said, and who of them counts.
    pub sources: Vec<(Setting, Source)>,
}

/// Who says what a setting is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Source {
    /// The attribute, or the builder.
    Code,
    /// `cachekit.toml`.
    File,
    /// A variable of the environment.
    Environment,
    /// A change while it is in use, until it is [taken back](super::AnyCache::take_back).
    Live,
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
