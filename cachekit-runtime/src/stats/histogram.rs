//! Times of loads in log-linear buckets: each power of two is split into equal parts, so that the relative error is bounded everywhere and a
//! bucket's index is a shift. The layout is that of HdrHistogram (Tene, hdrhistogram.org), with two bits of precision.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Parts per power of two, as a power of two.
const PART_BITS: u32 = 2;
const PARTS: usize = 1 << PART_BITS;

/// Times below 2^10 ns = 1.024 µs are one bucket.
const LOW_BITS: u32 = 10;

/// Times from 2^45 ns = 9.8 h on are one bucket.
const HIGH_BITS: u32 = 45;

const BUCKETS: usize = (HIGH_BITS - LOW_BITS) as usize * PARTS + 2;

fn bucket(nanos: u64) -> usize {
    if nanos < 1 << LOW_BITS {
        return 0;
    }
    let octave = nanos.ilog2();
    if octave >= HIGH_BITS {
        return BUCKETS - 1;
    }
    let part = (nanos >> (octave - PART_BITS)) as usize % PARTS;
    1 + (octave - LOW_BITS) as usize * PARTS + part
}

/// The least time of a bucket.
fn lower_bound(bucket: usize) -> u64 {
    let Some(rest) = bucket.checked_sub(1) else { return 0 };
    let octave = LOW_BITS + (rest / PARTS) as u32;
    (1 << octave) + ((rest % PARTS) as u64) * (1 << (octave - PART_BITS))
}

#[derive(Debug)]
pub(crate) struct Histogram {
    sum: AtomicU64,
    buckets: [AtomicU64; BUCKETS],
}

impl Default for Histogram {
    fn default() -> Self {
        Self { sum: AtomicU64::new(0), buckets: std::array::from_fn(|_| AtomicU64::new(0)) }
    }
}

impl Histogram {
    pub(crate) fn record(&self, nanos: u64) {
        // One absurd time (a clock that jumped, a saturated difference) must not wrap the sum of all others.
        let capped = nanos.min(1 << HIGH_BITS);
        self.sum.fetch_add(capped, Ordering::Relaxed);
        self.buckets[bucket(nanos)].fetch_add(1, Ordering::Release);
    }

    pub(crate) fn snapshot(&self) -> LoadTimes {
        let buckets: Box<[u64]> = self.buckets.iter().map(|count| count.load(Ordering::Acquire)).collect();
        let count = buckets.iter().sum();
        if count == 0 {
            return LoadTimes::default();
        }
        LoadTimes { sum: self.sum.load(Ordering::Relaxed), count, buckets }
    }
}

/// How long loads took: a histogram with about 12 % of relative error between 1 µs and 9.8 hours.
#[derive(Clone, Default, PartialEq)]
pub struct LoadTimes {
    sum: u64,
    count: u64,
    /// Empty while nothing is recorded.
    buckets: Box<[u64]>,
}

impl LoadTimes {
    /// How many loads ended, by a value, an error, a panic or a timeout.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The time of all of them together; each counts for at most 9.8 hours.
    #[must_use]
    pub fn sum(&self) -> Duration {
        Duration::from_nanos(self.sum)
    }

    /// Its buckets that are not empty: up to which time, and how many. Ascending; the last bound of all is 9.8 hours, for what took longer too.
    pub fn buckets(&self) -> impl Iterator<Item = (Duration, u64)> {
        let filled = self.buckets.iter().enumerate().filter(|(_, count)| **count > 0);
        filled.map(|(bucket, count)| (Duration::from_nanos(lower_bound((bucket + 1).min(BUCKETS - 1))), *count))
    }

    /// Those of both.
    #[cfg(feature = "metrics")]
    pub(crate) fn and(&self, other: &LoadTimes) -> LoadTimes {
        let at = |times: &LoadTimes, bucket: usize| times.buckets.get(bucket).copied().unwrap_or(0);
        let longest = self.buckets.len().max(other.buckets.len());
        LoadTimes {
            sum: self.sum.saturating_add(other.sum),
            count: self.count + other.count,
            buckets: (0..longest).map(|bucket| at(self, bucket) + at(other, bucket)).collect(),
        }
    }

    /// The mean, from the sum and not from the buckets; zero if there were none.
    #[must_use]
    pub fn mean(&self) -> Duration {
        Duration::from_nanos(self.sum.checked_div(self.count).unwrap_or(0))
    }

    /// The time that the share `q` of all loads did not exceed (nearest rank): `0.5` for the median, `0.99` for the 99th percentile.
    ///
    /// It is off by at most one eighth (12.5 %) of the true value; a time below 1.024 µs is given as 512 ns, one from 9.8 hours on as 9.8 hours.
    /// A `q` outside of `0.0..=1.0` is clamped to it, and NaN counts as zero. Without loads the answer is zero.
    #[must_use]
    pub fn quantile(&self, q: f64) -> Duration {
        // The cast saturates, and turns NaN into zero.
        let rank = ((q.clamp(0.0, 1.0) * self.count as f64).ceil() as u64).clamp(1, self.count.max(1));
        let mut seen = 0;
        for (bucket, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= rank {
                let low = lower_bound(bucket);
                let middle = if bucket == BUCKETS - 1 { low } else { low.midpoint(lower_bound(bucket + 1)) };
                return Duration::from_nanos(middle);
            }
        }
        Duration::ZERO
    }
}

impl fmt::Debug for LoadTimes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoadTimes")
            .field("count", &self.count)
            .field("mean", &self.mean())
            .field("p50", &self.quantile(0.5))
            .field("p99", &self.quantile(0.99))
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn buckets_are_contiguous() {
        for index in 1..BUCKETS {
            let low = lower_bound(index);
            assert_eq!((bucket(low - 1), bucket(low)), (index - 1, index));
        }
        assert_eq!((bucket(0), bucket(u64::MAX)), (0, BUCKETS - 1));
        assert_eq!((lower_bound(1), lower_bound(BUCKETS - 1)), (1 << LOW_BITS, 1 << HIGH_BITS));
    }

    #[test]
    fn buckets_say_up_to_which_time() {
        let histogram = Histogram::default();
        [500, 1_500, 1_500, u64::MAX].into_iter().for_each(|nanos| histogram.record(nanos));
        let buckets: Vec<(Duration, u64)> = histogram.snapshot().buckets().collect();
        let bounds = [1 << LOW_BITS, 1_536, 1 << HIGH_BITS].map(Duration::from_nanos);
        assert_eq!(buckets, [(bounds[0], 1), (bounds[1], 2), (bounds[2], 1)]);
        assert_eq!(LoadTimes::default().buckets().count(), 0);
    }

    #[test]
    fn nothing_recorded_is_zero() {
        let times = Histogram::default().snapshot();
        assert_eq!((times.count(), times.mean(), times.quantile(0.5)), (0, Duration::ZERO, Duration::ZERO));
        assert_eq!(times, LoadTimes::default());
    }

    #[test]
    fn extreme_times_and_quantiles_stay_in_range() {
        let histogram = Histogram::default();
        [0, u64::MAX, u64::MAX].into_iter().for_each(|nanos| histogram.record(nanos));
        let times = histogram.snapshot();
        assert_eq!(times.sum(), Duration::from_nanos(2 << HIGH_BITS));
        assert_eq!(times.quantile(f64::NAN), Duration::from_nanos(512));
        assert_eq!(times.quantile(-1.0), times.quantile(0.0));
        assert_eq!(times.quantile(f64::INFINITY), Duration::from_nanos(1 << HIGH_BITS));
    }

    proptest! {
        #[test]
        fn quantiles_are_within_the_stated_error(
            mut nanos in prop::collection::vec((10u32..45, 0u64..1 << 44), 1..300),
            q in 0.0f64..=1.0,
        ) {
            // Spread over all magnitudes.
            let mut nanos: Vec<u64> = nanos.drain(..).map(|(octave, low)| (1 << octave) + low % (1 << octave)).collect();
            let histogram = Histogram::default();
            nanos.iter().for_each(|nanos| histogram.record(*nanos));
            let times = histogram.snapshot();
            nanos.sort_unstable();
            let rank = ((q * nanos.len() as f64).ceil() as usize).clamp(1, nanos.len());
            let exact = nanos[rank - 1];
            let given = u64::try_from(times.quantile(q).as_nanos()).unwrap_or(u64::MAX);
            prop_assert!(given.abs_diff(exact) <= exact / 8 + 1, "{given} for {exact}");
            let mean = nanos.iter().sum::<u64>() / nanos.len() as u64;
            prop_assert_eq!(times.mean(), Duration::from_nanos(mean));
        }
    }
}
