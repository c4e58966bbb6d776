//! Hill climbing: finds the size of a window by trying.

/// A sample is as many accesses as ten times the capacity.
const SAMPLE: u64 = 10;
/// The first step, as a share of the capacity.
const STEP: f64 = 0.0625;
/// Each step is smaller than the one before, by so much.
const DECAY: f64 = 0.98;
/// A change of the hit ratio from which on the climb begins anew with the first step: the accesses have changed.
const RESTART: f64 = 0.05;
/// The largest share of the capacity that a window may have.
const LARGEST: f64 = 0.8;

/// Changes the size of a window by a step, looks at the hit ratio after a sample of accesses, goes on in the same direction if it has grown
/// and turns round if not.
///
/// Gil Einziger, Ohad Eytan, Roy Friedman, Ben Manes: "Adaptive software cache management", Middleware 2018, section 3.1.
pub(super) struct Climber {
    capacity: f64,
    /// In fractions of an entry, so that small caches move too.
    window: f64,
    step: f64,
    hits: u64,
    misses: u64,
    ratio: f64,
}

impl Climber {
    pub(super) fn new(capacity: usize, window: usize) -> Self {
        let capacity = capacity as f64;
        Climber { capacity, window: window as f64, step: STEP * capacity, hits: 0, misses: 0, ratio: 0.0 }
    }

    /// The window takes the same share of the new capacity.
    pub(super) fn set_capacity(&mut self, capacity: usize) {
        let scale = capacity as f64 / self.capacity;
        self.capacity = capacity as f64;
        self.window *= scale;
        self.step *= scale;
    }

    pub(super) fn hits(&mut self, hits: u64) {
        self.hits += hits;
    }

    pub(super) fn miss(&mut self) {
        self.misses += 1;
        let all = self.hits + self.misses;
        if all as f64 >= SAMPLE as f64 * self.capacity {
            let ratio = self.hits as f64 / all as f64;
            self.climb(ratio - self.ratio);
            (self.hits, self.misses, self.ratio) = (0, 0, ratio);
        }
    }

    /// At least one entry.
    pub(super) fn window(&self) -> usize {
        (self.window as usize).max(1)
    }

    fn climb(&mut self, change: f64) {
        let step = if change >= 0.0 { self.step } else { -self.step };
        self.window = (self.window + step).clamp(1.0, (LARGEST * self.capacity).max(1.0));
        self.step = if change.abs() >= RESTART { (STEP * self.capacity).copysign(step) } else { DECAY * step };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sample with that hit ratio in percent.
    fn sample(climber: &mut Climber, percent: u64) -> usize {
        climber.hits(10 * percent);
        (0..1_000 - 10 * percent).for_each(|_| climber.miss());
        climber.window()
    }

    #[test]
    fn goes_on_while_it_helps_and_turns_round_when_it_does_not() {
        let mut climber = Climber::new(100, 10);
        assert_eq!(sample(&mut climber, 50), 16, "the first sample has nothing to be compared with");
        assert_eq!(sample(&mut climber, 51), 22);
        assert_eq!(sample(&mut climber, 50), 16);
        assert_eq!(sample(&mut climber, 51), 10);
    }

    #[test]
    fn steps_get_smaller_until_the_accesses_change() {
        let mut climber = Climber::new(100, 10);
        sample(&mut climber, 50);
        for _ in 0..200 {
            sample(&mut climber, 50);
        }
        let settled = climber.window;
        sample(&mut climber, 50);
        assert!((climber.window - settled).abs() < 0.2);
        sample(&mut climber, 20);
        assert_eq!(climber.step.abs(), 6.25);
    }

    #[test]
    fn stays_between_one_entry_and_most_of_the_cache() {
        let mut climber = Climber::new(100, 10);
        for percent in 1..40 {
            sample(&mut climber, percent);
        }
        assert_eq!(climber.window(), 80);
        (1..40).rev().for_each(|percent| {
            climber.step = -6.25;
            climber.ratio = 0.0;
            sample(&mut climber, percent);
        });
        assert_eq!(climber.window(), 1);
        assert_eq!(Climber::new(1, 1).window(), 1);
    }

    #[test]
    fn a_new_capacity_keeps_the_share() {
        let mut climber = Climber::new(100, 10);
        climber.set_capacity(1_000);
        assert_eq!((climber.window(), climber.step), (100, 62.5));
    }
}
