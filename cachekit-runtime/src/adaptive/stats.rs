//! What an adaptive cache says of its simulations and switches.

use std::fmt;

/// What `strategy = "adaptive"` simulates, what that costs, and what it decided.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct AdaptiveStats {
    /// The strategy now in place.
    pub current: String,
    /// The strategies that are simulated.
    pub candidates: Vec<CandidateStats>,
    /// One key in this many is sampled: a power of two, 1 for small caches.
    pub one_in: u64,
    /// Entries that each simulated cache holds at most.
    pub miniature_capacity: u64,
    /// Sampled accesses that were simulated.
    pub samples: u64,
    /// Sampled accesses that were dropped because they came faster than they were simulated.
    pub dropped: u64,
    /// The memory of simulations and waiting samples, in bytes. What policies allocate is estimated.
    pub bytes: u64,
    /// How long simulating took in all, in nanoseconds, on the thread of the simulations.
    pub simulation_nanos: u64,
    /// How often the strategy was switched.
    pub switches: u64,
    /// The last switches, at most [`LAST_SWITCHES`], the oldest first.
    pub last_switches: Vec<SwitchStats>,
}

/// How many switches [`AdaptiveStats::last_switches`] holds.
pub const LAST_SWITCHES: usize = 16;

/// One simulated strategy.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct CandidateStats {
    /// Its name.
    pub name: String,
    /// The part of the samples of the last window that its simulation hit, from 0 to 1. 0 before the first window has ended.
    pub last_window: f64,
    /// The part of all samples that its simulation hit, from 0 to 1. To be compared with those of the other candidates, not with
    /// the cache's own hit ratio: a sample without the most popular keys hits less, and with them more.
    pub overall: f64,
    /// Whether its policy panicked in the simulation. It is then no longer simulated, nor switched to.
    pub failed: bool,
}

/// One switch of the strategy.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct SwitchStats {
    /// The strategy before.
    pub from: String,
    /// The strategy after.
    pub to: String,
    /// By how many points (hundredths) of hit ratio its simulation was better, over the evidence that decided.
    pub gain: f64,
    /// After how many samples.
    pub at_sample: u64,
}

impl fmt::Display for AdaptiveStats {
    /// One line for the whole and one for each candidate and each switch.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: 1 key in {} simulated at {} entries, {} samples, {} dropped, {} bytes, {:.1} ms, {} switches",
            self.current,
            self.one_in,
            self.miniature_capacity,
            self.samples,
            self.dropped,
            self.bytes,
            self.simulation_nanos as f64 / 1e6,
            self.switches
        )?;
        for candidate in &self.candidates {
            let CandidateStats { name, last_window, overall, failed } = candidate;
            let failed = if *failed { ", failed" } else { "" };
            write!(
                f,
                "\n  {name}: {:.2} % of all, {:.2} % of the last window{failed}",
                100.0 * overall,
                100.0 * last_window
            )?;
        }
        for SwitchStats { from, to, gain, at_sample } in &self.last_switches {
            write!(f, "\n  {from} to {to} after {at_sample} samples for {gain:.2} points")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_as_text() {
        let stats = AdaptiveStats {
            current: "lru".into(),
            candidates: vec![CandidateStats { name: "lru".into(), last_window: 0.5, overall: 0.25, failed: false }],
            one_in: 4,
            miniature_capacity: 700,
            samples: 1_000,
            dropped: 3,
            bytes: 80_000,
            simulation_nanos: 1_500_000,
            switches: 1,
            last_switches: vec![SwitchStats { from: "s3-fifo".into(), to: "lru".into(), gain: 2.5, at_sample: 512 }],
        };
        assert_eq!(
            stats.to_string(),
            "lru: 1 key in 4 simulated at 700 entries, 1000 samples, 3 dropped, 80000 bytes, 1.5 ms, 1 switches\n  \
             lru: 25.00 % of all, 50.00 % of the last window\n  \
             s3-fifo to lru after 512 samples for 2.50 points"
        );
    }
}
