//! The interleavings of the flight's state machine with at most three preemptions, in models of two or three threads.
//!
//! `RUSTFLAGS="--cfg loom" cargo test -p cachekit-runtime --lib --release --target-dir target/loom loom`

use super::{
    map::{Flights, Follower, Joined, Lead},
    state::{Payload, Seen},
};
use event_listener::Listener;
use loom::{model::Builder, sync::Mutex, thread};
use std::sync::Arc;

const HASH: u64 = 1;

// The models drop the last handle of a flight after all threads have ended, because loom does not see that `std`'s `Arc` orders its drop.
type Map = Arc<Flights<u32, u32>>;

#[derive(Debug, PartialEq)]
enum Ended {
    Led,
    TookOver,
    Got(u32),
    Released,
}

fn model(preemptions: usize, run: impl Fn() + Sync + Send + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(run);
}

fn lead(flights: &Map, is_async: bool) -> Lead<u32, u32> {
    match flights.join(HASH, &1, None, is_async) {
        Joined::Lead(lead) => lead,
        Joined::Follow(_) => panic!("nobody leads yet"),
    }
}

fn follower(flights: &Map) -> Follower<u32, u32> {
    match flights.join(HASH, &1, None, false) {
        Joined::Follow(follower) => follower,
        Joined::Lead(_) => panic!("somebody leads"),
    }
}

fn finish(lead: Lead<u32, u32>, value: u32) {
    lead.finish(|| Some(Payload::Value(value)));
}

/// As `Core::follow` does it.
fn follow(follower: Follower<u32, u32>) -> Ended {
    loop {
        let listener = follower.flight.listen();
        match follower.flight.look(false) {
            Seen::Done(payload) => match &*payload {
                Payload::Value(value) => return Ended::Got(*value),
                Payload::Output(_) => panic!("nobody gives one"),
            },
            Seen::Released => return Ended::Released,
            Seen::TakenOver(leader, _) => {
                finish(follower.into_lead(leader), 2);
                return Ended::TookOver;
            }
            Seen::Led { .. } => listener.wait(),
        }
    }
}

fn call(flights: &Map) -> Ended {
    match flights.join(HASH, &1, None, false) {
        Joined::Lead(lead) => {
            finish(lead, 3);
            Ended::Led
        }
        Joined::Follow(follower) => follow(follower),
    }
}

#[test]
fn loom_a_leader_is_dropped_while_another_caller_joins() {
    model(3, || {
        let flights: Map = Arc::new(Flights::new());
        let leader = lead(&flights, false);
        let _last_handle = leader.flight.clone();
        let other = thread::spawn({
            let flights = flights.clone();
            move || call(&flights)
        });
        drop(leader);
        let ended = other.join().expect("no panic");
        assert!(matches!(ended, Ended::Led | Ended::TookOver), "{ended:?}");
        assert_eq!(flights.len(), 0);
    });
}

#[test]
fn loom_a_flight_ends_while_another_caller_joins() {
    model(3, || {
        let flights: Map = Arc::new(Flights::new());
        let leader = lead(&flights, false);
        let _last_handle = leader.flight.clone();
        let other = thread::spawn({
            let flights = flights.clone();
            move || call(&flights)
        });
        finish(leader, 1);
        let ended = other.join().expect("no panic");
        // Released: it joined after the leader had seen that nobody follows.
        assert!(matches!(ended, Ended::Led | Ended::Got(1)), "{ended:?}");
        assert_eq!(flights.len(), 0);
    });
}

#[test]
fn loom_of_two_followers_one_takes_over() {
    model(2, || {
        let flights: Map = Arc::new(Flights::new());
        let leader = lead(&flights, false);
        let _last_handle = leader.flight.clone();
        let first = follower(&flights);
        let second = follower(&flights);
        let first = thread::spawn(move || follow(first));
        let second = thread::spawn(move || follow(second));
        drop(leader);
        let ended = [first.join().expect("no panic"), second.join().expect("no panic")];
        let took_over = ended.iter().filter(|ended| **ended == Ended::TookOver).count();
        // The first may have ended its flight, found that nobody else follows, before the second looks: it follows still, so it is given the value.
        assert!(took_over == 1 && ended.contains(&Ended::Got(2)), "{ended:?}");
        assert_eq!(flights.len(), 0);
    });
}

#[test]
fn loom_an_invalidation_keeps_out_what_was_being_loaded() {
    model(3, || {
        let flights: Map = Arc::new(Flights::new());
        let table = Arc::new(Mutex::new(None));
        let leader = lead(&flights, false);
        let _last_handle = leader.flight.clone();
        let loading = thread::spawn({
            let table = table.clone();
            move || {
                {
                    // As the store of a load: the flight is asked under the table's lock.
                    let mut table = table.lock().expect("no panic");
                    if leader.flight.is_listed() && !leader.flight.is_invalidated() {
                        *table = Some(1);
                    }
                }
                finish(leader, 1);
            }
        });
        flights.cut_off(HASH, |key| *key == 1);
        *table.lock().expect("no panic") = None;
        flights.cut_off_hash(HASH);
        loading.join().expect("no panic");
        assert_eq!(*table.lock().expect("no panic"), None);
        assert_eq!(flights.len(), 0);
    });
}

#[test]
fn loom_the_last_follower_leaves_while_the_leader_is_dropped() {
    model(3, || {
        let flights: Map = Arc::new(Flights::new());
        let leader = lead(&flights, false);
        let _last_handle = leader.flight.clone();
        let last = follower(&flights);
        let leaving = thread::spawn(move || drop(last));
        drop(leader);
        leaving.join().expect("no panic");
        assert_eq!(flights.len(), 0);
    });
}

#[test]
fn loom_a_woken_follower_that_leaves_passes_the_wake_on() {
    model(2, || {
        let flights: Map = Arc::new(Flights::new());
        let leader = lead(&flights, false);
        let _last_handle = leader.flight.clone();
        let (leaves, stays) = (follower(&flights), follower(&flights));
        // As a dropped future: it listens, and goes without having looked.
        let listener = leaves.flight.listen();
        let stays = thread::spawn(move || follow(stays));
        let leaving = thread::spawn(move || {
            drop(listener);
            drop(leaves);
        });
        drop(leader);
        leaving.join().expect("no panic");
        assert_eq!(stays.join().expect("no panic"), Ended::TookOver);
        assert_eq!(flights.len(), 0);
    });
}

#[test]
fn loom_a_stalled_leader_comes_back_while_a_follower_takes_over() {
    model(2, || {
        let flights: Map = Arc::new(Flights::new());
        let leader = lead(&flights, true);
        let _last_handle = leader.flight.clone();
        let waiting = follower(&flights);
        leader.flight.mark_woken(leader.leader(), 1);
        let flight = leader.flight.clone();
        let checking = thread::spawn(move || flight.check_stall(500, 100));
        let waiting = thread::spawn(move || follow(waiting));
        leader.flight.poll_begins(leader.leader());
        finish(leader, 1);
        checking.join().expect("no panic");
        let ended = waiting.join().expect("no panic");
        assert!(matches!(ended, Ended::Got(1) | Ended::TookOver), "{ended:?}");
        assert_eq!(flights.len(), 0);
    });
}

#[test]
fn loom_a_stalled_leader_is_dropped_while_its_last_follower_leaves() {
    model(2, || {
        let flights: Map = Arc::new(Flights::new());
        let leader = lead(&flights, true);
        let _last_handle = leader.flight.clone();
        let last = follower(&flights);
        leader.flight.mark_woken(leader.leader(), 1);
        let flight = leader.flight.clone();
        let checking = thread::spawn(move || flight.check_stall(500, 100));
        let leaving = thread::spawn(move || drop(last));
        drop(leader);
        checking.join().expect("no panic");
        leaving.join().expect("no panic");
        assert_eq!(flights.len(), 0);
    });
}
