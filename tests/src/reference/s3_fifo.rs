use std::collections::HashMap;

use super::{Queue, Reference};

/// S3-FIFO: Yang et al., SOSP 2023, Algorithm 1. The small queue takes a tenth, the ghost queue as many keys as the main queue.
pub struct S3Fifo {
    capacity: usize,
    small_capacity: usize,
    small: Queue,
    main: Queue,
    ghost: Queue,
    frequency: HashMap<u64, u8>,
}

impl S3Fifo {
    /// Of so many keys.
    pub fn new(capacity: usize) -> Self {
        S3Fifo {
            capacity,
            small_capacity: (capacity / 10).max(1),
            small: Queue::default(),
            main: Queue::default(),
            ghost: Queue::default(),
            frequency: HashMap::new(),
        }
    }

    fn evict(&mut self) {
        if self.small.len() >= self.small_capacity || self.main.is_empty() {
            self.evict_from_small();
        } else {
            self.evict_from_main();
        }
    }

    fn evict_from_small(&mut self) {
        while let Some(key) = self.small.pop() {
            if self.frequency[&key] > 1 {
                self.frequency.insert(key, 0);
                self.main.push(key);
                if self.main.len() > self.capacity - self.small_capacity {
                    self.evict_from_main();
                }
            } else {
                self.frequency.remove(&key);
                self.ghost.push(key);
                if self.ghost.len() > self.capacity - self.small_capacity {
                    self.ghost.pop();
                }
                return;
            }
        }
    }

    fn evict_from_main(&mut self) {
        while let Some(key) = self.main.pop() {
            match self.frequency[&key] {
                0 => {
                    self.frequency.remove(&key);
                    return;
                }
                more => {
                    self.frequency.insert(key, more - 1);
                    self.main.push(key);
                }
            }
        }
    }
}

impl Reference for S3Fifo {
    fn access(&mut self, key: u64) -> bool {
        if let Some(frequency) = self.frequency.get_mut(&key) {
            *frequency = (*frequency + 1).min(3);
            return true;
        }
        while self.small.len() + self.main.len() >= self.capacity {
            self.evict();
        }
        if self.ghost.remove(key) {
            self.main.push(key);
        } else {
            self.small.push(key);
        }
        self.frequency.insert(key, 0);
        false
    }

    fn holds(&self, key: u64) -> bool {
        self.frequency.contains_key(&key)
    }
}
