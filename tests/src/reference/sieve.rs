use super::Reference;

/// SIEVE: Zhang et al., NSDI 2024, Algorithm 1.
pub struct Sieve {
    capacity: usize,
    /// From the newest to the oldest, and whether it was visited.
    queue: Vec<(u64, bool)>,
    /// The key at the hand.
    hand: Option<u64>,
}

impl Sieve {
    /// Of so many keys.
    pub fn new(capacity: usize) -> Self {
        Sieve { capacity, queue: Vec::new(), hand: None }
    }

    fn evict(&mut self) {
        let oldest = self.queue.len() - 1;
        let mut place = self.queue.iter().position(|(key, _)| Some(*key) == self.hand).unwrap_or(oldest);
        while self.queue[place].1 {
            self.queue[place].1 = false;
            place = if place == 0 { oldest } else { place - 1 };
        }
        self.hand = (place > 0).then(|| self.queue[place - 1].0);
        self.queue.remove(place);
    }
}

impl Reference for Sieve {
    fn access(&mut self, key: u64) -> bool {
        if let Some((_, visited)) = self.queue.iter_mut().find(|(other, _)| *other == key) {
            *visited = true;
            return true;
        }
        if self.queue.len() == self.capacity {
            self.evict();
        }
        self.queue.insert(0, (key, false));
        false
    }

    fn holds(&self, key: u64) -> bool {
        self.queue.iter().any(|(other, _)| *other == key)
    }
}
