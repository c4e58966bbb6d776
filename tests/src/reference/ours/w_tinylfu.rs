use std::collections::{HashMap, HashSet};

use super::sketch::Sketch;
use crate::reference::{Queue, Reference};

/// W-TinyLFU with second chance instead of LRU in its three parts.
pub struct WTinyLfu {
    capacity: usize,
    window: Queue,
    probation: Queue,
    protected: Queue,
    /// From the first eviction on.
    sketch: Option<Sketch>,
    /// Not looked at yet, at most 15.
    hits: HashMap<u64, u64>,
    /// Hit since they were queued, and looked at since.
    known_hit: HashSet<u64>,
    /// The slots of the table: a new key takes that of the victim.
    slots: Vec<u64>,
    swept: usize,
    target: f64,
    step: f64,
    seen_hits: u64,
    seen_misses: u64,
    ratio: f64,
    random: u64,
}

impl WTinyLfu {
    /// Of so many keys.
    pub fn new(capacity: usize) -> Self {
        WTinyLfu {
            capacity,
            window: Queue::default(),
            probation: Queue::default(),
            protected: Queue::default(),
            sketch: None,
            hits: HashMap::new(),
            known_hit: HashSet::new(),
            slots: Vec::new(),
            swept: 0,
            target: (capacity / 100).max(1) as f64,
            step: capacity as f64 / 16.0,
            seen_hits: 0,
            seen_misses: 0,
            ratio: 0.0,
            random: 1,
        }
    }

    fn window_capacity(&self) -> usize {
        (self.target.floor() as usize).max(1)
    }

    fn was_hit(&mut self, key: u64) -> bool {
        let hits = self.hits.get_mut(&key).map_or(0, std::mem::take);
        self.seen_hits += hits;
        if let Some(sketch) = &mut self.sketch {
            sketch.add(key, hits);
        }
        hits > 0 || self.known_hit.contains(&key)
    }

    fn leave_window(&mut self) -> Option<u64> {
        loop {
            let key = self.window.pop()?;
            if !self.was_hit(key) {
                return Some(key);
            }
            self.known_hit.remove(&key);
            self.window.push(key);
        }
    }

    /// The first of the protected part goes to its end if it was hit, else on probation.
    fn turn_protected(&mut self) -> bool {
        let Some(key) = self.protected.pop() else { return false };
        if self.was_hit(key) {
            self.protected.push(key)
        } else {
            self.probation.push(key)
        }
        self.known_hit.remove(&key);
        true
    }

    fn next_of_main(&mut self) -> Option<u64> {
        loop {
            if let Some(key) = self.probation.first() {
                if !self.was_hit(key) {
                    return Some(key);
                }
                self.probation.pop();
                self.known_hit.remove(&key);
                self.protected.push(key);
                let main = self.capacity.saturating_sub(self.window_capacity());
                while self.protected.len() > main * 4 / 5 {
                    self.turn_protected();
                }
            } else if !self.turn_protected() {
                return None;
            }
        }
    }

    fn frequency(&self, key: u64) -> u64 {
        self.sketch.as_ref().map_or(0, |sketch| sketch.get(key))
    }

    fn victim(&mut self) -> Option<u64> {
        let candidate = if self.window.len() < self.window_capacity() { None } else { self.leave_window() };
        let next = self.next_of_main();
        let (Some(candidate), Some(next)) = (candidate, next) else {
            let victim = candidate.or(next).or_else(|| self.leave_window());
            if let Some(key) = victim {
                self.probation.remove(key);
            }
            return victim;
        };
        let (new, old) = (self.frequency(candidate), self.frequency(next));
        if new > old || new >= 6 && self.is_let_in() {
            self.probation.remove(next);
            self.probation.push(candidate);
            Some(next)
        } else {
            Some(candidate)
        }
    }

    fn is_let_in(&mut self) -> bool {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random.is_multiple_of(128)
    }

    /// Looks at two slots.
    fn sweep(&mut self) {
        for _ in 0..2 {
            self.swept = (self.swept + 1) % self.capacity;
            // That of the new key is not in a queue yet.
            if let Some(&key) = self.slots.get(self.swept)
                && self.hits.contains_key(&key)
                && self.was_hit(key)
            {
                self.known_hit.insert(key);
            }
        }
    }

    fn climb(&mut self) {
        self.seen_misses += 1;
        let all = self.seen_hits + self.seen_misses;
        if all < 10 * self.capacity as u64 {
            return;
        }
        let ratio = self.seen_hits as f64 / all as f64;
        let change = ratio - self.ratio;
        if change < 0.0 {
            self.step = -self.step;
        }
        self.target = (self.target + self.step).min((self.capacity as f64 * 0.8).max(1.0)).max(1.0);
        self.step *= 0.98;
        if change.abs() >= 0.05 {
            self.step = self.step.signum() * self.capacity as f64 / 16.0;
        }
        (self.ratio, self.seen_hits, self.seen_misses) = (ratio, 0, 0);
    }
}

impl Reference for WTinyLfu {
    fn access(&mut self, key: u64) -> bool {
        if let Some(hits) = self.hits.get_mut(&key) {
            *hits = (*hits + 1).min(15);
            return true;
        }
        if self.hits.len() == self.capacity {
            self.sketch.get_or_insert_with(|| Sketch::new(8 * self.capacity, 16 * self.capacity));
            let victim = self.victim();
            if let Some(slot) = self.slots.iter().position(|key| Some(*key) == victim) {
                self.hits.remove(&self.slots[slot]);
                self.known_hit.remove(&self.slots[slot]);
                self.slots[slot] = key;
            }
        } else {
            self.slots.push(key);
        }
        if let Some(sketch) = &mut self.sketch {
            sketch.add(key, 1);
            self.climb();
            self.sweep();
        }
        self.hits.insert(key, 0);
        self.window.push(key);
        for _ in 0..3 {
            if self.window.len() > self.window_capacity()
                && let Some(key) = self.leave_window()
            {
                self.probation.push(key);
            }
        }
        false
    }

    fn holds(&self, key: u64) -> bool {
        self.hits.contains_key(&key)
    }
}
