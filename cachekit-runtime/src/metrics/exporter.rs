//! Who takes the numbers.

use super::Metric;
use crate::stats::LoadTimes;

/// Takes what all caches have counted, one number after another: for [`collect`](super::collect()).
pub trait Exporter {
    /// The numbers of a cache follow. `number`: which of all caches of this process it is; another one than before has taken the name of one that is gone, and counts
    /// from zero.
    fn begin(&mut self, cache: &str, number: u64) {
        let _ = (cache, number);
    }

    /// One number. `labels` are names and values in the order of [`Metric::labels`].
    fn export(&mut self, metric: &'static Metric, labels: &[(&'static str, &str)], value: Value<'_>);
}

/// A number of a metric.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Value<'a> {
    /// How often so far. Grows, until the cache is dropped; one of the same name begins at zero. What is a difference of others (as entries that were absent in a backend) may
    /// be too high by one while a call is under way.
    Counter(u64),
    /// How much now.
    Gauge(f64),
    /// How long, of all so far.
    Histogram(&'a LoadTimes),
}
