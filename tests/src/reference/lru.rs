use super::{Queue, Reference};

/// Least recently used.
pub struct Lru {
    capacity: usize,
    queue: Queue,
}

impl Lru {
    /// Of so many keys.
    pub fn new(capacity: usize) -> Self {
        Lru { capacity, queue: Queue::default() }
    }
}

impl Reference for Lru {
    fn access(&mut self, key: u64) -> bool {
        let hit = self.queue.has(key);
        if !hit && self.queue.len() == self.capacity {
            self.queue.pop();
        }
        self.queue.push(key);
        hit
    }

    fn holds(&self, key: u64) -> bool {
        self.queue.has(key)
    }
}
