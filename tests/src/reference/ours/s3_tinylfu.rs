use std::collections::HashMap;

use super::{ghost::Ghost, sketch::Sketch};
use crate::reference::{Queue, Reference};

#[derive(Default)]
struct Entry {
    /// Not looked at yet, at most 3.
    hits: u64,
    /// Rounds in the main queue that it is ahead.
    ahead: u64,
}

/// S3-FIFO whose main queue is filled first and then takes what comes back from the ghost queue only if it is used more.
pub struct S3TinyLfu {
    capacity: usize,
    small_capacity: usize,
    small: Queue,
    main: Queue,
    ghost: Ghost,
    sketch: Sketch,
    entries: HashMap<u64, Entry>,
    is_full: bool,
}

impl S3TinyLfu {
    /// Of so many keys.
    pub fn new(capacity: usize) -> Self {
        S3TinyLfu {
            capacity,
            small_capacity: (capacity / 10 + (capacity / 10).min(40)).max(1),
            small: Queue::default(),
            main: Queue::default(),
            ghost: Ghost::new((capacity as f64 * 1.4 + 1e-9) as usize),
            sketch: Sketch::new(2 * capacity, 10 * capacity),
            entries: HashMap::new(),
            is_full: false,
        }
    }

    /// Counts the hits that were not looked at.
    fn look_at(&mut self, key: u64) -> u64 {
        let hits = self.entries.get_mut(&key).map_or(0, |entry| std::mem::take(&mut entry.hits));
        self.sketch.add(key, hits);
        hits
    }

    /// The first of the main queue, and how many rounds it is ahead: with any it goes round.
    fn turn(&mut self) -> Option<(u64, u64)> {
        let key = self.main.first()?;
        let hits = self.look_at(key);
        let entry = self.entries.get_mut(&key)?;
        let ahead = (entry.ahead + hits).min(3);
        entry.ahead = ahead.saturating_sub(1);
        if ahead > 0 {
            self.main.push(key);
        }
        Some((key, ahead))
    }

    /// Turns until one is not ahead, or so many times.
    fn turns(&mut self, at_most: usize) -> Vec<(u64, u64)> {
        let mut turns = Vec::new();
        while turns.len() < at_most && turns.last().is_none_or(|(_, ahead)| *ahead > 0) {
            turns.extend(self.turn());
            if self.main.is_empty() {
                break;
            }
        }
        turns
    }

    fn victim(&mut self) -> Option<u64> {
        if self.small.len() >= self.small_capacity || self.main.is_empty() {
            while let Some(key) = self.small.pop() {
                if self.look_at(key) < 2 {
                    self.ghost.remember(key);
                    return Some(key);
                }
                self.main.push(key);
                if self.main.len() > self.capacity - self.small_capacity {
                    break;
                }
            }
        }
        let (victim, _) = self.turns(64).into_iter().min_by_key(|(_, ahead)| *ahead)?;
        self.main.remove(victim);
        Some(victim)
    }

    fn belongs_to_main(&mut self, key: u64) -> bool {
        let came_back = self.is_full && self.ghost.forget(key);
        if came_back {
            self.sketch.add(key, 1);
        } else if self.is_full {
            self.sketch.age();
        }
        if self.main.len() < self.capacity - self.small_capacity {
            return came_back || !self.is_full;
        }
        if !came_back || self.main.is_empty() {
            return came_back;
        }
        let turns = self.turns(8);
        turns.last().is_some_and(|(next, ahead)| *ahead == 0 && self.sketch.get(key) > self.sketch.get(*next))
    }
}

impl Reference for S3TinyLfu {
    fn access(&mut self, key: u64) -> bool {
        if let Some(entry) = self.entries.get_mut(&key) {
            entry.hits = (entry.hits + 1).min(3);
            return true;
        }
        if self.entries.len() == self.capacity {
            self.is_full = true;
            if let Some(victim) = self.victim() {
                self.entries.remove(&victim);
            }
        }
        if self.belongs_to_main(key) {
            self.main.push(key)
        } else {
            self.small.push(key)
        }
        self.entries.insert(key, Entry::default());
        false
    }

    fn holds(&self, key: u64) -> bool {
        self.entries.contains_key(&key)
    }
}
