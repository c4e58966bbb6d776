//! Ages of entries that machines share whose clocks differ: they are told by the backend's clock.

use cachekit_runtime::{Cache, Outcome, Place, testing::TestClock, time::Clock};
use cachekit_tests::own_backend::OwnBackend;
use std::time::Duration;

const TTL: Duration = Duration::from_secs(600);
const BEHIND: Duration = Duration::from_secs(300);

fn node(clock: &TestClock, backend: OwnBackend) -> Cache<u64, u64> {
    Cache::builder().name("freshness").clock(clock.clock()).ttl(TTL).backends([Place::own(backend)]).build()
}

fn age(cache: &Cache<u64, u64>, value: u64) -> (u64, Option<Duration>) {
    let mut outcome = Outcome::new();
    let found = cache.get_or_refresh_traced(&1, &mut outcome, move || value);
    cachekit_runtime::flush().wait();
    (found, outcome.age)
}

/// The backend keeps the time of the first machine; the clock of the other is behind by minutes, of which the backend's answers tell it or do not.
fn machines(is_known: bool) -> [(TestClock, Cache<u64, u64>); 2] {
    let clocks = [TestClock::new(), TestClock::new()];
    clocks[0].advance(Duration::from_secs(1_000));
    clocks[1].advance(Duration::from_secs(1_000) - BEHIND);
    let backend = OwnBackend::new(clocks[0].clock());
    let ahead = if is_known { i64::try_from(BEHIND.as_millis()).expect("minutes") } else { 0 };
    let nodes = [node(&clocks[0], backend.clone()), node(&clocks[1], backend.ahead_by(ahead))];
    let mut nodes = nodes.into_iter();
    clocks.map(|clock| (clock, nodes.next().expect("one for each")))
}

#[test]
fn a_clock_that_is_behind_makes_no_difference() {
    let [(clock, one), (behind, other)] = machines(true);
    assert_eq!(age(&one, 1).0, 1);
    let pass = |time: Duration| {
        clock.advance(time);
        behind.advance(time);
    };
    assert_eq!(age(&other, 2), (1, Some(Duration::ZERO)));
    pass(TTL - Duration::from_secs(1));
    assert_eq!(age(&other, 2), (1, Some(TTL - Duration::from_secs(1))));
    pass(Duration::from_secs(1));
    assert_eq!(
        (age(&other, 2).0, age(&one, 3).0),
        (2, 2),
        "over for both at once, and what the other stored is new to the first"
    );
}

#[test]
fn what_is_far_in_the_future_is_a_counted_miss() {
    let [(_, one), (_, other)] = machines(false);
    assert_eq!(age(&one, 1).0, 1);
    assert_eq!(age(&other, 2).0, 2, "from a clock of which nothing is known");
    assert_eq!((other.stats().far.misses, other.stats().far.hits), (1, 0));
}

#[test]
fn a_backend_that_says_the_time_is_believed() {
    let backend = OwnBackend::new(Clock::system());
    let node = |ahead: Duration| {
        let backend = backend.clone().ahead_by(i64::try_from(ahead.as_millis()).expect("minutes"));
        Cache::<u64, u64>::builder().name("freshness::said").ttl(TTL).backends([Place::own(backend)]).build()
    };
    assert_eq!(age(&node(Duration::ZERO), 1).0, 1);
    let (found, aged) = age(&node(BEHIND), 2);
    assert!(found == 1 && aged.is_some_and(|age| (BEHIND..TTL).contains(&age)), "{found}, {aged:?}");
    assert_eq!(age(&node(TTL), 3).0, 3, "over");
}
