use super::{Queue, Reference};

/// First in, first out.
pub struct Fifo {
    capacity: usize,
    queue: Queue,
}

impl Fifo {
    /// Of so many keys.
    pub fn new(capacity: usize) -> Self {
        Fifo { capacity, queue: Queue::default() }
    }
}

impl Reference for Fifo {
    fn access(&mut self, key: u64) -> bool {
        if self.queue.has(key) {
            return true;
        }
        if self.queue.len() == self.capacity {
            self.queue.pop();
        }
        self.queue.push(key);
        false
    }

    fn holds(&self, key: u64) -> bool {
        self.queue.has(key)
    }
}
