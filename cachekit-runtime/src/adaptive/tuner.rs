//! Runs the simulations over the samples and decides.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::miniature::Miniature;
use super::rule::{BLOCK, Evidence, Rule};
use super::sampler::Sampler;
use super::stats::{AdaptiveStats, CandidateStats, LAST_SWITCHES, SwitchStats};
use crate::policy::Strategy;

/// A decision of the [`Tuner`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Switch {
    /// The strategy before.
    pub from: Strategy,
    /// The strategy from now on.
    pub to: Strategy,
    /// The gain in the simulations, in hit ratio from 0 to 1.
    pub gain: f64,
    /// After how many samples.
    pub at_sample: u64,
}

struct Candidate {
    strategy: Strategy,
    /// `None` once its policy has panicked.
    miniature: Option<Miniature>,
    /// Hits since the beginning, in this window, and in the window before.
    hits: u64,
    window: u64,
    last_window: u64,
}

/// Simulates the candidates over a sample of the accesses, and says when another one than the current would hit more.
///
/// What it decides follows from the samples alone: no clock, no randomness.
pub struct Tuner {
    candidates: Vec<Candidate>,
    current: usize,
    rule: Rule,
    evidence: Evidence,
    /// Samples of a block that is not full yet.
    waiting: Vec<u64>,
    block: Vec<u32>,
    blocks: usize,
    /// Of the window before, in blocks.
    last_blocks: usize,
    samples: u64,
    shift: u32,
    miniature: usize,
    dwell: u32,
    since_switch: u32,
    /// What the last switch went away from.
    left: Option<usize>,
    switches: u64,
    last_switches: VecDeque<SwitchStats>,
    nanos: u64,
}

impl Tuner {
    /// For a cache of `capacity` entries, of which [`Sampler::shift_for`] gives the rate. The first candidate is the current one; without
    /// candidates there is nothing to decide.
    #[must_use]
    pub fn new(capacity: usize, candidates: &[Strategy], rule: Rule) -> Self {
        let mut tuner = Tuner {
            candidates: candidates.iter().map(Candidate::new).collect(),
            current: 0,
            rule,
            evidence: Evidence::new(candidates.len()),
            waiting: Vec::with_capacity(BLOCK),
            block: vec![0; candidates.len()],
            blocks: 0,
            last_blocks: 0,
            samples: 0,
            shift: 0,
            miniature: 0,
            dwell: rule.dwell,
            since_switch: 0,
            left: None,
            switches: 0,
            last_switches: VecDeque::with_capacity(LAST_SWITCHES),
            nanos: 0,
        };
        tuner.resize(capacity);
        tuner.build();
        tuner
    }

    fn resize(&mut self, capacity: usize) {
        self.shift = Sampler::shift_for(capacity);
        self.miniature = (capacity >> self.shift).max(1);
    }

    /// Begins the simulations anew.
    fn build(&mut self) {
        let capacity = self.miniature;
        for candidate in &mut self.candidates {
            let factory = candidate.strategy.factory();
            candidate.replace(catch_unwind(AssertUnwindSafe(|| Miniature::new(&factory, capacity))).ok());
            candidate.window = 0;
        }
        self.evidence = Evidence::new(self.candidates.len());
        self.waiting.clear();
        self.blocks = 0;
    }

    /// The capacity of the cache has changed. If that changes the rate, the simulations begin anew; the current strategy stays.
    pub fn set_capacity(&mut self, capacity: usize) {
        let before = self.shift;
        self.resize(capacity);
        if self.shift != before {
            self.build();
            return;
        }
        let capacity = self.miniature;
        for index in 0..self.candidates.len() {
            self.guarded(index, |miniature| miniature.set_capacity(capacity));
        }
    }

    /// Simulates sampled accesses, hits and misses of the cache alike. Returns the last of the switches that they led to.
    pub fn step(&mut self, mut hashes: &[u64]) -> Option<Switch> {
        let mut switch = None;
        while !hashes.is_empty() {
            let (now, later) = hashes.split_at(hashes.len().min(BLOCK - self.waiting.len()));
            self.waiting.extend_from_slice(now);
            hashes = later;
            if self.waiting.len() == BLOCK {
                self.simulate_block();
                if self.blocks >= self.rule.blocks() {
                    switch = self.end_window().or(switch);
                }
            }
        }
        switch
    }

    fn simulate_block(&mut self) {
        let hashes = std::mem::take(&mut self.waiting);
        for index in 0..self.candidates.len() {
            let run = |miniature: &mut Miniature| hashes.iter().filter(|hash| miniature.access(**hash)).count();
            let hits = self.guarded(index, run).unwrap_or(0);
            self.block[index] = hits as u32;
            let candidate = &mut self.candidates[index];
            candidate.hits += hits as u64;
            candidate.window += hits as u64;
        }
        if self.blocks == 0 {
            self.evidence.age(self.rule.decay);
        }
        self.evidence.add(&self.block);
        self.blocks += 1;
        self.samples += BLOCK as u64;
        self.waiting = hashes;
        self.waiting.clear();
    }

    /// Runs a candidate's policy. One that panics is not asked again: it may be a user's.
    fn guarded<R>(&mut self, index: usize, run: impl FnOnce(&mut Miniature) -> R) -> Option<R> {
        let candidate = &mut self.candidates[index];
        let miniature = candidate.miniature.as_mut()?;
        if let Ok(result) = catch_unwind(AssertUnwindSafe(|| run(miniature))) {
            return Some(result);
        }
        candidate.replace(None);
        self.evidence.forget(index);
        tracing::warn!(
            strategy = candidate.strategy.name(),
            "a policy panicked in the simulation and is no longer a candidate"
        );
        None
    }

    fn end_window(&mut self) -> Option<Switch> {
        for candidate in &mut self.candidates {
            candidate.last_window = std::mem::take(&mut candidate.window);
        }
        self.last_blocks = std::mem::take(&mut self.blocks);
        self.since_switch = self.since_switch.saturating_add(1);
        if self.since_switch < self.dwell {
            return None;
        }
        let able = |index: usize| self.candidates[index].miniature.is_some();
        let better = self.evidence.better(self.current, able, &self.rule, self.miniature)?;
        if self.left == Some(better.candidate) {
            self.dwell = self.dwell.saturating_mul(2).min(self.rule.longest_dwell.max(self.rule.dwell));
        }
        self.left = Some(std::mem::replace(&mut self.current, better.candidate));
        self.since_switch = 0;
        let from = self.left.map_or_else(Strategy::default, |left| self.candidates[left].strategy.clone());
        let switch = Switch { from, to: self.current().clone(), gain: better.gain, at_sample: self.samples };
        self.note(&switch);
        Some(switch)
    }

    fn note(&mut self, switch: &Switch) {
        self.switches += 1;
        if self.last_switches.len() == LAST_SWITCHES {
            self.last_switches.pop_front();
        }
        self.last_switches.push_back(SwitchStats {
            from: switch.from.name().to_owned(),
            to: switch.to.name().to_owned(),
            gain: 100.0 * switch.gain,
            at_sample: switch.at_sample,
        });
    }

    /// The strategy that it would have now.
    ///
    /// # Panics
    ///
    /// Without candidates.
    #[must_use]
    pub fn current(&self) -> &Strategy {
        &self.candidates[self.current].strategy
    }

    /// The least number of windows between two switches, as of now.
    #[must_use]
    pub fn dwell(&self) -> u32 {
        self.dwell
    }

    /// The binary logarithm of the divisor by which keys and capacity shrink.
    #[must_use]
    pub fn shift(&self) -> u32 {
        self.shift
    }

    /// Adds to what [`AdaptiveStats::simulation_nanos`] says.
    pub fn add_time(&mut self, nanos: u64) {
        self.nanos = self.nanos.saturating_add(nanos);
    }

    /// The memory in use, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let miniatures = self.candidates.iter().filter_map(|candidate| candidate.miniature.as_ref());
        size_of::<Self>()
            + self.candidates.capacity() * size_of::<Candidate>()
            + self.waiting.capacity() * size_of::<u64>()
            + miniatures.map(Miniature::bytes).sum::<usize>()
    }

    /// All but what the sampler knows: what was dropped, and the memory of what waits.
    #[must_use]
    pub fn stats(&self) -> AdaptiveStats {
        let share = |hits: u64, of: u64| if of == 0 { 0.0 } else { hits as f64 / of as f64 };
        let window = (self.last_blocks * BLOCK) as u64;
        let candidates = self.candidates.iter().map(|candidate| CandidateStats {
            name: candidate.strategy.name().to_owned(),
            last_window: share(candidate.last_window, window),
            overall: share(candidate.hits, self.samples),
            failed: candidate.miniature.is_none(),
        });
        AdaptiveStats {
            current: self
                .candidates
                .get(self.current)
                .map(|candidate| candidate.strategy.name().to_owned())
                .unwrap_or_default(),
            candidates: candidates.collect(),
            one_in: 1 << self.shift,
            miniature_capacity: self.miniature as u64,
            samples: self.samples,
            dropped: 0,
            bytes: self.bytes() as u64,
            simulation_nanos: self.nanos,
            switches: self.switches,
            last_switches: self.last_switches.iter().cloned().collect(),
        }
    }
}

impl Candidate {
    fn new(strategy: &Strategy) -> Self {
        Candidate { strategy: strategy.clone(), miniature: None, hits: 0, window: 0, last_window: 0 }
    }

    /// The old simulation is dropped with care: the `Drop` of a user's policy may panic.
    fn replace(&mut self, miniature: Option<Miniature>) {
        let old = std::mem::replace(&mut self.miniature, miniature);
        drop(catch_unwind(AssertUnwindSafe(|| drop(old))));
    }
}
