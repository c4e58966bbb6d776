//! The circuit breaker of a backend: what is down costs its callers nothing.
//!
//! Closed, it lets every operation through and counts how they end. It opens at five failures in a row, or when half of at least twenty operations
//! failed: of those since the oldest failure of the last ten seconds. Open, it refuses all of them, until a probe in the background has
//! succeeded (never a user's call): the first after a second, then after pauses that double up to thirty seconds, a fifth more or less. That is the
//! circuit breaker of M. Nygard's "Release It!" with a probe of its own instead of a trial call.
//!
//! A backend that [takes no entries](Failure::NotWritable) is refused fills only, for the same pauses; one that is [busy](Failure::Busy) has not
//! failed; one that is [misconfigured](Failure::Misconfigured) opens at once, for the longest pause. Operations under way are
//! capped: a backend that answers slowly must not gather all callers of a program.

mod machine;
#[cfg(test)]
mod tests;

use crate::{Error, backend::Failure, sync::lock, time::Clock};
use machine::{Circuit, LONGEST_AFTER, Machine};
use std::{
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
};

/// Of the events of all breakers.
const TARGET: &str = "cachekit::breaker";

/// Bits of the word that every operation reads.
const OPEN: u32 = 1;
const NO_FILLS: u32 = 2;

/// A circuit breaker; one for each backend (of a cluster: for each master).
pub struct Breaker {
    /// What messages call the backend.
    name: String,
    clock: Clock,
    most_in_flight: u32,
    /// [`OPEN`] and [`NO_FILLS`]; zero while all is well. Written under the lock of `machine`.
    word: AtomicU32,
    in_flight: AtomicU32,
    /// Failures since the last success.
    in_a_row: AtomicU32,
    successes: AtomicU64,
    refused: AtomicU64,
    machine: Mutex<Machine>,
}

/// What an operation is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// It reads, invalidates, or does anything else than storing an entry.
    Read,
    /// It stores an entry.
    Fill,
}

/// Why an operation is not to be begun. The call goes on without the backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refused {
    /// The breaker is open.
    Open,
    /// The backend takes no entries for now.
    NoFills,
    /// Too many operations are under way.
    Full,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Refused::Open => "its breaker is open",
            Refused::NoFills => "it takes no entries for now",
            Refused::Full => "too many operations are under way",
        })
    }
}

/// The state of a [`Breaker`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BreakerState {
    /// Operations go through.
    Closed,
    /// Operations are refused.
    Open,
    /// Operations are refused while a probe is under way.
    HalfOpen,
}

/// What a [`Breaker`] says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BreakerStats {
    /// Its state.
    pub state: BreakerState,
    /// Fills are refused, although it may be closed.
    pub are_fills_paused: bool,
    /// How often it has opened.
    pub opened: u64,
    /// How many operations it has refused, for any reason.
    pub refused: u64,
    /// How many operations are under way.
    pub in_flight: u32,
    /// The failure that was counted last.
    pub last_failure: Option<String>,
}

impl Breaker {
    /// The default of how many operations may be under way at once.
    pub const MOST_IN_FLIGHT: u32 = 1_024;

    /// A closed one for the backend of that name.
    #[must_use]
    pub fn new(name: impl Into<String>, clock: Clock) -> Self {
        Breaker {
            name: name.into(),
            clock,
            most_in_flight: Self::MOST_IN_FLIGHT,
            word: AtomicU32::new(0),
            in_flight: AtomicU32::new(0),
            in_a_row: AtomicU32::new(0),
            successes: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            machine: Mutex::default(),
        }
    }

    /// With another cap on the operations under way.
    #[must_use]
    pub fn most_in_flight(mut self, most: u32) -> Self {
        self.most_in_flight = most;
        self
    }

    /// Would an operation be let through now, but for the cap? One relaxed load; on a backend that takes no entries, a look at the clock.
    ///
    /// # Errors
    ///
    /// Why not.
    #[inline]
    pub fn admit(&self, purpose: Purpose) -> Result<(), Refused> {
        match self.word.load(Ordering::Relaxed) {
            0 => Ok(()),
            word => self.admit_in_trouble(word, purpose),
        }
    }

    #[cold]
    fn admit_in_trouble(&self, word: u32, purpose: Purpose) -> Result<(), Refused> {
        if word & OPEN != 0 {
            return Err(Refused::Open);
        }
        // After the pause fills are tried again, and the first that goes well lifts it.
        if purpose == Purpose::Fill && self.clock.now() < lock(&self.machine).fills_from {
            return Err(Refused::NoFills);
        }
        Ok(())
    }

    /// Begins an operation. What becomes of it is told to what is returned.
    ///
    /// # Errors
    ///
    /// Why it must not be begun; it is counted.
    #[inline]
    pub fn begin(self: &Arc<Self>, purpose: Purpose) -> Result<Operation, Refused> {
        let refuse = |refused| {
            self.refused.fetch_add(1, Ordering::Relaxed);
            Err(refused)
        };
        if let Err(refused) = self.admit(purpose) {
            return refuse(refused);
        }
        if self.in_flight.fetch_add(1, Ordering::Relaxed) >= self.most_in_flight {
            self.in_flight.fetch_sub(1, Ordering::Relaxed);
            return refuse(Refused::Full);
        }
        Ok(Operation { breaker: Arc::clone(self), purpose })
    }

    /// Begins the probe that is due, if one is: for whoever pings the backend in the background. One at a time.
    #[must_use = "the probe counts as failed when this is dropped"]
    pub fn probe_due(self: &Arc<Self>) -> Option<Probe> {
        let now = self.clock.now();
        lock(&self.machine).begin_probe(now).then(|| Probe { breaker: Some(Arc::clone(self)) })
    }

    /// When the next probe is due, in the nanoseconds of its clock; [`NEVER`](crate::time::NEVER) while it is closed or being probed.
    #[must_use]
    pub fn next_probe(&self) -> u64 {
        lock(&self.machine).next_probe()
    }

    /// How many operations have gone well.
    #[cfg(feature = "redis")]
    pub(crate) fn successes(&self) -> u64 {
        self.successes.load(Ordering::Relaxed)
    }

    /// Its state and its counts.
    #[must_use]
    pub fn stats(&self) -> BreakerStats {
        let now = self.clock.now();
        let machine = lock(&self.machine);
        BreakerStats {
            state: match machine.circuit {
                Circuit::Closed => BreakerState::Closed,
                Circuit::Open { .. } => BreakerState::Open,
                Circuit::HalfOpen { .. } => BreakerState::HalfOpen,
            },
            are_fills_paused: now < machine.fills_from,
            opened: machine.opened,
            refused: self.refused.load(Ordering::Relaxed),
            in_flight: self.in_flight.load(Ordering::Relaxed),
            last_failure: machine.last_failure.clone(),
        }
    }

    #[inline]
    fn succeed(&self, purpose: Purpose) {
        self.successes.fetch_add(1, Ordering::Relaxed);
        // No write while all is well: the line is shared.
        if self.in_a_row.load(Ordering::Relaxed) != 0 {
            self.in_a_row.store(0, Ordering::Relaxed);
        }
        if purpose == Purpose::Fill && self.word.load(Ordering::Relaxed) & NO_FILLS != 0 {
            self.resume_fills();
        }
    }

    #[cold]
    fn resume_fills(&self) {
        let has_resumed = {
            let mut machine = lock(&self.machine);
            self.word.fetch_and(!NO_FILLS, Ordering::Relaxed);
            machine.resume_fills()
        };
        if has_resumed {
            tracing::info!(target: TARGET, backend = %self.name, state = "fills", "the backend takes entries again");
        }
    }

    #[cold]
    fn fail(&self, failure: Failure, message: String) {
        let now = self.clock.now();
        let mut machine = lock(&self.machine);
        let message = machine.last_failure.insert(message).clone();
        let is_too_much = match failure {
            Failure::Busy => return,
            Failure::NotWritable => {
                self.word.fetch_or(NO_FILLS, Ordering::Relaxed);
                let is_first = machine.pause_fills(now);
                drop(machine);
                if is_first {
                    tracing::warn!(target: TARGET, backend = %self.name, state = "no_fills", failure = %message, "the backend takes no entries: fills are left out for a while");
                }
                return;
            }
            Failure::Misconfigured => machine.open(now, LONGEST_AFTER),
            _ => {
                let in_a_row = self.in_a_row.fetch_add(1, Ordering::Relaxed).saturating_add(1);
                let successes = self.successes.load(Ordering::Relaxed);
                // What was under way when it opened fails as well, and says nothing new.
                let is_closed = machine.circuit == Circuit::Closed;
                is_closed && machine.fail(now, in_a_row, successes) && machine.open(now, 0)
            }
        };
        if is_too_much {
            self.word.fetch_or(OPEN, Ordering::Relaxed);
            drop(machine);
            tracing::warn!(target: TARGET, backend = %self.name, state = "open", failure = %message, "the breaker of the backend opens: calls go on without it");
        }
    }

    fn end_probe(&self, failure: Option<String>) {
        let now = self.clock.now();
        let mut machine = lock(&self.machine);
        let has_closed = machine.end_probe(now, failure.is_none());
        if has_closed {
            self.in_a_row.store(0, Ordering::Relaxed);
            self.word.fetch_and(!OPEN, Ordering::Relaxed);
            drop(machine);
            tracing::info!(target: TARGET, backend = %self.name, state = "closed", "the breaker of the backend closes: it answers again");
        } else if let Some(failure) = failure {
            machine.last_failure = Some(failure);
        }
    }
}

impl fmt::Debug for Breaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Breaker").field("name", &self.name).field("stats", &self.stats()).finish_non_exhaustive()
    }
}

/// An operation under way; made by [`Breaker::begin`].
///
/// Dropped without an end, it counts as neither a success nor a failure: its caller has gone.
#[must_use = "say how the operation ended"]
#[derive(Debug)]
pub struct Operation {
    breaker: Arc<Breaker>,
    purpose: Purpose,
}

impl Operation {
    /// Says how it ended. An error that is not a backend's counts as a failure of it.
    #[inline]
    pub fn ended(self, error: Option<&Error>) {
        match error {
            None => self.breaker.succeed(self.purpose),
            Some(Error::Backend { failure, message, .. }) => {
                self.breaker.fail(*failure, format!("{failure}: {message}"));
            }
            Some(other) => self.breaker.fail(Failure::Other, other.to_string()),
        }
    }
}

impl Drop for Operation {
    fn drop(&mut self) {
        self.breaker.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A probe under way; made by [`Breaker::probe_due`]. Dropped without an end, it counts as failed.
#[derive(Debug)]
pub struct Probe {
    breaker: Option<Arc<Breaker>>,
}

impl Probe {
    /// Says how it ended; a success closes the breaker.
    pub fn ended(mut self, error: Option<&Error>) {
        if let Some(breaker) = self.breaker.take() {
            breaker.end_probe(error.map(ToString::to_string));
        }
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        if let Some(breaker) = self.breaker.take() {
            breaker.end_probe(Some("the probe was given up".to_owned()));
        }
    }
}
