//! What happened: of a call, of an entry that went, of an invalidation.

use std::time::Duration;

/// How one call was answered; from a companion's `traced`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outcome {
    /// Where the value came from.
    pub kind: OutcomeKind,
    /// The tier that answered; `None` for a computed value.
    pub tier: Option<Tier>,
    /// Age of a value from the cache; `None` for a computed one, and for caches without any freshness argument, which do not record it.
    pub age: Option<Duration>,
}

/// Where a value came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum OutcomeKind {
    /// From the cache, fresh.
    Hit,
    /// From the cache, past its ttl and within a stale allowance.
    StaleHit,
    /// Computed by this call.
    Miss,
    /// Computed by another call that was already under way.
    Joined,
    /// Computed by this call past the cache: by `bypass_if`, to break a cycle, with the cache disabled, or beside an async leader.
    Bypassed,
}

/// A place that can answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Tier {
    /// The memory of this process.
    Memory,
    /// The file store.
    File,
    /// Redis.
    Redis,
    /// A backend of the user's own.
    Own,
}

impl Tier {
    /// As metrics and spans call it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Tier::Memory => "memory",
            Tier::File => "file",
            Tier::Redis => "redis",
            Tier::Own => "own",
        }
    }
}

impl Outcome {
    /// The outcome of a call that has not been answered yet: a bypass.
    #[must_use]
    pub const fn new() -> Self {
        Outcome { kind: OutcomeKind::Bypassed, tier: None, age: None }
    }

    pub(crate) fn found_in_memory(&mut self, kind: OutcomeKind, age: Option<Duration>) {
        *self = Outcome { kind, tier: Some(Tier::Memory), age };
    }

    #[cfg(feature = "backend")]
    pub(crate) fn found(&mut self, kind: OutcomeKind, tier: Tier, age: Duration) {
        *self = Outcome { kind, tier: Some(tier), age: Some(age) };
    }

    pub(crate) fn computed(&mut self, kind: OutcomeKind) {
        *self = Outcome { kind, tier: None, age: None };
    }
}

impl Default for Outcome {
    fn default() -> Self {
        Self::new()
    }
}

/// Why an entry left the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RemovalCause {
    /// By the policy, to make room.
    Evicted,
    /// By time.
    Expired,
    /// By a caller: `invalidate`, `remove`, `clear`, `retain`.
    Invalidated,
    /// By a newer value of the same key.
    Replaced,
}

/// How far an insertion or invalidation has reached when the call returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Delivery {
    /// This process; there is no other that shares the cache.
    Local,
    /// All processes.
    Shared,
    /// This process; the others as soon as the backend is back.
    Queued,
}

impl Delivery {
    /// Of two, what holds for both.
    #[must_use]
    pub fn and(self, other: Delivery) -> Delivery {
        match (self, other) {
            (Delivery::Queued, _) | (_, Delivery::Queued) => Delivery::Queued,
            (Delivery::Shared, _) | (_, Delivery::Shared) => Delivery::Shared,
            (Delivery::Local, Delivery::Local) => Delivery::Local,
        }
    }
}
