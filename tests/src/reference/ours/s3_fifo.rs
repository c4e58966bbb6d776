use std::collections::HashMap;

use super::ghost::Ghost;
use crate::reference::{Queue, Reference};

/// S3-FIFO with one eviction for one insertion and a ghost queue in groups.
pub struct S3Fifo {
    capacity: usize,
    small_capacity: usize,
    small: Queue,
    main: Queue,
    ghost: Ghost,
    hits: HashMap<u64, u8>,
}

impl S3Fifo {
    /// Of so many keys.
    pub fn new(capacity: usize) -> Self {
        let small_capacity = (capacity / 10).max(1);
        S3Fifo {
            capacity,
            small_capacity,
            small: Queue::default(),
            main: Queue::default(),
            ghost: Ghost::new(capacity - small_capacity),
            hits: HashMap::new(),
        }
    }

    fn victim(&mut self) -> Option<u64> {
        if self.small.len() >= self.small_capacity || self.main.is_empty() {
            while let Some(key) = self.small.pop() {
                if self.hits[&key] < 2 {
                    self.ghost.remember(key);
                    return Some(key);
                }
                self.hits.insert(key, 0);
                self.main.push(key);
                if self.main.len() > self.capacity - self.small_capacity {
                    break;
                }
            }
        }
        while let Some(key) = self.main.pop() {
            match self.hits[&key] {
                0 => return Some(key),
                more => {
                    self.hits.insert(key, more - 1);
                    self.main.push(key);
                }
            }
        }
        None
    }
}

impl Reference for S3Fifo {
    fn access(&mut self, key: u64) -> bool {
        if let Some(hits) = self.hits.get_mut(&key) {
            *hits = (*hits + 1).min(3);
            return true;
        }
        if self.hits.len() == self.capacity
            && let Some(victim) = self.victim()
        {
            self.hits.remove(&victim);
        }
        let queue = if self.ghost.forget(key) { &mut self.main } else { &mut self.small };
        queue.push(key);
        self.hits.insert(key, 0);
        false
    }

    fn holds(&self, key: u64) -> bool {
        self.hits.contains_key(&key)
    }
}
