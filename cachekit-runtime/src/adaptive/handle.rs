//! What an adaptive cache holds: the sampler that its calls feed, and the tuner that somebody steps.

use std::sync::{Mutex, MutexGuard, TryLockError};
use std::time::Instant;

use super::driver::Stepped;
use super::rule::Rule;
use super::sampler::Sampler;
use super::stats::AdaptiveStats;
use super::tuner::Tuner;
use crate::policy::Strategy;
use crate::sync::lock;

/// In [`Stepping::Inline`] as many samples as this are simulated at a time: a whole number of blocks, a divisor of the least window.
const INLINE: usize = 256;

/// More stripes do not pay: what is sampled per thread shrinks as the threads become many.
const MOST_STRIPES: usize = 16;

/// How many stripes pay on this machine.
pub(crate) fn stripes() -> usize {
    std::thread::available_parallelism().map_or(MOST_STRIPES, usize::from).min(MOST_STRIPES)
}

/// Who runs the simulations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Stepping {
    /// The one background thread of all adaptive caches: see [`Driver`](super::Driver).
    #[default]
    Background,
    /// The calling thread, each time that some hundred samples wait. Nothing is dropped on one thread, and the same calls always lead
    /// to the same switches at the same places: for tests, benchmarks and simulations.
    Inline,
}

/// The adaptive part of one cache.
///
/// A call costs one multiplication and one comparison, and if its key is in the sample a store into memory that is the thread's
/// own. Everything else happens on the thread that steps.
pub struct Adaptive {
    sampler: Sampler,
    tuner: Mutex<Tuner>,
    /// Held by the thread that steps, also while it switches; the samples that it took out. A thread that steps takes this before
    /// the tuner.
    stepping: Mutex<Vec<u64>>,
    inline: bool,
    on_switch: Box<dyn Fn(&Strategy) + Send + Sync>,
}

/// What one step did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// Samples that waited.
    pub samples: usize,
    /// How long it took to simulate them, in nanoseconds.
    pub nanos: u64,
}

impl Adaptive {
    /// For a cache of `capacity` entries whose strategy is the first of the `candidates`. `on_switch` puts another strategy in place; it
    /// is called without locks that calls or [`stats`](Self::stats) need, on the thread that steps.
    pub fn new(
        capacity: usize,
        candidates: &[Strategy],
        rule: Rule,
        stepping: Stepping,
        on_switch: impl Fn(&Strategy) + Send + Sync + 'static,
    ) -> Self {
        let inline = stepping == Stepping::Inline;
        Adaptive {
            sampler: Sampler::new(capacity, if inline { 1 } else { stripes() }),
            tuner: Mutex::new(Tuner::new(capacity, candidates, rule)),
            stepping: Mutex::new(Vec::new()),
            inline,
            on_switch: Box::new(on_switch),
        }
    }

    /// A call looked for the key of this hash, whether it found it or not. Not to be called under a lock that `on_switch` needs.
    #[inline(always)]
    pub fn saw(&self, hash: u64) {
        if self.sampler.wants(hash) {
            self.record(hash);
        }
    }

    #[inline(never)]
    fn record(&self, hash: u64) {
        let waiting = self.sampler.record(hash);
        if self.inline && waiting.is_none_or(|waiting| waiting >= INLINE) {
            self.step_now();
        }
    }

    /// The capacity of the cache has changed.
    pub fn set_capacity(&self, capacity: usize) {
        let mut tuner = lock(&self.tuner);
        tuner.set_capacity(capacity);
        self.sampler.set_shift(tuner.shift());
    }

    /// What was simulated and decided so far.
    pub fn stats(&self) -> AdaptiveStats {
        let mut stats = lock(&self.tuner).stats();
        stats.dropped = self.sampler.dropped();
        stats.bytes += (size_of::<Self>() - size_of::<Tuner>() + self.sampler.bytes()) as u64;
        stats
    }
}

impl Stepped for Adaptive {
    /// Simulates what waits, and switches if that leads to it.
    fn step_now(&self) -> Step {
        let Some(mut samples) = try_lock(&self.stepping) else { return Step::default() };
        samples.clear();
        self.sampler.drain(&mut samples);
        if samples.is_empty() {
            return Step::default();
        }
        let begin = Instant::now();
        let mut tuner = lock(&self.tuner);
        let switch = tuner.step(&samples);
        let nanos = u64::try_from(begin.elapsed().as_nanos()).unwrap_or(u64::MAX);
        tuner.add_time(nanos);
        drop(tuner);
        if let Some(switch) = switch {
            tracing::debug!(
                from = switch.from.name(),
                to = switch.to.name(),
                gain = switch.gain,
                "the strategy adapts"
            );
            (self.on_switch)(&switch.to);
        }
        Step { samples: samples.len(), nanos }
    }
}

pub(crate) fn try_lock<T>(mutex: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    match mutex.try_lock() {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}
