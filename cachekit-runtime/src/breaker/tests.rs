use super::*;
use crate::time::{NEVER, TestClock, duration, nanos};
use machine::{AT_LEAST, FIRST_PAUSE, IN_A_ROW, LONGEST_PAUSE, WINDOW, pause};
use proptest::prelude::*;
use std::{sync::atomic::AtomicBool, thread, time::Duration};

const MILLISECOND: Duration = Duration::from_millis(1);

fn setup() -> (TestClock, Arc<Breaker>) {
    let test = TestClock::new();
    let breaker = Arc::new(Breaker::new("redis", test.clock()));
    (test, breaker)
}

fn error(failure: Failure) -> Error {
    Error::backend("redis", failure, "no route")
}

/// One operation that ends so; `false` if it is refused.
fn run(breaker: &Arc<Breaker>, purpose: Purpose, failure: Option<Failure>) -> bool {
    let Ok(operation) = breaker.begin(purpose) else { return false };
    operation.ended(failure.map(error).as_ref());
    true
}

fn read(breaker: &Arc<Breaker>, failure: Option<Failure>) -> bool {
    run(breaker, Purpose::Read, failure)
}

fn fail_times(breaker: &Arc<Breaker>, times: u32) {
    (0..times).for_each(|_| assert!(read(breaker, Some(Failure::Unreachable))));
}

fn state(breaker: &Breaker) -> BreakerState {
    breaker.stats().state
}

/// Moves on to the next probe, and ends it.
fn probe(test: &TestClock, breaker: &Arc<Breaker>, failure: Option<Failure>) -> Duration {
    let wait = duration(breaker.next_probe() - nanos(test.now()));
    test.advance(wait - MILLISECOND.min(wait));
    assert!(breaker.probe_due().is_none(), "not yet");
    test.advance(MILLISECOND);
    let probe = breaker.probe_due().unwrap();
    assert_eq!((state(breaker), breaker.next_probe()), (BreakerState::HalfOpen, NEVER));
    assert!(breaker.probe_due().is_none(), "one at a time");
    assert!(!read(breaker, None), "no user's call is the probe");
    probe.ended(failure.map(error).as_ref());
    wait
}

#[test]
fn failures_in_a_row_open_it_and_a_probe_closes_it() {
    let (test, breaker) = setup();
    fail_times(&breaker, IN_A_ROW - 1);
    assert!(read(&breaker, None));
    fail_times(&breaker, IN_A_ROW - 1);
    assert_eq!((state(&breaker), breaker.next_probe()), (BreakerState::Closed, NEVER));
    fail_times(&breaker, 1);
    assert_eq!(state(&breaker), BreakerState::Open);
    for purpose in [Purpose::Read, Purpose::Fill] {
        assert_eq!(breaker.admit(purpose), Err(Refused::Open));
        assert_eq!(breaker.begin(purpose).err(), Some(Refused::Open));
    }
    probe(&test, &breaker, None);
    let expected = BreakerStats {
        state: BreakerState::Closed,
        are_fills_paused: false,
        opened: 1,
        refused: 3,
        in_flight: 0,
        last_failure: Some("unreachable: no route".to_owned()),
    };
    assert_eq!(breaker.stats(), expected);
    assert_eq!(breaker.admit(Purpose::Fill), Ok(()));
    fail_times(&breaker, IN_A_ROW - 1);
    assert_eq!(state(&breaker), BreakerState::Closed, "it counts anew");
}

#[test]
fn half_of_enough_operations_open_it() {
    let (test, breaker) = setup();
    let half = u32::try_from(AT_LEAST / 2).unwrap();
    for round in 0..half {
        assert_eq!(state(&breaker), BreakerState::Closed, "{round}");
        fail_times(&breaker, 1);
        read(&breaker, None);
        test.advance(WINDOW / (2 * half));
    }
    assert_eq!(state(&breaker), BreakerState::Closed, "a success was the last");
    fail_times(&breaker, 1);
    assert_eq!(state(&breaker), BreakerState::Open);
}

#[test]
fn failures_that_are_spread_out_or_few_do_not_open_it() {
    let (test, breaker) = setup();
    for _ in 0..10 * AT_LEAST {
        fail_times(&breaker, 1);
        read(&breaker, None);
        test.advance(WINDOW / 8);
    }
    assert_eq!(state(&breaker), BreakerState::Closed, "never twenty in ten seconds");
    test.advance(WINDOW * 2);
    for _ in 0..10 * AT_LEAST {
        fail_times(&breaker, 2);
        (0..3).for_each(|_| assert!(read(&breaker, None)));
    }
    assert_eq!(state(&breaker), BreakerState::Closed, "two of five");
}

#[test]
fn pauses_double_up_to_the_longest_and_vary_by_a_fifth() {
    let (test, breaker) = setup();
    fail_times(&breaker, IN_A_ROW);
    let mut waits = Vec::new();
    for failed in 0..8 {
        let wait = probe(&test, &breaker, Some(Failure::Timeout));
        let expected = pause(failed);
        assert!(wait >= expected * 4 / 5 && wait <= expected * 6 / 5, "{wait:?} for {expected:?}");
        waits.push(wait);
    }
    assert_eq!([0, 1, 4, 5, 9].map(pause), [1, 2, 16, 30, 30].map(Duration::from_secs));
    assert!(waits[5] != waits[6] || waits[6] != waits[7], "all alike: {waits:?}");
    assert_eq!(breaker.stats().last_failure.as_deref(), Some("the backend `redis`: no answer in time: no route"));
    assert_eq!(breaker.stats().opened, 1, "a failed probe opens nothing");
    probe(&test, &breaker, None);
    fail_times(&breaker, IN_A_ROW);
    assert!(probe(&test, &breaker, None) <= FIRST_PAUSE * 6 / 5, "from the beginning");
}

#[test]
fn a_probe_that_is_given_up_has_failed() {
    let (test, breaker) = setup();
    fail_times(&breaker, IN_A_ROW);
    test.advance(LONGEST_PAUSE);
    drop(breaker.probe_due());
    assert_eq!(state(&breaker), BreakerState::Open);
    assert_eq!(breaker.stats().last_failure.as_deref(), Some("the probe was given up"));
    test.advance(LONGEST_PAUSE);
    assert!(breaker.probe_due().is_some(), "another one may come");
}

#[test]
fn a_backend_that_takes_no_entries_is_refused_fills_only() {
    let (test, breaker) = setup();
    let fill = |failure| run(&breaker, Purpose::Fill, failure);
    (0..20).for_each(|_| _ = fill(Some(Failure::NotWritable)));
    assert!(breaker.stats().are_fills_paused && state(&breaker) == BreakerState::Closed);
    assert_eq!(breaker.admit(Purpose::Fill), Err(Refused::NoFills));
    assert!(read(&breaker, None));
    test.advance(FIRST_PAUSE * 6 / 5);
    assert!(fill(Some(Failure::NotWritable)), "it is tried again");
    test.advance(FIRST_PAUSE * 6 / 5);
    assert!(!fill(None), "the second pause is longer");
    test.advance(FIRST_PAUSE * 6 / 5);
    assert!(fill(None) && fill(None));
    assert!(!breaker.stats().are_fills_paused);
    assert!(fill(Some(Failure::NotWritable)) && !fill(None));
    test.advance(FIRST_PAUSE * 6 / 5);
    assert!(fill(None), "after a success pauses are short again");
}

#[test]
fn busy_is_no_failure_and_misconfigured_is_enough() {
    let (test, breaker) = setup();
    (0..100).for_each(|_| assert!(read(&breaker, Some(Failure::Busy))));
    assert_eq!(state(&breaker), BreakerState::Closed);
    assert!(read(&breaker, Some(Failure::Misconfigured)));
    assert_eq!(state(&breaker), BreakerState::Open);
    for _ in 0..2 {
        let wait = probe(&test, &breaker, Some(Failure::Misconfigured));
        assert!(wait >= LONGEST_PAUSE * 4 / 5, "{wait:?}");
    }
    for failure in [Failure::Unreachable, Failure::Timeout, Failure::Protocol, Failure::Other] {
        let (_, breaker) = setup();
        (0..IN_A_ROW).for_each(|_| assert!(read(&breaker, Some(failure))));
        assert_eq!(state(&breaker), BreakerState::Open, "{failure}");
    }
}

#[test]
fn operations_under_way_are_capped() {
    let breaker = Arc::new(Breaker::new("redis", TestClock::new().clock()).most_in_flight(2));
    let (first, second) = (breaker.begin(Purpose::Read).unwrap(), breaker.begin(Purpose::Fill).unwrap());
    assert_eq!(breaker.begin(Purpose::Read).err(), Some(Refused::Full));
    assert_eq!((breaker.stats().in_flight, breaker.stats().refused), (2, 1));
    drop(first);
    assert!(read(&breaker, None), "a dropped one makes room");
    second.ended(None);
    assert_eq!(breaker.stats().in_flight, 0);
}

#[test]
fn what_was_under_way_when_it_opened_changes_nothing() {
    let (test, breaker) = setup();
    let late: Vec<_> = (0..50).map(|_| breaker.begin(Purpose::Read).unwrap()).collect();
    fail_times(&breaker, IN_A_ROW);
    let due = breaker.next_probe();
    for (number, operation) in late.into_iter().enumerate() {
        operation.ended((number % 2 == 0).then(|| error(Failure::Timeout)).as_ref());
    }
    assert_eq!((breaker.next_probe(), breaker.stats().opened), (due, 1));
    probe(&test, &breaker, None);
    fail_times(&breaker, IN_A_ROW - 1);
    assert_eq!(state(&breaker), BreakerState::Closed);
}

/// The rules, word by word.
#[derive(Default)]
struct Model {
    is_open: bool,
    in_a_row: u32,
    /// Time and whether it failed, since it closed.
    outcomes: Vec<(u64, bool)>,
    opened: u64,
}

impl Model {
    fn outcome(&mut self, now: u64, has_failed: bool) {
        if self.is_open {
            return;
        }
        self.outcomes.push((now, has_failed));
        self.in_a_row = if has_failed { self.in_a_row + 1 } else { 0 };
        let since = now.saturating_sub(nanos(WINDOW));
        let first = self.outcomes.iter().position(|(at, failed)| *failed && *at >= since);
        let recent = &self.outcomes[first.unwrap_or(self.outcomes.len())..];
        let failures = recent.iter().filter(|(_, failed)| *failed).count();
        let is_half = recent.len() as u64 >= AT_LEAST && failures * 2 >= recent.len();
        if has_failed && (self.in_a_row >= IN_A_ROW || is_half) {
            self.is_open = true;
            self.opened += 1;
        }
    }

    fn close(&mut self) {
        *self = Model { opened: self.opened, ..Model::default() };
    }
}

#[derive(Debug, Clone)]
enum Step {
    Operations { failed: usize, went_well: usize },
    Wait(u64),
    Probe(bool),
}

proptest! {
    #[test]
    fn it_does_what_the_rules_say(steps in prop::collection::vec(prop_oneof![
        4 => (0_usize..4, 0_usize..5).prop_map(|(failed, went_well)| Step::Operations { failed, went_well }),
        3 => prop_oneof![1_u64..5, 20_u64..60, 90_u64..200].prop_map(Step::Wait),
        2 => any::<bool>().prop_map(Step::Probe),
    ], 1..120)) {
        let (test, breaker) = setup();
        let mut model = Model::default();
        for step in steps {
            match step {
                Step::Operations { failed, went_well } => {
                    for has_failed in std::iter::repeat_n(true, failed).chain(std::iter::repeat_n(false, went_well)) {
                        let was_let_through = read(&breaker, has_failed.then_some(Failure::Timeout));
                        prop_assert_eq!(was_let_through, !model.is_open);
                        model.outcome(nanos(test.now()), has_failed);
                    }
                }
                // Tenths of a second are what the window tells apart.
                Step::Wait(tenths) => test.advance(MILLISECOND * 100 * u32::try_from(tenths).unwrap()),
                Step::Probe(is_ok) => {
                    let is_due = model.is_open && nanos(test.now()) >= breaker.next_probe();
                    let probe = breaker.probe_due();
                    prop_assert_eq!(probe.is_some(), is_due);
                    if let Some(probe) = probe {
                        probe.ended((!is_ok).then(|| error(Failure::Timeout)).as_ref());
                        if is_ok {
                            model.close();
                        }
                    }
                }
            }
            let stats = breaker.stats();
            prop_assert_eq!(stats.state == BreakerState::Open, model.is_open);
            prop_assert_eq!((stats.opened, stats.in_flight), (model.opened, 0));
            prop_assert_eq!(breaker.next_probe() == NEVER, !model.is_open);
        }
    }
}

#[test]
fn threads_leave_it_consistent() {
    const ROUNDS: u32 = 4_000;
    let test = TestClock::new();
    let breaker = Arc::new(Breaker::new("redis", test.clock()).most_in_flight(3));
    let (probing, is_over) = (AtomicBool::new(false), AtomicBool::new(false));
    let (closed, let_through, refused) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    thread::scope(|scope| {
        let probers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    while !is_over.load(Ordering::Acquire) || state(&breaker) != BreakerState::Closed {
                        test.advance(FIRST_PAUSE);
                        let Some(probe) = breaker.probe_due() else { continue };
                        assert!(!probing.swap(true, Ordering::AcqRel), "two probes at once");
                        let is_ok = closed.load(Ordering::Relaxed) % 3 != 1 || test.now().as_secs().is_multiple_of(2);
                        closed.fetch_add(u64::from(is_ok), Ordering::Relaxed);
                        probing.store(false, Ordering::Release);
                        probe.ended((!is_ok).then(|| error(Failure::Timeout)).as_ref());
                    }
                })
            })
            .collect();
        let callers: Vec<_> = (0..4_u32)
            .map(|caller| {
                let (breaker, let_through, refused) = (&breaker, &let_through, &refused);
                scope.spawn(move || {
                    for round in 0..ROUNDS {
                        let failure = ((round / 7 + caller) % 2 == 0).then_some(Failure::Unreachable);
                        let was_let_through = read(breaker, failure);
                        assert!(
                            breaker.stats().in_flight <= 3 + 4,
                            "each of four may have counted itself for a moment"
                        );
                        (if was_let_through { let_through } else { refused }).fetch_add(1, Ordering::Relaxed);
                    }
                })
            })
            .collect();
        callers.into_iter().for_each(|caller| caller.join().unwrap());
        is_over.store(true, Ordering::Release);
        probers.into_iter().for_each(|prober| prober.join().unwrap());
    });
    let stats = breaker.stats();
    assert_eq!((stats.state, stats.in_flight), (BreakerState::Closed, 0));
    assert_eq!(stats.opened, closed.into_inner(), "each opening was closed by one probe");
    assert_eq!(stats.refused, refused.into_inner());
    assert_eq!(stats.refused + let_through.into_inner(), u64::from(4 * ROUNDS));
    assert!(stats.opened > 0 && breaker.admit(Purpose::Fill) == Ok(()));
}
