use super::{Queue, Reference};

/// ARC: Megiddo and Modha, "ARC: a self-tuning, low overhead replacement cache", FAST 2003, figure 4.
pub struct Arc {
    capacity: usize,
    /// Seen once lately, and what was evicted of that.
    t1: Queue,
    b1: Queue,
    /// Seen twice lately, and what was evicted of that.
    t2: Queue,
    b2: Queue,
    /// What the first should hold.
    target: usize,
}

impl Arc {
    /// Of so many keys.
    pub fn new(capacity: usize) -> Self {
        let [t1, b1, t2, b2] = [(); 4].map(|()| Queue::default());
        Arc { capacity, t1, b1, t2, b2, target: 0 }
    }

    fn replace(&mut self, key_was_in_b2: bool) {
        let t1 = self.t1.len();
        let first = t1 > 0 && (t1 > self.target || key_was_in_b2 && t1 == self.target);
        if let Some(key) = if first { self.t1.pop() } else { None } {
            self.b1.push(key);
        } else if let Some(key) = self.t2.pop() {
            self.b2.push(key);
        } else if let Some(key) = self.t1.pop() {
            self.b1.push(key);
        }
    }
}

impl Reference for Arc {
    fn access(&mut self, key: u64) -> bool {
        if self.t1.remove(key) || self.t2.has(key) {
            self.t2.push(key);
            return true;
        }
        if self.b1.has(key) {
            self.target = (self.target + (self.b2.len() / self.b1.len()).max(1)).min(self.capacity);
            self.replace(false);
            self.b1.remove(key);
            self.t2.push(key);
            return false;
        }
        if self.b2.has(key) {
            self.target = self.target.saturating_sub((self.b1.len() / self.b2.len()).max(1));
            self.replace(true);
            self.b2.remove(key);
            self.t2.push(key);
            return false;
        }
        let once = self.t1.len() + self.b1.len();
        let all = once + self.t2.len() + self.b2.len();
        if once == self.capacity {
            if self.t1.len() < self.capacity {
                self.b1.pop();
                self.replace(false);
            } else {
                self.t1.pop();
            }
        } else if all >= self.capacity {
            if all == 2 * self.capacity {
                self.b2.pop();
            }
            self.replace(false);
        }
        self.t1.push(key);
        false
    }

    fn holds(&self, key: u64) -> bool {
        self.t1.has(key) || self.t2.has(key)
    }
}
