//! Changes of the cache behind an attribute while it is in use.

use cachekit::{cache, invalidate, testing};
use std::cell::Cell;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

thread_local! {
    static RUNS: Cell<u64> = const { Cell::new(0) };
}

fn ran() -> u64 {
    RUNS.set(RUNS.get() + 1);
    RUNS.get()
}

#[cache(capacity = 100, ttl = "1h")]
fn square(n: u64) -> u64 {
    ran();
    n * n
}

#[invalidate(square(n))]
fn change(n: u64) {
    let _ = n;
}

#[test]
fn switched_off_each_call_runs_and_entries_wait() {
    let _scope = testing::scope();
    (0..10).for_each(|n| assert_eq!(square(n), n * n));
    square::cache().set_enabled(false);
    let before = RUNS.get();
    (0..10).chain(0..10).for_each(|n| assert_eq!(square(n), n * n));
    assert_eq!(RUNS.get() - before, 20);
    let stats = square::stats();
    assert_eq!((stats.bypasses.disabled, stats.misses.total(), stats.hits, stats.entries), (20, 10, 0, 10));
    assert_eq!(square::get(3), None);
    square::insert(3, 7);
    change(4);
    square::cache().set_enabled(true);
    let before = RUNS.get();
    (0..10).for_each(|n| assert_eq!(square(n), n * n));
    assert_eq!(RUNS.get() - before, 2, "what was inserted or invalidated meanwhile is computed anew");
    assert_eq!(square::stats().hits, 8);
}

#[cache(capacity = 100)]
async fn cube(n: u64) -> u64 {
    ran();
    n * n * n
}

#[tokio::test]
async fn an_async_function_is_switched_off_too() {
    let _scope = testing::scope();
    assert_eq!(cube(3).await, 27);
    cube::cache().set_enabled(false);
    let before = RUNS.get();
    assert_eq!((cube(3).await, cube(3).await), (27, 27));
    assert_eq!((RUNS.get() - before, cube::stats().bypasses.disabled), (2, 2));
    cube::cache().set_enabled(true);
    assert_eq!((cube(3).await, RUNS.get() - before), (27, 2));
}

#[test]
fn another_ttl_and_capacity() {
    let scope = testing::scope();
    (0..100).for_each(|n| _ = square(n));
    square::cache().set_capacity(10);
    assert_eq!(
        (square::stats().entries, square::stats().capacity, square::stats().removals.evicted),
        (10, Some(10), 90)
    );
    square::clear();
    square::cache().set_ttl(Some(SECOND));
    square(1);
    scope.advance(SECOND);
    let before = RUNS.get();
    assert_eq!((square(1), RUNS.get() - before), (1, 1));
    square::cache().set_ttl(None);
    square(2);
    scope.advance(SECOND * 3_600 * 24);
    assert_eq!((square::get(1), square::get(2), square::stats().entries), (None, Some(4), 1));
}

#[test]
fn another_strategy_keeps_what_was_used() {
    let _scope = testing::scope();
    (0..100).for_each(|n| _ = square(n));
    square::cache().set_strategy("lru".parse().unwrap());
    assert!(square::explain(1).strategy.starts_with("lru"), "{}", square::explain(1).strategy);
    assert_eq!(square::stats().entries, 100);
    // The least recent go: those that this order leaves for last are used first.
    (0..100).rev().for_each(|n| _ = square(n));
    square::cache().set_strategy("fifo".parse().unwrap());
    square::cache().set_capacity(40);
    assert!((0..40).all(|n| square::get(n).is_some()) && (40..100).all(|n| square::get(n).is_none()));
}
