//! Streams of keys: random, popular, looping, scanning and shifting ones.

/// Knuth's linear congruential generator ("The Art of Computer Programming", volume 2, 3.3.4, the line of Haynes); the upper bits.
pub struct Random(u64);

impl Random {
    /// The same seed gives the same numbers.
    pub fn new(seed: u64) -> Self {
        Random(seed)
    }

    /// Below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// Every key as likely as every other.
pub fn uniform(keys: u64, length: usize, seed: u64) -> Vec<u64> {
    let mut random = Random::new(seed);
    (0..length).map(|_| random.below(keys)).collect()
}

/// The key of rank r with a probability proportional to r^-exponent.
pub fn zipf(keys: u64, exponent: f64, length: usize, seed: u64) -> Vec<u64> {
    let mut random = Random::new(seed);
    let mut sum = 0.0;
    let sums: Vec<f64> = (1..=keys)
        .map(|rank| {
            sum += (rank as f64).powf(-exponent);
            sum
        })
        .collect();
    (0..length)
        .map(|_| {
            let at = random.below(1 << 30) as f64 / f64::from(1 << 30) * sum;
            sums.partition_point(|sum| *sum <= at) as u64
        })
        .collect()
}

/// The same keys in the same order, again and again.
pub fn looping(keys: u64, length: usize) -> Vec<u64> {
    (0..length as u64).map(|time| time % keys).collect()
}

/// Popular keys, with runs of keys between them that come once.
pub fn scanning(keys: u64, length: usize, seed: u64) -> Vec<u64> {
    let mut once = 1_000_000..;
    let popular = zipf(keys, 0.9, length, seed);
    popular
        .chunks(100)
        .enumerate()
        .flat_map(|(index, chunk)| {
            let scan = if index % 4 == 3 { 2 * keys as usize } else { 0 };
            chunk.iter().copied().chain(once.by_ref().take(scan)).collect::<Vec<_>>()
        })
        .take(length)
        .collect()
}

/// Popular keys, of which others become popular over time.
pub fn shifting(keys: u64, length: usize, seed: u64) -> Vec<u64> {
    let popular = zipf(keys, 0.9, length, seed);
    popular.into_iter().enumerate().map(|(time, key)| key + (time / 200) as u64 * (keys / 8).max(1)).collect()
}

/// One of each, with a name.
pub fn all(keys: u64, length: usize, seed: u64) -> [(&'static str, Vec<u64>); 5] {
    [
        ("uniform", uniform(keys, length, seed)),
        ("zipf", zipf(keys, 0.9, length, seed)),
        ("loop", looping(keys, length)),
        ("scan", scanning(keys, length, seed)),
        ("shift", shifting(keys, length, seed)),
    ]
}
