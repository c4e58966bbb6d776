//! `ttl`, `idle`, `jitter`, `refresh_ahead`, `stale_while_revalidate`, `refresh`, `stale_if_error`: how long a result is good for.

use cachekit::{OutcomeKind, State, cache, testing};
use std::cell::Cell;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

thread_local! {
    static RUNS: Cell<u32> = const { Cell::new(0) };
    static FAILS: Cell<bool> = const { Cell::new(false) };
}

fn ran() -> u32 {
    RUNS.set(RUNS.get() + 1);
    RUNS.get()
}

#[cache(ttl = "30s")]
fn for_a_while(n: u32) -> u32 {
    n + ran()
}

const SHORT: Duration = Duration::from_secs(5);

#[cache(ttl = SHORT * 2)]
fn by_expression(n: u32) -> u32 {
    n + ran()
}

#[cache(ttl = |value| Duration::from_secs(u64::from(*value)))]
fn by_value(n: u32) -> u32 {
    ran();
    n
}

#[cache(ttl = |value: &Result<u32, String>| if value.is_ok() { SECOND * 10 } else { SECOND }, errors = "3s")]
fn by_result(n: u32) -> Result<u32, String> {
    ran();
    if n == 0 { Err("zero".to_owned()) } else { Ok(n) }
}

#[test]
fn a_value_lives_for_its_ttl() {
    let scope = testing::scope();
    let first = for_a_while(0);
    scope.advance(SECOND * 29);
    assert_eq!(for_a_while(0), first);
    let explained = for_a_while::explain(0);
    assert_eq!((explained.state, explained.age, explained.ttl_left), (State::Fresh, Some(SECOND * 29), Some(SECOND)));
    scope.advance(SECOND);
    assert_ne!(for_a_while::explain(0).state, State::Fresh);
    assert_ne!(for_a_while(0), first);
    assert_eq!(for_a_while::stats().misses.total(), 2);
}

#[test]
fn a_ttl_may_be_an_expression() {
    let scope = testing::scope();
    let first = by_expression(0);
    scope.advance(SECOND * 9);
    assert_eq!(by_expression(0), first);
    scope.advance(SECOND);
    assert_ne!(by_expression(0), first);
}

#[test]
fn a_ttl_may_follow_from_the_value() {
    let scope = testing::scope();
    by_value(2);
    by_value(20);
    scope.advance(SECOND * 3);
    assert_eq!((by_value::get(2), by_value::get(20)), (None, Some(20)));
    scope.advance(SECOND * 17);
    assert_eq!(by_value::get(20), None);
}

#[test]
fn a_ttl_over_a_whole_result_and_errors_together() {
    let scope = testing::scope();
    assert!(by_result(0).is_err());
    assert!(by_result(1).is_ok());
    scope.advance(SECOND * 2);
    assert_eq!(by_result::get(0), Some(Err("zero".to_owned())), "`errors` is what counts for an error");
    scope.advance(SECOND);
    assert_eq!(by_result::get(0), None);
    assert_eq!(by_result::get(1), Some(Ok(1)));
}

#[cache(idle = "10s")]
fn while_used(n: u32) -> u32 {
    n + ran()
}

#[cache(idle = "10s", ttl = "25s")]
fn while_used_at_most(n: u32) -> u32 {
    n + ran()
}

#[test]
fn idle_is_the_time_since_the_last_use() {
    let scope = testing::scope();
    let (first, bounded) = (while_used(0), while_used_at_most(0));
    for _ in 0..2 {
        scope.advance(SECOND * 9);
        assert_eq!(while_used(0), first);
        assert_eq!(while_used_at_most(0), bounded);
    }
    scope.advance(SECOND * 9);
    assert_ne!(while_used_at_most(0), bounded, "its ttl is over");
    scope.advance(SECOND * 9);
    assert_ne!(while_used(0), first);
}

#[cache(ttl = "100s", jitter = "10%", capacity = "unbounded")]
fn jittered(n: u32) -> u32 {
    n
}

#[cache(ttl = "100s", jitter = "40s", capacity = "unbounded")]
fn jittered_by_time(n: u32) -> u32 {
    n
}

#[test]
fn jitter_takes_off_at_most_what_it_says() {
    let scope = testing::scope();
    let mut lifetimes = Vec::new();
    let mut by_time = Vec::new();
    for n in 0..500 {
        jittered(n);
        jittered_by_time(n);
        lifetimes.push(jittered::explain(n).ttl_left.unwrap());
        by_time.push(jittered_by_time::explain(n).ttl_left.unwrap());
    }
    let (shortest, longest) = (*lifetimes.iter().min().unwrap(), *lifetimes.iter().max().unwrap());
    assert!(shortest >= SECOND * 90 && longest <= SECOND * 100, "{shortest:?} to {longest:?}");
    assert!(longest - shortest > SECOND * 5, "spread");
    let (shortest, longest) = (*by_time.iter().min().unwrap(), *by_time.iter().max().unwrap());
    assert!(shortest >= SECOND * 60 && longest <= SECOND * 100, "{shortest:?} to {longest:?}");
    assert!(longest - shortest > SECOND * 20, "spread");
    scope.advance(SECOND * 100);
    assert!((0..500).all(|n| jittered::get(n).is_none()));
}

#[cache(ttl = "10s", refresh_ahead = "80%")]
fn ahead(n: u32, text: &str) -> u32 {
    static LOADS: AtomicU32 = AtomicU32::new(0);
    n + text.len() as u32 + LOADS.fetch_add(1, Ordering::Relaxed)
}

#[test]
fn a_hit_past_the_refresh_point_refreshes_in_the_background() {
    let scope = testing::scope();
    let first = ahead(0, "abc");
    scope.advance(SECOND * 7);
    assert_eq!(ahead(0, "abc"), first);
    cachekit::flush().wait();
    assert_eq!(ahead::get(0, "abc"), Some(first), "too early to refresh");
    scope.advance(SECOND);
    assert_eq!(ahead::explain(0, "abc").state, State::RefreshDue);
    let (value, outcome) = ahead::traced(0, "abc");
    assert_eq!((value, outcome.kind), (first, OutcomeKind::Hit));
    cachekit::flush().wait();
    assert_eq!(ahead(0, "abc"), first + 1);
    scope.advance(SECOND * 7);
    assert_eq!(ahead(0, "abc"), first + 1, "its ttl began anew");
    assert_eq!(ahead::stats().refreshes, 1);
    assert_eq!(ahead::stats().misses.total(), 1);
}

#[cache(ttl = "10s", stale_while_revalidate = "5s")]
async fn revalidated(n: u32, text: Option<&str>) -> u32 {
    static LOADS: AtomicU32 = AtomicU32::new(0);
    tokio::task::yield_now().await;
    n + text.map_or(0, |text| text.len() as u32) + LOADS.fetch_add(1, Ordering::Relaxed)
}

#[tokio::test]
async fn a_stale_value_is_given_while_it_is_loaded_anew() {
    let scope = testing::scope();
    let first = revalidated(0, Some("x")).await;
    scope.advance(SECOND * 12);
    assert_eq!(revalidated::explain(0, Some("x")).await.state, State::Stale);
    let (value, outcome) = revalidated::traced(0, Some("x")).await;
    assert_eq!((value, outcome.kind, outcome.age), (first, OutcomeKind::StaleHit, Some(SECOND * 12)));
    cachekit::flush().await;
    let (value, outcome) = revalidated::traced(0, Some("x")).await;
    assert_eq!((value, outcome.kind), (first + 1, OutcomeKind::Hit));
    scope.advance(SECOND * 16);
    assert_eq!(revalidated(0, Some("x")).await, first + 2, "past the allowance a call waits");
    let stats = revalidated::stats();
    assert_eq!((stats.stale_hits, stats.refreshes, stats.misses.total()), (1, 1, 2));
}

#[derive(Clone)]
struct Gauge {
    unit: u32,
}

impl Gauge {
    #[cache(key = (self.unit, n), skip(_by_value), ttl = "10s", stale_while_revalidate = "1h")]
    fn read(&self, n: u32, _by_value: String) -> u32 {
        static LOADS: AtomicU32 = AtomicU32::new(0);
        self.unit + n + LOADS.fetch_add(1, Ordering::Relaxed)
    }
}

#[test]
fn a_method_refreshes_with_a_clone_of_itself() {
    let scope = testing::scope();
    let gauge = Gauge { unit: 0 };
    assert_eq!(gauge.read(0, "a".into()), 0);
    scope.advance(SECOND * 11);
    assert_eq!(gauge.read(0, "a".into()), 0);
    cachekit::flush().wait();
    assert_eq!(gauge.read(0, "a".into()), 1);
}

struct NotClone(std::rc::Rc<Cell<u32>>);

#[cache(skip(state), ttl = "10s", stale_while_revalidate = "1h", refresh = "inline")]
fn inline(n: u32, state: &NotClone) -> u32 {
    state.0.set(state.0.get() + 1);
    n + state.0.get()
}

#[test]
fn an_inline_refresh_needs_nothing_of_its_arguments() {
    let scope = testing::scope();
    let state = NotClone(std::rc::Rc::default());
    assert_eq!(inline(0, &state), 1);
    scope.advance(SECOND * 11);
    let (value, outcome) = inline::traced(0, &state);
    assert_eq!(value, 2, "this caller computed and waited");
    assert_eq!(outcome.kind, OutcomeKind::Miss);
    assert_eq!(inline(0, &state), 2);
}

#[cache(ttl = "10s", stale_if_error = "1m")]
fn fallible(n: u32) -> Result<u32, String> {
    if FAILS.get() { Err("down".to_owned()) } else { Ok(n + ran()) }
}

#[test]
fn a_stale_value_stands_in_for_an_error() {
    let scope = testing::scope();
    let first = fallible(0);
    assert!(first.is_ok());
    scope.advance(SECOND * 11);
    FAILS.set(true);
    let (value, outcome) = fallible::traced(0);
    assert_eq!((&value, outcome.kind), (&first, OutcomeKind::StaleHit));
    scope.advance(SECOND * 60);
    assert_eq!(fallible(0), Err("down".to_owned()), "past the allowance");
    FAILS.set(false);
    assert!(fallible(0).is_ok());
    scope.advance(SECOND * 11);
    let fresh = fallible(0);
    assert_ne!(Ok(fallible::get(0).unwrap()), first);
    assert_eq!(fallible::get(0).map(Ok), Some(fresh), "without an error, the new value");
}
