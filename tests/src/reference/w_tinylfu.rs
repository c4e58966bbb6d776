use super::{Queue, Reference, sketch::Sketch};

/// W-TinyLFU with an adaptive window: Einziger, Friedman, Manes, "TinyLFU: a highly efficient cache admission policy", 2017, sections 3 and 4;
/// Einziger, Eytan, Friedman, Manes, "Adaptive software cache management", Middleware 2018, section 3.1, with a step of 1/16 that shrinks to
/// 98 % each time and begins anew when the hit ratio changes by 5 points. A window of a hundredth to begin with, a main part of two
/// segments, the protected one four fifths.
pub struct WTinyLfu {
    capacity: usize,
    window_capacity: usize,
    window: Queue,
    probation: Queue,
    protected: Queue,
    sketch: Sketch,
    hits: usize,
    requests: usize,
    ratio: f64,
    step: f64,
    random: u64,
}

impl WTinyLfu {
    /// Of so many keys.
    pub fn new(capacity: usize) -> Self {
        WTinyLfu {
            capacity,
            window_capacity: (capacity / 100).max(1),
            window: Queue::default(),
            probation: Queue::default(),
            protected: Queue::default(),
            sketch: Sketch::new(capacity),
            hits: 0,
            requests: 0,
            ratio: 0.0,
            step: -0.0625 * capacity as f64,
            random: 1,
        }
    }

    fn len(&self) -> usize {
        self.window.len() + self.probation.len() + self.protected.len()
    }

    fn shrink_protected(&mut self) {
        while self.protected.len() > (self.capacity - self.window_capacity) * 4 / 5
            && let Some(key) = self.protected.pop()
        {
            self.probation.push(key);
        }
    }

    fn evict(&mut self) {
        let mut candidate = None;
        while self.window.len() > self.window_capacity {
            candidate = self.window.pop();
            candidate.into_iter().for_each(|key| self.probation.push(key));
        }
        if self.len() <= self.capacity {
            return;
        }
        let main = self.probation.first().or(self.protected.first());
        let gone = match (candidate, main) {
            (Some(candidate), Some(main)) if candidate != main && !self.admits(candidate, main) => Some(candidate),
            _ => main.or(self.window.first()),
        };
        if let Some(key) = gone {
            let _ = self.probation.remove(key) || self.protected.remove(key) || self.window.remove(key);
        }
    }

    fn admits(&mut self, candidate: u64, main: u64) -> bool {
        let (candidate, main) = (self.sketch.get(candidate), self.sketch.get(main));
        if candidate > main || candidate < 6 {
            return candidate > main;
        }
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        self.random >> 57 == 0
    }

    fn climb(&mut self) {
        let ratio = self.hits as f64 / self.requests as f64;
        let change = ratio - self.ratio;
        let step = if change >= 0.0 { self.step } else { -self.step };
        let most = (self.capacity as f64 * 0.8).max(1.0);
        self.window_capacity = (self.window_capacity as f64 + step.trunc()).clamp(1.0, most) as usize;
        self.step = if change.abs() >= 0.05 { (0.0625 * self.capacity as f64).copysign(step) } else { step * 0.98 };
        (self.ratio, self.hits, self.requests) = (ratio, 0, 0);
        self.shrink_protected();
        while self.window.len() < self.window_capacity
            && let Some(key) = self.probation.pop().or_else(|| self.protected.pop())
        {
            self.window.push(key);
        }
        while self.window.len() > self.window_capacity
            && let Some(key) = self.window.pop()
        {
            self.probation.push(key);
        }
    }
}

impl Reference for WTinyLfu {
    fn access(&mut self, key: u64) -> bool {
        self.sketch.add(key);
        self.requests += 1;
        if self.requests >= 10 * self.capacity && self.len() >= self.capacity {
            self.climb();
        }
        let hit = self.holds(key);
        self.hits += usize::from(hit);
        if self.protected.has(key) || self.probation.remove(key) {
            self.protected.push(key);
            self.shrink_protected();
        } else {
            self.window.push(key);
            self.evict();
        }
        hit
    }

    fn holds(&self, key: u64) -> bool {
        self.window.has(key) || self.probation.has(key) || self.protected.has(key)
    }
}
