use std::collections::{BTreeSet, HashMap};

use super::Reference;

/// Least frequently used since it came; of several the one that came first.
pub struct Lfu {
    capacity: usize,
    /// Hits and time of arrival.
    known: HashMap<u64, (u64, u64)>,
    order: BTreeSet<(u64, u64, u64)>,
    now: u64,
}

impl Lfu {
    /// Of so many keys.
    pub fn new(capacity: usize) -> Self {
        Lfu { capacity, known: HashMap::new(), order: BTreeSet::new(), now: 0 }
    }
}

impl Reference for Lfu {
    fn access(&mut self, key: u64) -> bool {
        self.now += 1;
        if let Some((hits, arrival)) = self.known.get_mut(&key) {
            self.order.remove(&(*hits, *arrival, key));
            *hits += 1;
            self.order.insert((*hits, *arrival, key));
            return true;
        }
        if self.known.len() == self.capacity
            && let Some((_, _, victim)) = self.order.pop_first()
        {
            self.known.remove(&victim);
        }
        self.known.insert(key, (0, self.now));
        self.order.insert((0, self.now, key));
        false
    }

    fn holds(&self, key: u64) -> bool {
        self.known.contains_key(&key)
    }
}
