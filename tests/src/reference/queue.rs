//! A queue that knows what it holds.

use std::collections::{BTreeMap, HashMap};

/// Distinct keys in the order in which they were pushed.
#[derive(Default)]
pub struct Queue {
    keys: BTreeMap<u64, u64>,
    places: HashMap<u64, u64>,
    next: u64,
}

impl Queue {
    /// Makes the key the last; it leaves its place if it has one.
    pub fn push(&mut self, key: u64) {
        self.remove(key);
        self.keys.insert(self.next, key);
        self.places.insert(key, self.next);
        self.next += 1;
    }

    /// The key that was pushed first.
    pub fn first(&self) -> Option<u64> {
        self.keys.first_key_value().map(|(_, key)| *key)
    }

    /// Takes the first out.
    pub fn pop(&mut self) -> Option<u64> {
        let (_, key) = self.keys.pop_first()?;
        self.places.remove(&key);
        Some(key)
    }

    /// Whether it was there.
    pub fn remove(&mut self, key: u64) -> bool {
        self.places.remove(&key).is_some_and(|place| self.keys.remove(&place).is_some())
    }

    /// Whether it is there.
    pub fn has(&self, key: u64) -> bool {
        self.places.contains_key(&key)
    }

    /// How many are there.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether none is there.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
}
