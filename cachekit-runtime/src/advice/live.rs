//! The sample of a live cache: callers leave hashes in a queue, and a thread of its own looks at them.

use super::{Advice, DRIVER, Estimator, Present};
use crate::{
    adaptive::{Ring, Step, Stepped, stripes, try_lock},
    sync::lock,
};
use std::{
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Instant,
};

/// On the calling thread as many are looked at together: half of what there is room for.
const INLINE: usize = 512;

/// What looks at samples.
pub(crate) trait Sampled: Send + 'static {
    /// The greatest hash that it wants to see. May fall.
    fn limit(&self) -> u64;

    /// Looks at these, none of them greater.
    fn feed(&mut self, hashes: &[u64]);
}

impl Sampled for Estimator {
    fn limit(&self) -> u64 {
        Estimator::limit(self)
    }

    fn feed(&mut self, hashes: &[u64]) {
        Estimator::feed(self, hashes);
    }
}

/// What a cache keeps of its sampling once it has been started: callers find it without a lock, whether it runs or not.
pub(crate) struct Sampling<S> {
    ring: Ring,
    inline: bool,
    /// The greatest hash that is wanted; 0 while it is stopped.
    limit: AtomicU64,
    run: Mutex<Option<Run<S>>>,
    /// Held by the thread that steps, which takes this before the run; the samples that it took out.
    stepping: Mutex<Vec<u64>>,
    /// Tells the cache that the limit has changed.
    changed: Box<dyn Fn() + Send + Sync>,
}

/// From a start to the stop.
struct Run<S> {
    sampled: S,
    /// What had been dropped before.
    dropped: u64,
    /// The thread steps for as long as this lives.
    _stepper: Option<Arc<Stepper<S>>>,
}

struct Stepper<S>(Arc<Sampling<S>>);

impl<S: Sampled> Sampling<S> {
    /// `inline`: it is stepped each time that some hundred samples wait, on the thread that samples.
    pub(crate) fn new(inline: bool, changed: impl Fn() + Send + Sync + 'static) -> Self {
        Sampling {
            ring: Ring::new(if inline { 1 } else { stripes() }),
            inline,
            limit: AtomicU64::new(0),
            run: Mutex::new(None),
            stepping: Mutex::new(Vec::new()),
            changed: Box::new(changed),
        }
    }

    /// Begins, or begins anew.
    pub(crate) fn start(self: &Arc<Self>, sampled: S) {
        let limit = sampled.limit();
        let mut left = lock(&self.stepping);
        // Of a run before.
        self.ring.drain(&mut left);
        let stepper = (!self.inline).then(|| Arc::new(Stepper(self.clone())));
        if let Some(stepper) = &stepper {
            let stepped: Weak<Stepper<S>> = Arc::downgrade(stepper);
            DRIVER.attach(stepped);
        }
        let run = Run { sampled, dropped: self.ring.dropped(), _stepper: stepper };
        let old = lock(&self.run).replace(run);
        self.limit.store(limit, Relaxed);
        drop(left);
        drop(old);
        (self.changed)();
    }

    pub(crate) fn stop(&self) {
        let mut left = lock(&self.stepping);
        let old = lock(&self.run).take();
        self.limit.store(0, Relaxed);
        *left = Vec::new();
        drop(left);
        drop(old);
        (self.changed)();
    }

    /// A call looked for the key of this hash.
    pub(crate) fn saw(&self, hash: u64) {
        if hash > self.limit() {
            return;
        }
        let waiting = self.ring.push(hash);
        if self.inline && waiting.is_none_or(|waiting| waiting >= INLINE) {
            self.step();
        }
    }

    /// The greatest hash that it wants to see; 0 while it is stopped.
    pub(crate) fn limit(&self) -> u64 {
        self.limit.load(Relaxed)
    }

    /// What has looked at the samples so far, and how many were dropped; `None` while it is stopped.
    pub(crate) fn with<R>(&self, with: impl FnOnce(&mut S, u64) -> R) -> Option<R> {
        self.step();
        let mut run = lock(&self.run);
        let run = run.as_mut()?;
        let dropped = self.ring.dropped().saturating_sub(run.dropped);
        Some(with(&mut run.sampled, dropped))
    }

    fn step(&self) -> Step {
        let Some(mut samples) = try_lock(&self.stepping) else { return Step::default() };
        samples.clear();
        self.ring.drain(&mut samples);
        if samples.is_empty() {
            return Step::default();
        }
        let begin = Instant::now();
        let mut run = lock(&self.run);
        let Some(Run { sampled, .. }) = &mut *run else { return Step::default() };
        let before = sampled.limit();
        // Others were left before the threshold fell.
        samples.retain(|hash| *hash <= before);
        sampled.feed(&samples);
        let limit = sampled.limit();
        drop(run);
        let step =
            Step { samples: samples.len(), nanos: u64::try_from(begin.elapsed().as_nanos()).unwrap_or(u64::MAX) };
        if limit < before {
            self.limit.store(limit, Relaxed);
            drop(samples);
            (self.changed)();
        }
        step
    }
}

impl Sampling<Estimator> {
    /// What it says of what it has seen so far; `None` while it is stopped. `present` gets what was dropped.
    pub(crate) fn advice(&self, mut present: Present) -> Option<Advice> {
        self.with(|estimator, dropped| {
            present.dropped = dropped;
            let mut advice = estimator.advice(&present);
            advice.memory += self.ring.bytes() as u64;
            advice
        })
    }
}

impl<S: Sampled> Stepped for Stepper<S> {
    fn step_now(&self) -> Step {
        self.0.step()
    }
}
