use std::collections::HashMap;

use super::{Queue, Reference};

#[derive(Clone, Copy, PartialEq)]
enum State {
    Lir,
    /// In the cache, and maybe in the stack.
    Resident,
    /// In the stack only.
    Gone,
}

/// LIRS: Jiang and Zhang, "LIRS: an efficient low inter-reference recency set replacement policy to improve buffer cache performance",
/// SIGMETRICS 2002, section 3. A hundredth of the cache, one key at least, is for those of high recency; the stack remembers at most twice as many
/// keys that are gone as the cache holds.
pub struct Lirs {
    capacity: usize,
    lir_capacity: usize,
    stack: Queue,
    resident: Queue,
    gone: Queue,
    states: HashMap<u64, State>,
    lirs: usize,
}

impl Lirs {
    /// Of so many keys.
    pub fn new(capacity: usize) -> Self {
        let others = (capacity / 100).max(1);
        Lirs {
            capacity,
            lir_capacity: capacity.saturating_sub(others).max(usize::from(capacity > 1)),
            stack: Queue::default(),
            resident: Queue::default(),
            gone: Queue::default(),
            states: HashMap::new(),
            lirs: 0,
        }
    }

    /// The bottom of the stack is always a key of low recency.
    fn prune(&mut self) {
        while let Some(bottom) = self.stack.first()
            && self.states[&bottom] != State::Lir
        {
            self.stack.pop();
            if self.states[&bottom] == State::Gone {
                self.forget(bottom);
            }
        }
    }

    fn forget(&mut self, key: u64) {
        self.states.remove(&key);
        self.stack.remove(key);
        self.gone.remove(key);
    }

    fn promote(&mut self, key: u64) {
        self.stack.push(key);
        self.states.insert(key, State::Lir);
        self.lirs += 1;
        if self.lirs > self.lir_capacity
            && let Some(bottom) = self.stack.pop()
        {
            self.lirs -= 1;
            self.states.insert(bottom, State::Resident);
            self.resident.push(bottom);
            self.prune();
        }
    }

    fn evict(&mut self) {
        if let Some(victim) = self.resident.pop() {
            if self.stack.has(victim) {
                self.states.insert(victim, State::Gone);
                self.gone.push(victim);
            } else {
                self.states.remove(&victim);
            }
            if self.gone.len() > (2 * self.capacity).max(2)
                && let Some(oldest) = self.gone.first()
            {
                self.forget(oldest);
            }
        } else if let Some(bottom) = self.stack.pop() {
            self.states.remove(&bottom);
            self.lirs -= 1;
            self.prune();
        }
    }
}

impl Reference for Lirs {
    fn access(&mut self, key: u64) -> bool {
        match self.states.get(&key) {
            Some(State::Lir) => {
                self.stack.push(key);
                self.prune();
                return true;
            }
            Some(State::Resident) => {
                if self.stack.has(key) {
                    self.resident.remove(key);
                    self.promote(key);
                } else {
                    self.stack.push(key);
                    self.resident.push(key);
                }
                return true;
            }
            _ => {}
        }
        if self.lirs + self.resident.len() == self.capacity {
            self.evict();
        }
        if self.states.get(&key) == Some(&State::Gone) {
            self.gone.remove(key);
            self.promote(key);
        } else if self.lirs < self.lir_capacity {
            self.promote(key);
        } else {
            self.stack.push(key);
            self.resident.push(key);
            self.states.insert(key, State::Resident);
        }
        false
    }

    fn holds(&self, key: u64) -> bool {
        matches!(self.states.get(&key), Some(State::Lir | State::Resident))
    }
}
