//! How many refreshes of one cache may be under way in tasks: more would only wait for its backends, which take no more than so many operations at once, and those of
//! them that the backends do not take would load without asking whether another process does.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

#[derive(Debug, Default)]
pub(super) struct Turns(Arc<AtomicUsize>);

/// One of them; given back by the drop.
#[derive(Debug)]
pub(super) struct Turn(Option<Arc<AtomicUsize>>);

impl Turns {
    pub(super) const MOST: usize = 256;

    /// `None`: so many are under way.
    pub(super) fn take(&self) -> Option<Turn> {
        // Counted before it is looked at, so that no two callers take the last one.
        let taken = Turn(Some(self.0.clone()));
        (self.0.fetch_add(1, Ordering::Relaxed) < Self::MOST).then_some(taken)
    }
}

impl Turn {
    /// Of a cache that asks nobody.
    pub(super) const FREE: Turn = Turn(None);
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(taken) = &self.0 {
            taken.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_are_taken_and_given_back() {
        let turns = Turns::default();
        let mut taken: Vec<_> = std::iter::from_fn(|| turns.take()).collect();
        assert_eq!(taken.len(), Turns::MOST);
        assert!(turns.take().is_none(), "a refusal takes nothing, and gives nothing back that it has not");
        drop(taken.pop());
        assert!(turns.take().is_some() && Turns::default().take().is_some());
        taken.push(Turn::FREE);
        drop(taken);
        assert_eq!(turns.0.load(Ordering::Relaxed), 0);
    }
}
