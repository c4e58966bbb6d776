//! Who looks for stalled leaders: one timer for all followed flights of a cache.
//!
//! Most flights are over long before their leader could be called stalled. A timer for each would wake the timer thread once for each of them, at a moment
//! at which there is nothing left to look at.

use super::{polled::STALL, state::Flight};
use crate::{background::run_caught, sync::lock, time::Clock};
use std::{
    mem,
    sync::{Arc, Mutex, Weak},
};

/// How often it looks: twice per stall limit, so that a stall is seen at one and a half times the limit at the latest.
const BEAT: u64 = STALL / 2;

/// The flights of a cache that somebody follows.
pub(super) struct Patrol<V>(Arc<Mutex<Watched<V>>>);

struct Watched<V> {
    flights: Vec<Weak<Flight<V>>>,
    /// A timer will look.
    is_armed: bool,
}

impl<V> Patrol<V> {
    pub(super) fn new() -> Self {
        Patrol(Arc::new(Mutex::new(Watched { flights: Vec::new(), is_armed: false })))
    }
}

impl<V: Send + Sync + 'static> Patrol<V> {
    /// Looks at the flight too, until it is over.
    pub(super) fn watch(&self, clock: &Clock, flight: &Arc<Flight<V>>) {
        let mut watched = lock(&self.0);
        watched.flights.push(Arc::downgrade(flight));
        if !mem::replace(&mut watched.is_armed, true) {
            arm(clock, &self.0);
        }
    }
}

fn arm<V: Send + Sync + 'static>(clock: &Clock, watched: &Arc<Mutex<Watched<V>>>) {
    let (clock, weak) = (clock.clone(), Arc::downgrade(watched));
    let due = clock.now().saturating_add(BEAT);
    let again = clock.clone();
    let look = move || {
        if let Some(watched) = weak.upgrade() {
            look(&again, &watched);
        }
    };
    clock.at(due, look).detach();
}

fn look<V: Send + Sync + 'static>(clock: &Clock, watched: &Arc<Mutex<Watched<V>>>) {
    let mut flights = mem::take(&mut lock(watched).flights);
    let now = clock.now();
    // Outside of the lock: it wakes followers, whose wakers are somebody else's code.
    flights.retain(|flight| {
        let Some(flight) = flight.upgrade().filter(|flight| !flight.is_over()) else { return false };
        run_caught("a waker", || {
            flight.check_stall(now, STALL);
        });
        true
    });
    let mut state = lock(watched);
    state.flights.append(&mut flights);
    if state.flights.is_empty() {
        state.is_armed = false;
        return;
    }
    arm(clock, watched);
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::{flight::state::FIRST_LEADER, time::TestClock};
    use std::time::Duration;

    #[test]
    fn one_timer_looks_at_all_and_rests_when_there_are_none() {
        let test = TestClock::new();
        let (clock, patrol) = (test.clock(), Patrol::<u64>::new());
        let flights: Vec<_> = (0..100).map(|_| Arc::new(Flight::new(true))).collect();
        flights.iter().for_each(|flight| patrol.watch(&clock, flight));
        assert_eq!(test.pending(), 1);
        test.advance(Duration::from_nanos(BEAT));
        assert_eq!((test.pending(), lock(&patrol.0).flights.len()), (1, 100));
        // Half of them end, the others are forgotten.
        let mut flights = flights;
        drop(flights.split_off(50));
        flights.iter().for_each(|flight| assert!(flight.finish(None)));
        test.advance(Duration::from_nanos(BEAT));
        assert_eq!((test.pending(), lock(&patrol.0).flights.len()), (0, 0));
    }

    /// Whenever the others came: at one and a half times the limit.
    #[test]
    fn a_stalled_leader_is_found_in_time() {
        for later in [0, 1, BEAT / 2, BEAT - 1] {
            let test = TestClock::new();
            let (clock, patrol) = (test.clock(), Patrol::<u64>::new());
            let other = Arc::new(Flight::new(true));
            patrol.watch(&clock, &other);
            test.advance(Duration::from_nanos(later));
            let flight = Arc::new(Flight::new(true));
            patrol.watch(&clock, &flight);
            flight.mark_woken(FIRST_LEADER, clock.now());
            test.advance(Duration::from_nanos(STALL - 1));
            assert!(!flight.is_vacant(), "{later}");
            test.advance(Duration::from_nanos(BEAT + 1));
            assert!(flight.is_vacant() && !other.is_vacant(), "{later}");
        }
    }
}
