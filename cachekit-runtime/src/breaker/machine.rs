//! When a breaker opens, and when it is probed: the state behind its lock.

use crate::time::{NEVER, nanos};
use std::{
    collections::VecDeque,
    hash::{BuildHasher, RandomState},
    time::Duration,
};

/// So many failures one after another open it.
pub(super) const IN_A_ROW: u32 = 5;
/// So many outcomes, half of them failures, within [`WINDOW`] open it.
pub(super) const AT_LEAST: u64 = 20;
pub(super) const WINDOW: Duration = Duration::from_secs(10);
/// The first pause before a probe; each failed probe doubles it, up to the longest.
pub(super) const FIRST_PAUSE: Duration = Duration::from_secs(1);
pub(super) const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// So many failures lead to the longest pause.
pub(super) const LONGEST_AFTER: u32 = 5;
/// Failures that lie so close together are counted as one moment.
const MOMENT: u64 = nanos(Duration::from_millis(100));

#[derive(Debug, Default)]
pub(super) struct Machine {
    pub(super) circuit: Circuit,
    /// The failures of the window.
    window: VecDeque<Moment>,
    /// Fills wait until then.
    pub(super) fills_from: u64,
    /// How often in a row it took no entries.
    refusals: u32,
    pub(super) opened: u64,
    pub(super) last_failure: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Circuit {
    #[default]
    Closed,
    Open {
        probe_at: u64,
        /// How many probes have failed.
        probes: u32,
    },
    HalfOpen {
        probes: u32,
    },
}

#[derive(Debug)]
struct Moment {
    /// In units of [`MOMENT`].
    at: u64,
    failures: u64,
    /// How many successes there had been before.
    successes: u64,
}

impl Machine {
    /// One more failure after `in_a_row` of them; `successes` is how many there have been in all. Is it too many?
    pub(super) fn fail(&mut self, now: u64, in_a_row: u32, successes: u64) -> bool {
        let at = now / MOMENT;
        let since = now.saturating_sub(nanos(WINDOW)) / MOMENT;
        while self.window.front().is_some_and(|moment| moment.at < since) {
            self.window.pop_front();
        }
        match self.window.back_mut() {
            Some(moment) if moment.at == at => moment.failures += 1,
            _ => self.window.push_back(Moment { at, failures: 1, successes }),
        }
        let failures: u64 = self.window.iter().map(|moment| moment.failures).sum();
        let before = self.window.front().map_or(successes, |moment| moment.successes);
        let all = failures + successes.saturating_sub(before);
        in_a_row >= IN_A_ROW || (all >= AT_LEAST && failures * 2 >= all)
    }

    /// Opens, if it is closed, as if so many probes had failed.
    pub(super) fn open(&mut self, now: u64, probes: u32) -> bool {
        if self.circuit != Circuit::Closed {
            return false;
        }
        self.circuit = Circuit::Open { probe_at: now.saturating_add(jittered(pause(probes))), probes };
        self.opened += 1;
        true
    }

    /// Begins the probe that is due; only one at a time.
    pub(super) fn begin_probe(&mut self, now: u64) -> bool {
        match self.circuit {
            Circuit::Open { probe_at, probes } if now >= probe_at => {
                self.circuit = Circuit::HalfOpen { probes };
                true
            }
            _ => false,
        }
    }

    /// Ends the probe. Has it closed?
    pub(super) fn end_probe(&mut self, now: u64, is_ok: bool) -> bool {
        let Circuit::HalfOpen { probes } = self.circuit else { return false };
        if is_ok {
            self.circuit = Circuit::Closed;
            self.window.clear();
        } else {
            let probes = probes.saturating_add(1);
            self.circuit = Circuit::Open { probe_at: now.saturating_add(jittered(pause(probes))), probes };
        }
        is_ok
    }

    /// It takes no entries: fills wait. Has that begun with this refusal?
    pub(super) fn pause_fills(&mut self, now: u64) -> bool {
        let is_first = self.refusals == 0;
        // Fills that were under way at the first refusal are refused with it.
        if now >= self.fills_from {
            self.fills_from = now.saturating_add(jittered(pause(self.refusals)));
            self.refusals = self.refusals.saturating_add(1);
        }
        is_first
    }

    /// A fill went well.
    pub(super) fn resume_fills(&mut self) -> bool {
        self.fills_from = 0;
        std::mem::take(&mut self.refusals) > 0
    }

    pub(super) fn next_probe(&self) -> u64 {
        match self.circuit {
            Circuit::Open { probe_at, .. } => probe_at,
            _ => NEVER,
        }
    }
}

/// The pause after so many failures to come back.
pub(super) fn pause(times: u32) -> Duration {
    FIRST_PAUSE.saturating_mul(1 << times.min(LONGEST_AFTER)).min(LONGEST_PAUSE)
}

/// In nanoseconds, up to a fifth more or less, so that the processes of a fleet do not come back at once.
fn jittered(pause: Duration) -> u64 {
    let pause = nanos(pause);
    let fifth = pause / 5;
    pause - fifth + RandomState::new().hash_one(pause) % (2 * fifth + 1)
}
