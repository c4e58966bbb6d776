//! How numbers are spread, in the memory of a few: for percentiles of any number of them.

use serde::Serialize;

/// Steps of each power of two: a figure is wrong by at most an eighth.
const STEPS: u64 = 8;

/// Counts numbers in buckets that grow with them.
#[derive(Debug, Clone)]
pub(crate) struct Spread {
    buckets: Vec<u64>,
    count: u64,
    most: u64,
}

/// The usual percentiles.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Percentiles {
    pub(crate) p50: u64,
    pub(crate) p90: u64,
    pub(crate) p99: u64,
    pub(crate) max: u64,
}

impl Default for Spread {
    fn default() -> Self {
        Spread { buckets: vec![0; 64 * STEPS as usize], count: 0, most: 0 }
    }
}

impl Spread {
    pub(crate) fn add(&mut self, number: u64) {
        if let Some(bucket) = self.buckets.get_mut(place(number)) {
            *bucket += 1;
        }
        self.count += 1;
        self.most = self.most.max(number);
    }

    pub(crate) fn merge(&mut self, other: &Spread) {
        for (bucket, more) in self.buckets.iter_mut().zip(&other.buckets) {
            *bucket += more;
        }
        self.count += other.count;
        self.most = self.most.max(other.most);
    }

    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// So many of a hundred are at most this, to an eighth.
    fn percentile(&self, percent: u64) -> u64 {
        let rank = (self.count * percent).div_ceil(100).max(1);
        let mut seen = 0;
        for (at, bucket) in self.buckets.iter().enumerate() {
            seen += bucket;
            if seen >= rank {
                return upper(at as u64).min(self.most);
            }
        }
        self.most
    }

    /// `None`: there are no numbers.
    pub(crate) fn percentiles(&self) -> Option<Percentiles> {
        (self.count > 0).then(|| Percentiles {
            p50: self.percentile(50),
            p90: self.percentile(90),
            p99: self.percentile(99),
            max: self.most,
        })
    }
}

/// The bucket of a number: small ones have one each.
fn place(number: u64) -> usize {
    if number < STEPS {
        return number as usize;
    }
    let power = u64::from(number.ilog2());
    let step = (number >> (power - 3)) & (STEPS - 1);
    ((power - 2) * STEPS + step) as usize
}

/// The largest number of a bucket.
fn upper(place: u64) -> u64 {
    if place < STEPS {
        return place;
    }
    let (power, step) = (place / STEPS + 2, place % STEPS);
    let width = 1_u64 << (power - 3);
    (1_u64 << power).saturating_add(step * width).saturating_add(width - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_is_at_most_an_eighth_below_the_end_of_its_bucket() {
        for number in (0..5_000).chain([1 << 20, (1 << 40) + 12_345, u64::MAX / 2, u64::MAX]) {
            let end = upper(place(number) as u64);
            assert!(end >= number && end - number <= number / 8, "{number}: {end}");
        }
    }

    #[test]
    fn percentiles_are_those_of_the_numbers() {
        let mut spread = Spread::default();
        assert!(spread.percentiles().is_none());
        (1..=1_000).for_each(|number| spread.add(number));
        let Percentiles { p50, p90, p99, max } = spread.percentiles().unwrap();
        assert!(
            (500..=563).contains(&p50) && (900..=1_000).contains(&p90) && (990..=1_000).contains(&p99),
            "{p50} {p90} {p99}"
        );
        assert_eq!(max, 1_000);
        let mut both = spread.clone();
        both.merge(&spread);
        assert_eq!((both.count(), both.percentiles().unwrap().p50), (2_000, p50));
    }
}
