//! Seconds of repeated runs.

use std::fmt;
use std::time::Duration;

/// At least one run must be pushed before it is read.
#[derive(Default)]
pub(super) struct Timings(Vec<f64>);

pub(super) struct Seconds(f64);

impl Timings {
    pub(super) fn push(&mut self, took: Duration) {
        self.0.push(took.as_secs_f64());
    }

    pub(super) fn last(&self) -> Seconds {
        Seconds(self.0.last().copied().unwrap_or(f64::NAN))
    }

    pub(super) fn best(&self) -> f64 {
        self.sorted().first().copied().unwrap_or(f64::NAN)
    }

    /// The middle one, of an even number the lower of the two.
    pub(super) fn median(&self) -> f64 {
        let sorted = self.sorted();
        sorted.get(sorted.len().saturating_sub(1) / 2).copied().unwrap_or(f64::NAN)
    }

    fn sorted(&self) -> Vec<f64> {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted
    }
}

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2} s", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn best_and_median() {
        let mut timings = Timings::default();
        for seconds in [5, 1, 3, 9] {
            timings.push(Duration::from_secs(seconds));
        }
        assert_eq!((timings.best(), timings.median()), (1.0, 3.0));
        timings.push(Duration::from_secs(8));
        assert_eq!((timings.best(), timings.median()), (1.0, 5.0));
        assert_eq!(timings.last().to_string(), "8.00 s");
    }
}
