//! From a stream of hashed keys to what each capacity and strategy would give.

use super::{
    Curve, Options, Point,
    distances::{Distances, Reuse},
    limit,
    misses::{GROUPS, Misses, group, sum_and_deviation},
    options::part_of_keys,
    rate,
    report::{Advice, Outlook, Present},
    shadow::{SCALE, Shadow},
};

/// Accesses that are simulated at a time: each simulation then finds its own memory near.
const BATCH: usize = 1_024;

/// With fewer entries a simulation that is scaled down is no cache any more.
const FEWEST: usize = 16;

/// An LRU curve changes by a cliff if its hit ratio grows by this much more than in proportion within [`NEAR`].
const JUMP: f64 = 0.05;

/// What lies this close, in parts of the capacity, a cache divided into shards cannot tell apart.
const NEAR: f64 = 0.05;

/// Estimates an LRU curve, and the hit ratio of strategies at several capacities, from hashed keys, in bounded memory.
///
/// The hashes have to be spread evenly in all bits, as those of `foldhash` are; numbers of keys are not. The same accesses in the same order give the same estimate.
pub struct Estimator {
    distances: Distances,
    misses: Misses,
    shadows: Vec<Shadow>,
    waiting: Vec<u64>,
    /// Accesses that were offered, those of keys outside of the sample included.
    offered: u64,
    /// Those that some part of it looked at.
    sampled: u64,
}

impl std::fmt::Debug for Estimator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Estimator")
            .field("offered", &self.offered)
            .field("sampled", &self.sampled)
            .finish_non_exhaustive()
    }
}

impl Estimator {
    /// With nothing seen yet.
    #[must_use]
    pub fn new(options: &Options) -> Self {
        let share = part_of_keys(options.share);
        let part = |capacity: &usize| Shadow::part(*capacity, options.miniature, share);
        let sample = options.capacities.iter().map(part).fold(0.0, f64::max);
        let shadows = options.strategies.iter().flat_map(|strategy| {
            let of = |capacity: &usize| Shadow::new(strategy, *capacity, part(capacity), sample);
            options.capacities.iter().map(of)
        });
        Estimator {
            distances: Distances::new(options.samples, limit(share)),
            misses: Misses::new(),
            shadows: shadows.collect(),
            waiting: Vec::with_capacity(BATCH),
            offered: 0,
            sampled: 0,
        }
    }

    /// An access of the key of this hash.
    pub fn access(&mut self, hash: u64) {
        self.offered += 1;
        if hash <= self.limit() {
            self.waiting.push(hash);
            if self.waiting.len() == BATCH {
                self.catch_up();
            }
        }
    }

    /// The greatest hash that it wants to see. Falls as keys come.
    #[must_use]
    pub fn limit(&self) -> u64 {
        self.shadows.iter().map(|shadow| shadow.limit).fold(self.distances.limit(), u64::max)
    }

    /// Accesses that are in the sample.
    pub(super) fn feed(&mut self, hashes: &[u64]) {
        for hash in hashes {
            let rate = rate(self.distances.limit());
            match self.distances.access(*hash) {
                None => {}
                Some(Reuse::First) => self.misses.add_first(group(*hash), 1.0 / rate),
                Some(Reuse::After(others)) => {
                    // Of the keys outside of the sample about as many came as in it, and half of one more.
                    let distance = (f64::from(others) + 0.5 * (1.0 - rate)) / rate;
                    self.misses.add(group(*hash), distance as u64, 1.0 / rate);
                }
            }
        }
        self.shadows.iter_mut().for_each(|shadow| shadow.feed(hashes));
        self.sampled += hashes.len() as u64;
    }

    fn catch_up(&mut self) {
        let mut waiting = std::mem::take(&mut self.waiting);
        self.feed(&waiting);
        waiting.clear();
        self.waiting = waiting;
    }

    /// What it says of the accesses so far.
    pub fn advice(&mut self, present: &Present) -> Advice {
        self.catch_up();
        let accesses = present.accesses.unwrap_or(self.offered);
        // What was dropped is neither a hit nor a miss: the ratios are of the others.
        let whole = self.sampled + present.dropped;
        let seen = if whole == 0 { 0.0 } else { accesses as f64 * self.sampled as f64 / whole as f64 };
        let mut advice = Advice::new(present, accesses, self.sampled, self.bytes() as u64);
        advice.one_in = 1.0 / rate(self.distances.limit());
        advice.keys = (self.distances.len() as f64 * advice.one_in) as u64;
        advice.lru = self.lru(seen);
        advice.outlooks = self.outlooks(seen);
        advice.conclude();
        advice
    }

    /// The LRU curve; `accesses` is what the estimated misses are a part of.
    fn lru(&self, accesses: f64) -> Curve {
        if accesses < 1.0 {
            return Curve::default();
        }
        let rate = rate(self.distances.limit());
        let capacities = self.misses.capacities();
        let at = |factor: &dyn Fn(f64) -> f64| {
            let capacities: Vec<f64> =
                capacities.iter().map(|capacity| *capacity as f64 * factor(*capacity as f64)).collect();
            self.misses.at(&capacities)
        };
        let spread = |capacity: f64| (2.0 * relative_deviation(rate, capacity)).min(0.9);
        let here = at(&|_| 1.0);
        let [less, more] = [at(&|capacity| 1.0 - spread(capacity)), at(&|capacity| 1.0 + spread(capacity))];
        let [before, after] = [at(&|_| 1.0 - NEAR), at(&|_| 1.0 + NEAR)];
        let points = capacities.iter().enumerate().map(|(index, capacity)| {
            let [hit_ratio, low, high] = [&here, &less, &more].map(|all| self::hit_ratio(&all[index], accesses));
            let (near_low, near_high) =
                (self::hit_ratio(&before[index], accesses), self::hit_ratio(&after[index], accesses));
            let by_keys = chance(&here[index], accesses, rate);
            let in_proportion = near_low * (1.0 + NEAR) / (1.0 - NEAR);
            Point {
                capacity: *capacity,
                hit_ratio,
                error: by_keys.hypot((high - low).abs() / 2.0).min(1.0),
                cliff: near_high > in_proportion + JUMP,
            }
        });
        Curve { points: points.collect() }
    }

    fn outlooks(&self, accesses: f64) -> Vec<Outlook> {
        let mut all = Vec::with_capacity(self.shadows.len());
        if accesses < 1.0 {
            return all;
        }
        for of_one in self.shadows.chunk_by(|a, b| a.strategy.name() == b.strategy.name()) {
            let able: Vec<&Shadow> = of_one.iter().filter(|shadow| !shadow.has_failed()).collect();
            let point = |shadow: &&Shadow| {
                let rate = rate(shadow.limit);
                let scaled = shadow.misses.map(|misses| misses / rate);
                let capacity = shadow.capacity as u64;
                let error = chance(&scaled, accesses, rate);
                Point { capacity, hit_ratio: hit_ratio(&scaled, accesses), error, cliff: false }
            };
            let mut curve = Curve { points: able.iter().map(point).collect() };
            curve.mark_cliffs(JUMP);
            let slopes: Vec<f64> = (0..curve.points.len()).map(|index| slope(&curve.points, index)).collect();
            for ((point, shadow), slope) in curve.points.iter().zip(able).zip(slopes) {
                let is_whole = shadow.limit == u64::MAX;
                let is_tiny = !is_whole && shadow.entries() < FEWEST;
                // Several tiny ones are one and the same, whose slope says nothing. Without a cliff no curve is steeper than a line through the origin.
                let slope = if is_tiny { slope.max(point.hit_ratio) } else { slope };
                let sideways = slope * 2.0 * relative_deviation(rate(shadow.limit), shadow.capacity as f64);
                let by_scale = by_scale(shadow, slope, accesses);
                let error = (point.error.hypot(sideways) + by_scale).min(1.0);
                let (entries, full) = (shadow.entries() as u64, shadow.is_full());
                let mut outlook = Outlook::new(shadow.strategy.name(), Point { error, ..*point }, entries, full);
                outlook.predictable &= is_whole || shadow.is_scalable() && !is_tiny;
                all.push(outlook);
            }
        }
        all
    }

    /// The memory in use, in bytes; what policies allocate is estimated.
    #[must_use]
    pub fn bytes(&self) -> usize {
        size_of::<Self>()
            + self.distances.bytes()
            + self.misses.bytes()
            + self.waiting.capacity() * size_of::<u64>()
            + self.shadows.iter().map(Shadow::bytes).sum::<usize>()
    }
}

fn hit_ratio(misses: &[f64; GROUPS], accesses: f64) -> f64 {
    (1.0 - misses.iter().sum::<f64>() / accesses).clamp(0.0, 1.0)
}

/// Two standard deviations of a hit ratio, by which keys are in the sample.
fn chance(misses: &[f64; GROUPS], accesses: f64, rate: f64) -> f64 {
    // Of a sample that is the whole nothing is left to chance.
    2.0 * sum_and_deviation(misses).1 / accesses * (1.0 - rate).max(0.0).sqrt()
}

/// By what part so many entries vary when each is in the sample by chance.
fn relative_deviation(rate: f64, capacity: f64) -> f64 {
    ((1.0 - rate).max(0.0) / (rate * capacity).max(1.0)).sqrt()
}

/// How far the hit ratio of a simulation is off because policies are not the same at any scale: what the next step down changes, and chance does not explain, for each
/// step from the whole to here.
fn by_scale(shadow: &Shadow, slope: f64, accesses: f64) -> f64 {
    let rate = rate(shadow.limit);
    if rate >= 1.0 {
        return 0.0;
    }
    let (entries, scale) = (shadow.entries() as f64, SCALE as f64);
    // Half a standard deviation: what is like all others is told so seldom enough, and it is better to doubt too much.
    let chance = 0.5 * slope * ((scale - 1.0) / entries).sqrt();
    let beyond = (shadow.changed_by_scale() / accesses - chance).max(0.0);
    beyond * (1.0 / rate).ln() / scale.ln()
}

/// By how much the hit ratio changes with the logarithm of the capacity: the steeper side.
fn slope(points: &[Point], index: usize) -> f64 {
    let side = |a: &Point, b: &Point| {
        (b.hit_ratio - a.hit_ratio).abs() / (b.capacity as f64 / a.capacity.max(1) as f64).ln().max(f64::MIN_POSITIVE)
    };
    let before = index.checked_sub(1).map(|before| side(&points[before], &points[index]));
    let after = points.get(index + 1).map(|after| side(&points[index], after));
    before.into_iter().chain(after).fold(0.0, f64::max)
}
