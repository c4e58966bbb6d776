//! A bound by weight over all shards of a table, exact at every moment: who stores reserves the weight first.

use std::sync::atomic::{AtomicU64, Ordering};

/// What is stored and what is about to be.
pub(super) struct Budget {
    used: AtomicU64,
    most: AtomicU64,
}

impl Budget {
    pub(super) fn new(most: u64) -> Self {
        Budget { used: AtomicU64::new(0), most: AtomicU64::new(most) }
    }

    pub(super) fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    pub(super) fn most(&self) -> u64 {
        self.most.load(Ordering::Relaxed)
    }

    pub(super) fn set_most(&self, most: u64) {
        self.most.store(most, Ordering::Relaxed);
    }

    pub(super) fn is_over(&self) -> bool {
        self.used() > self.most()
    }

    /// Takes the weight if there is room for it.
    pub(super) fn try_reserve(&self, weight: u64) -> bool {
        let most = self.most();
        let add = |used: u64| used.checked_add(weight).filter(|used| *used <= most);
        self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add).is_ok()
    }

    pub(super) fn give_back(&self, weight: u64) {
        self.used.fetch_sub(weight, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_reserved_than_there_is() {
        let budget = Budget::new(100);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..5_000 {
                        if budget.try_reserve(7) {
                            assert!(budget.used() <= 100);
                            budget.give_back(7);
                        }
                    }
                });
            }
        });
        assert_eq!(budget.used(), 0);
        assert!(budget.try_reserve(100) && budget.try_reserve(0) && !budget.try_reserve(1));
        assert!(!budget.try_reserve(u64::MAX));
    }
}
