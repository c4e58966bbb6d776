//! The order of stores and invalidations in a backend that knows no witness.
//!
//! A look notes the moment at which it began; an invalidation makes the moments of its key's stripe past, and then takes the stripe's turn, as every store
//! does. So either a store sees under its turn that its moment is past, and stores nothing, or it has stored before, and what it stored is removed.

use super::switches;
use async_lock::{Mutex, MutexGuard};
use std::{
    hash::{BuildHasher, Hash},
    sync::atomic::{AtomicU64, Ordering},
};

const STRIPES: usize = 256;

pub(super) struct Order {
    stripes: Box<[Stripe]>,
    hasher: foldhash::fast::RandomState,
}

#[derive(Default)]
struct Stripe {
    turn: Mutex<()>,
    moment: AtomicU64,
}

/// When a look began, as far as invalidations of its key are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment(u64);

/// While it lives, the key's turn is this one's.
pub(super) struct Turn<'a> {
    _stripe: MutexGuard<'a, ()>,
}

impl Order {
    pub(super) fn new() -> Self {
        Order {
            stripes: std::iter::repeat_with(Stripe::default).take(STRIPES).collect(),
            hasher: foldhash::fast::RandomState::default(),
        }
    }

    fn stripe(&self, id: &(impl Hash + ?Sized)) -> &Stripe {
        // The remainder is less than the length.
        &self.stripes[self.hasher.hash_one(id) as usize % STRIPES]
    }

    pub(super) fn moment(&self, id: &(impl Hash + ?Sized)) -> Moment {
        Moment(self.stripe(id).moment.load(Ordering::Acquire))
    }

    /// Was the key invalidated since? To be asked in its turn.
    pub(super) fn is_past(&self, id: &(impl Hash + ?Sized), moment: Moment) -> bool {
        !switches::without_order() && self.moment(id) != moment
    }

    /// An invalidation begins.
    pub(super) fn pass(&self, id: &(impl Hash + ?Sized)) {
        self.stripe(id).moment.fetch_add(1, Ordering::AcqRel);
    }

    /// One of all keys begins.
    pub(super) fn pass_all(&self) {
        self.stripes.iter().for_each(|stripe| _ = stripe.moment.fetch_add(1, Ordering::AcqRel));
    }

    pub(super) async fn turn_of(&self, id: &(impl Hash + ?Sized)) -> Turn<'_> {
        Turn { _stripe: self.stripe(id).turn.lock().await }
    }

    /// The turns of all keys, taken in one order by everyone.
    pub(super) async fn turn_of_all(&self) -> Vec<Turn<'_>> {
        let mut turns = Vec::with_capacity(STRIPES);
        for stripe in &self.stripes {
            turns.push(Turn { _stripe: stripe.turn.lock().await });
        }
        turns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invalidation_makes_the_moments_of_its_key_past() {
        let order = Order::new();
        let before = order.moment("key");
        assert!(!order.is_past("key", before));
        order.pass("key");
        assert!(order.is_past("key", before));
        let before = order.moment("key");
        order.pass_all();
        assert!(order.is_past("key", before));
    }
}
