//! Stale-while-revalidate, refresh-ahead, inline refresh, stale-if-error.

use cachekit_runtime::{
    Cache, Outcome, OutcomeKind, flush,
    private::{Look, Output, Plain, ShareProbe, ViaAll, form, look, look_traced, part},
    testing,
};
use cachekit_tests::Hand;
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    time::Duration,
};
use tokio::sync::oneshot;

const SECOND: Duration = Duration::from_secs(1);

enum Answer {
    Value(u64),
    Miss,
}

/// A call whose refresh runs in the background, as generated code makes it.
fn call(cache: &Cache<u64, u64>, load: impl Fn() -> u64 + Send + 'static) -> Answer {
    match look(cache, &part::<u64, form::Val, true>(&1)) {
        Look::Hit(value) => Answer::Value(value),
        Look::Stale(stale) => {
            let (value, refresh) = stale.claim();
            if let Some(refresh) = refresh {
                refresh.spawn(Output::<u64, Plain>::NEW, load);
            }
            Answer::Value(value)
        }
        Look::Miss(_) => Answer::Miss,
    }
}

fn value(answer: Answer) -> u64 {
    match answer {
        Answer::Value(value) => value,
        Answer::Miss => panic!("a miss"),
    }
}

#[test]
fn a_stale_value_is_given_at_once_and_refreshed_by_one_caller() {
    let scope = testing::scope();
    let cache: Cache<u64, u64> = Cache::builder().ttl(SECOND * 10).stale_while_revalidate(SECOND * 5).build();
    cache.insert(1, 1);
    scope.advance(SECOND * 10);
    let loads = Arc::new(AtomicUsize::new(0));
    let (go, wait) = mpsc::channel::<()>();
    let wait = Arc::new(std::sync::Mutex::new(wait));
    for _ in 0..10 {
        let (loads, wait) = (loads.clone(), wait.clone());
        let load = move || {
            loads.fetch_add(1, Ordering::SeqCst);
            wait.lock().expect("no panic").recv().expect("sent");
            2
        };
        assert_eq!(value(call(&cache, load)), 1);
    }
    go.send(()).expect("it is waited for");
    flush().wait();
    assert_eq!(loads.load(Ordering::SeqCst), 1);
    assert_eq!(value(call(&cache, || 3)), 2);
    let stats = cache.stats();
    assert_eq!((stats.stale_hits, stats.hits, stats.refreshes, stats.loads), (10, 1, 1, 1));
    assert_eq!(cache.loads_in_flight(), 0);
}

#[test]
fn past_the_stale_allowance_a_call_misses() {
    let scope = testing::scope();
    let cache: Cache<u64, u64> = Cache::builder().ttl(SECOND * 10).stale_while_revalidate(SECOND * 5).build();
    cache.insert(1, 1);
    scope.advance(SECOND * 15 - Duration::from_nanos(1));
    assert_eq!(cache.get(&1), Some(1));
    scope.advance(Duration::from_nanos(1));
    assert!(matches!(call(&cache, || 2), Answer::Miss));
    assert_eq!((cache.stats().misses.expired, cache.len()), (1, 0));
}

#[test]
fn refresh_ahead_refreshes_while_the_value_is_fresh() {
    let scope = testing::scope();
    let cache: Cache<u64, u64> = Cache::builder().ttl(SECOND * 10).refresh_ahead(80.0).build();
    cache.insert(1, 1);
    scope.advance(SECOND * 8 - Duration::from_nanos(1));
    assert_eq!(value(call(&cache, || 2)), 1);
    flush().wait();
    assert_eq!(cache.stats().refreshes, 0);
    scope.advance(Duration::from_nanos(1));
    assert_eq!(value(call(&cache, || 2)), 1);
    flush().wait();
    assert_eq!((cache.stats().refreshes, cache.stats().hits), (1, 2));
    assert_eq!(value(call(&cache, || 3)), 2);
    scope.advance(SECOND * 8 - Duration::from_nanos(1));
    assert_eq!(value(call(&cache, || 3)), 2, "a whole ttl from the refresh on");
    assert_eq!(cache.stats().refreshes, 1);
}

#[test]
fn a_refresh_that_panics_leaves_the_value_and_another_caller_tries() {
    let scope = testing::scope();
    let cache: Cache<u64, u64> = Cache::builder().ttl(SECOND).stale_while_revalidate(SECOND).build();
    cache.insert(1, 1);
    scope.advance(SECOND);
    assert_eq!(value(call(&cache, || panic!("expected by a test"))), 1);
    flush().wait();
    assert_eq!((cache.stats().load_panics, cache.loads_in_flight()), (1, 0));
    assert_eq!(value(call(&cache, || 2)), 1);
    flush().wait();
    assert_eq!(value(call(&cache, || 3)), 2);
}

#[test]
fn a_claim_that_is_not_used_leaves_no_flight() {
    let scope = testing::scope();
    let cache: Cache<u64, u64> = Cache::builder().ttl(SECOND).stale_while_revalidate(SECOND).build();
    cache.insert(1, 1);
    scope.advance(SECOND);
    let Look::Stale(stale) = look(&cache, &part::<u64, form::Val, true>(&1)) else { panic!("stale") };
    let (_, refresh) = stale.claim();
    assert!(refresh.is_some());
    drop(refresh);
    assert_eq!(cache.loads_in_flight(), 0);
}

#[test]
fn an_invalidation_during_a_refresh_keeps_its_result_out() {
    let scope = testing::scope();
    let cache: Cache<u64, u64> = Cache::builder().ttl(SECOND).stale_while_revalidate(SECOND).build();
    cache.insert(1, 1);
    scope.advance(SECOND);
    let (go, wait) = mpsc::channel::<()>();
    let wait = std::sync::Mutex::new(wait);
    let load = move || {
        wait.lock().expect("no panic").recv().expect("sent");
        2
    };
    assert_eq!(value(call(&cache, load)), 1);
    cache.invalidate(&1);
    go.send(()).expect("it is waited for");
    flush().wait();
    assert_eq!((cache.get(&1), cache.stats().refusals.invalidated), (None, 1));
}

#[test]
fn inline_one_caller_recomputes_while_the_others_get_the_value() {
    let scope = testing::scope();
    let cache: Cache<u64, u64> = Cache::builder().ttl(SECOND).stale_while_revalidate(SECOND).build();
    cache.insert(1, 1);
    scope.advance(SECOND);
    let (go, wait) = oneshot::channel();
    let recomputes = Hand::pending(cache.get_or_compute_async(&1, async || wait.await.unwrap_or(0)));
    assert_eq!(cache.get_or_compute(&1, || 9), 1);
    assert_eq!(Hand::new(cache.get_or_compute_async(&1, async || 9)).finish(), 1);
    go.send(2).expect("it is waited for");
    assert_eq!(recomputes.finish(), 2);
    assert_eq!(cache.get_or_compute(&1, || 9), 2);
    assert_eq!((cache.stats().loads, cache.stats().stale_hits), (1, 3));
}

#[test]
fn a_refresh_in_a_task_of_tokio_may_flush() {
    cachekit_tests::never_hangs(|| {
        let tokio = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().expect("a runtime");
        let scope = testing::scope();
        let cache: Cache<u64, u64> = Cache::builder().ttl(SECOND).stale_while_revalidate(SECOND).build();
        cache.insert(1, 1);
        scope.advance(SECOND);
        let work = {
            let cache = cache.clone();
            scope.run(async move {
                let Look::Stale(stale) = look(&cache, &part::<u64, form::Val, true>(&1)) else { panic!("stale") };
                let (value, refresh) = stale.claim();
                let load = || async {
                    // It would wait for itself.
                    flush().await;
                    2
                };
                refresh.expect("nobody refreshes yet").spawn_async(Output::<u64, Plain>::NEW, load);
                flush().await;
                value
            })
        };
        assert_eq!(tokio.block_on(work), 1);
        assert_eq!(cache.get(&1), Some(2));
        assert_eq!(cache.loads_in_flight(), 0);
    });
}

#[test]
fn an_error_gives_way_to_a_value_that_is_not_too_old_for_all_who_wait() {
    let scope = testing::scope();
    let cache: Cache<u64, u64> = Cache::builder().ttl(SECOND).stale_if_error(SECOND * 5).build();
    cache.insert(1, 1);
    scope.advance(SECOND * 6 - Duration::from_nanos(1));
    let (go, wait) = oneshot::channel::<()>();
    let leader = Hand::pending(cache.try_get_or_compute_async(&1, async || {
        wait.await.ok();
        Err::<u64, &str>("down")
    }));
    let follower = Hand::pending(cache.try_get_or_compute_async(&1, async || Err::<u64, &str>("down")));
    go.send(()).expect("it is waited for");
    assert_eq!((leader.finish(), follower.finish()), (Ok(1), Ok(1)));
    let stats = cache.stats();
    assert_eq!(
        (stats.load_errors, stats.stale_hits, stats.misses.expired, stats.joins, stats.stale_instead),
        (1, 0, 2, 1, 1)
    );
    scope.advance(Duration::from_nanos(1));
    assert_eq!(cache.try_get_or_compute(&1, || Err::<u64, &str>("down")), Err("down"));
}

#[test]
fn the_outcome_tells_hits_stale_hits_misses_and_joins_apart() {
    let scope = testing::scope();
    let cache: Cache<u64, u64> = Cache::builder().ttl(SECOND).stale_while_revalidate(SECOND).build();
    let share = (&&&ShareProbe::<u64>::NEW).share();
    let traced = || {
        let mut outcome = Outcome::new();
        let key = part::<u64, form::Val, true>(&1);
        let value = match look_traced(&cache, &key, &mut outcome) {
            Look::Hit(value) => value,
            Look::Stale(stale) => stale.into_value(),
            Look::Miss(miss) => miss.run(Output::<u64, Plain>::NEW, share, &mut outcome, || 5),
        };
        (value, outcome.kind, outcome.age)
    };
    assert_eq!(traced(), (5, OutcomeKind::Miss, None));
    scope.advance(SECOND / 2);
    assert_eq!(traced(), (5, OutcomeKind::Hit, Some(SECOND / 2)));
    scope.advance(SECOND);
    assert_eq!(traced(), (5, OutcomeKind::StaleHit, Some(SECOND * 3 / 2)));
}

#[test]
fn a_value_that_another_caller_has_refreshed_since_the_look_is_not_refreshed_again() {
    let scope = testing::scope();
    let cache: Cache<u64, u64> = Cache::builder().ttl(SECOND).stale_while_revalidate(SECOND).build();
    cache.insert(1, 1);
    scope.advance(SECOND);
    let looked = || match look(&cache, &part::<u64, form::Val, true>(&1)) {
        Look::Stale(stale) => stale,
        _ => panic!("it is stale"),
    };
    let (inline, late) = (looked(), looked());
    assert_eq!(cache.get_or_compute(&1, || 2), 2);
    assert!(matches!(inline.claim_inline(), Ok(1 | 2)), "fresh again");
    assert!(late.claim().1.is_none(), "fresh again");
    assert_eq!(cache.loads_in_flight(), 0);
}
