//! A checker of what is promised across processes: several processes and a real Redis Cluster, random calls and invalidations, faults from a seeded
//! schedule; every call's result is compared with the guarantee table.
//!
//! The truth is the `source`: for each key of each cached function a version that only grows, kept by the parent. Whoever changes something raises the version
//! there, then invalidates, and reports what came of it and when. Every call reports the version that it was given and when. `check` has the table and no
//! processes: it is given a history, and says which calls were given something too old. `run` has the processes: [`node`] is what each of them does,
//! `faults` what befalls them, `report` what is told of it.

mod check;
mod faults;
mod history;
pub mod node;
mod random;
mod report;
mod run;
mod source;
#[cfg(test)]
mod tests;

pub use report::Report;
pub use run::run;

use std::{path::PathBuf, time::Duration};

/// What is to be run.
#[derive(Debug, Clone)]
pub struct Plan {
    /// What calls, changes and faults are drawn from. The same seed gives the same faults in the same order; what the processes do between them differs.
    pub seed: u64,
    /// How long calls go on.
    pub duration: Duration,
    /// How many processes.
    pub nodes: usize,
    /// Parts of the protocol that are switched off: `epochs`, `witness`, `lease`, `boot`.
    pub without: Vec<String>,
    /// Parts of it that stay on, and are needed as often as if they were to be missed.
    pub often: Vec<String>,
    /// The program that is started with `node` and its arguments, and calls [`node::main`].
    pub program: PathBuf,
}

/// A function whose results are cached in some way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kind {
    /// The name of the cache.
    pub(crate) name: &'static str,
    /// Does memory stand in front of Redis, or do tags belong to it? Then others may see a change late.
    pub(crate) is_bounded: bool,
    /// Does memory stand in front?
    pub(crate) is_near: bool,
    pub(crate) has_tags: bool,
    /// How long an entry lives. A short one shows what outlives it; with a long one, what is never repeated after a failover is still there when it should be.
    pub(crate) ttl: Duration,
}

/// The functions of [`node`].
pub(crate) const KINDS: [Kind; 4] = [
    Kind { name: "near", is_bounded: true, is_near: true, has_tags: false, ttl: LONG },
    Kind { name: "far", is_bounded: false, is_near: false, has_tags: false, ttl: SHORT },
    Kind { name: "near_tagged", is_bounded: true, is_near: true, has_tags: true, ttl: LONG },
    Kind { name: "far_tagged", is_bounded: true, is_near: false, has_tags: true, ttl: SHORT },
];

/// Keys of each function.
pub(crate) const KEYS: usize = 24;

/// Tags; the keys of those functions that have some are divided among them.
pub(crate) const GROUPS: usize = 4;

/// How long entries live.
pub(crate) const SHORT: Duration = Duration::from_secs(15);
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// A key of a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    pub(crate) kind: usize,
    pub(crate) key: usize,
}

impl Place {
    pub(crate) fn all() -> impl Iterator<Item = Place> {
        (0..KINDS.len()).flat_map(Self::of_kind)
    }

    pub(crate) fn of_kind(kind: usize) -> impl Iterator<Item = Place> {
        (0..KEYS).map(move |key| Place { kind, key })
    }

    pub(crate) fn of_group(group: usize) -> impl Iterator<Item = Place> {
        Self::all().filter(move |place| KINDS[place.kind].has_tags && place.key % GROUPS == group)
    }

    pub(crate) fn ttl(self) -> Duration {
        KINDS[self.kind].ttl
    }

    pub(crate) fn index(self) -> usize {
        self.kind * KEYS + self.key
    }
}

/// Now, in nanoseconds by the clock that all processes of a machine share.
pub(crate) fn now() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    u64::try_from(now.tv_sec).unwrap_or(0) * 1_000_000_000 + u64::try_from(now.tv_nsec).unwrap_or(0)
}
