//! Expired entries are freed on time although nobody meets them.

use cachekit_runtime::{Cache, RemovalCause, testing};
use cachekit_tests::reference::streams::Random;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(86_400);
const TICK: Duration = Duration::from_nanos(1);

type Heard = Arc<Mutex<Vec<(u64, RemovalCause)>>>;

fn heard() -> (Heard, impl Fn(&u64, &u64, RemovalCause) + Send + Sync + 'static) {
    let heard = Heard::default();
    let listening = Arc::clone(&heard);
    (heard, move |key: &u64, _: &u64, cause| listening.lock().unwrap().push((*key, cause)))
}

#[test]
fn an_untouched_cache_is_empty_a_second_after_its_ttl() {
    let scope = testing::scope();
    for ttl in [TICK, Duration::from_micros(1_500), SECOND / 2, SECOND * 90, DAY, DAY * 19, DAY * 400] {
        let (heard, listener) = heard();
        let cache: Cache<u64, u64> = Cache::builder().ttl(ttl).on_removal(listener).build();
        (0..5_000).for_each(|key| _ = cache.insert(key, key));
        scope.advance(ttl - TICK);
        assert_eq!((cache.len(), heard.lock().unwrap().len()), (5_000, 0), "none goes before {ttl:?}");
        scope.advance(SECOND);
        assert_eq!(cache.len(), 0, "{ttl:?}");
        assert_eq!(cache.stats().removals.expired, 5_000);
        let mut heard = heard.lock().unwrap();
        heard.sort_unstable_by_key(|(key, _)| *key);
        assert!(heard.iter().copied().eq((0..5_000).map(|key| (key, RemovalCause::Expired))), "each once");
    }
}

#[test]
fn each_of_many_ttls_ends_on_time() {
    let scope = testing::scope();
    let started = scope.clock().now();
    let ends: Arc<Mutex<HashMap<u64, Duration>>> = Arc::default();
    let (clock, noted) = (scope.clock().clone(), Arc::clone(&ends));
    let cache: Cache<u64, u64> = Cache::builder()
        .unbounded()
        .ttl(DAY)
        .on_removal(move |key, _, cause| {
            assert_eq!(cause, RemovalCause::Expired);
            let again = noted.lock().unwrap().insert(*key, clock.now());
            assert_eq!(again, None);
        })
        .build();
    // Each order of magnitude from a millisecond to three hours alike.
    let mut random = Random::new(3);
    let ttls: Vec<Duration> = (0..10_000)
        .map(|_| {
            Duration::from_secs_f64(0.001 * 10_800_000_f64.powf(random.below(1 << 20) as f64 / f64::from(1 << 20)))
        })
        .collect();
    for (key, ttl) in (0..).zip(&ttls) {
        cache.insert_with_ttl(key, key, *ttl);
    }
    // In one go and in many: the jobs run at their own times.
    scope.advance(SECOND);
    (0..100).for_each(|_| scope.advance(SECOND / 7));
    scope.advance(SECOND * 10_800);
    assert_eq!(cache.len(), 0);
    let ends = ends.lock().unwrap();
    for (key, ttl) in (0..).zip(&ttls) {
        let took = ends[&key] - started;
        assert!(took >= *ttl && took <= *ttl + SECOND, "{ttl:?} took {took:?}");
    }
}

#[test]
fn a_ttl_beyond_the_reach_of_ticks_is_exact_too() {
    let scope = testing::scope();
    for days in [21, 40, 45, 60, 75, 100, 130, 365] {
        let cache: Cache<u64, u64> = Cache::builder().ttl(DAY * days).build();
        cache.insert(1, 1);
        scope.advance(DAY * days - TICK);
        assert!(cache.contains(&1), "{days} days");
        scope.advance(TICK);
        assert_eq!((cache.len(), cache.get(&1)), (1, None), "{days} days, and not swept yet");
        let cache: Cache<u64, u64> = Cache::builder().ttl(DAY * days).build();
        cache.insert(1, 1);
        scope.advance(DAY * days + SECOND);
        assert_eq!(cache.len(), 0, "{days} days");
    }
}

#[test]
fn what_is_idle_goes_and_what_is_used_stays() {
    let scope = testing::scope();
    let (heard, listener) = heard();
    let cache: Cache<u64, u64> = Cache::builder().idle(SECOND * 10).on_removal(listener).build();
    (0..3_000).for_each(|key| _ = cache.insert(key, key));
    for _ in 0..5 {
        scope.advance(SECOND * 9);
        assert!((0..1_000).all(|key| cache.get(&key) == Some(key)));
    }
    assert_eq!((cache.len(), heard.lock().unwrap().len()), (1_000, 2_000));
    scope.advance(SECOND * 10 - TICK);
    assert_eq!(cache.len(), 1_000);
    scope.advance(SECOND + TICK);
    assert_eq!((cache.len(), cache.stats().removals.expired), (0, 3_000));
}

#[test]
fn stale_allowances_keep_entries_for_their_window() {
    let scope = testing::scope();
    let builders: [fn(Duration) -> Cache<u64, u64>; 2] = [
        |window| Cache::builder().ttl(SECOND).stale_while_revalidate(window).build(),
        |window| Cache::builder().ttl(SECOND).stale_if_error(window).build(),
    ];
    for (build, window) in
        builders.into_iter().flat_map(|build| [(build, SECOND / 3), (build, SECOND * 100), (build, DAY * 30)])
    {
        let cache = build(window);
        (0..100).for_each(|key| _ = cache.insert(key, key));
        scope.advance(SECOND + window - TICK);
        assert_eq!(cache.len(), 100, "{window:?}");
        scope.advance(SECOND);
        assert_eq!(cache.len(), 0, "{window:?}");
    }
}

#[test]
fn a_replacement_ends_at_its_own_time() {
    let scope = testing::scope();
    let (heard, listener) = heard();
    let cache: Cache<u64, u64> = Cache::builder().ttl(SECOND * 10).on_removal(listener).build();
    for key in 0..200 {
        cache.insert(key, 0);
        cache.insert_with_ttl(key, 1, SECOND * if key < 100 { 2 } else { 100 });
    }
    assert_eq!(cache.stats().removals.replaced, 200);
    scope.advance(SECOND * 3);
    assert_eq!(cache.len(), 100, "the shorter ones are gone");
    scope.advance(SECOND * 97 - TICK);
    assert_eq!(cache.len(), 100, "the longer ones outlive what they replaced");
    assert_eq!(cache.get(&150), Some(1));
    scope.advance(SECOND + TICK);
    assert_eq!(cache.len(), 0);
    let expired = heard.lock().unwrap().iter().filter(|(_, cause)| *cause == RemovalCause::Expired).count();
    assert_eq!(expired, 200, "each once");
}

#[test]
fn removed_and_cleared_entries_are_not_swept_again() {
    let scope = testing::scope();
    let (heard, listener) = heard();
    let cache: Cache<u64, u64> = Cache::builder().ttl(SECOND).on_removal(listener).build();
    (0..100).for_each(|key| _ = cache.insert(key, key));
    (0..50).for_each(|key| _ = cache.invalidate(&key));
    cache.clear();
    // In the places of those that went, with another end.
    (0..100).for_each(|key| _ = cache.insert_with_ttl(key, key, SECOND * 5));
    scope.advance(SECOND * 3);
    assert_eq!((cache.len(), heard.lock().unwrap().len()), (100, 100));
    scope.advance(SECOND * 3);
    assert_eq!((cache.len(), heard.lock().unwrap().len()), (0, 200));
    assert_eq!(cache.stats().removals.expired, 100);
}

#[test]
fn a_dropped_cache_is_freed_before_its_timer_fires() {
    let scope = testing::scope();
    let value = Arc::new(());
    let cache: Cache<u64, Arc<()>> = Cache::builder().ttl(SECOND).build();
    (0..100).for_each(|key| _ = cache.insert(key, Arc::clone(&value)));
    scope.advance(SECOND / 2);
    let clock = scope.clock().clone();
    assert_eq!((Arc::strong_count(&value), clock.pending()), (101, 1));
    // The scope holds its own instance of the cache.
    drop((cache, scope));
    assert_eq!(Arc::strong_count(&value), 1, "freed with the last handle");
    clock.advance(SECOND * 2);
    assert_eq!(clock.pending(), 0, "the timer has run and started no other");
}

#[test]
fn sweeps_go_on_as_long_as_entries_come() {
    let scope = testing::scope();
    let cache: Cache<u64, u64> = Cache::builder().unbounded().ttl(SECOND * 2).build();
    for round in 0..500 {
        (0..10).for_each(|key| _ = cache.insert(round * 10 + key, key));
        scope.advance(SECOND / 10);
        assert!(cache.len() <= 10 * 30, "{} entries in round {round}", cache.len());
    }
    assert!(cache.len() >= 200);
    scope.advance(SECOND * 3);
    assert_eq!((cache.len(), cache.stats().removals.expired), (0, 5_000));
}

#[test]
fn the_real_clock_frees_what_nobody_meets() {
    let value = Arc::new(());
    let cache: Cache<u64, Arc<()>> = Cache::builder().ttl(Duration::from_millis(20)).build();
    let begin = Instant::now();
    (0..3_000).for_each(|key| _ = cache.insert(key, Arc::clone(&value)));
    let deadline = begin + SECOND * 30;
    while Arc::strong_count(&value) > 1 {
        assert!(Instant::now() < deadline, "{} entries left", cache.len());
        thread::sleep(Duration::from_millis(5)); // sleeps: polls for what another thread does on the real clock
    }
    assert!(begin.elapsed() >= Duration::from_millis(19), "not before the ttl");
    assert_eq!((cache.len(), cache.stats().removals.expired), (0, 3_000));
}
