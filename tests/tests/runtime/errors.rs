//! Errors: shared if they can be cloned, otherwise each caller runs its own loader, all of them at once.

use cachekit_runtime::{Cache, testing};
use cachekit_tests::{Hand, never_hangs, until};
use std::{
    sync::{
        Barrier,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};
use tokio::sync::oneshot;

#[derive(Debug, PartialEq)]
struct NoClone;

const CALLERS: usize = 50;

#[test]
fn an_error_that_can_be_cloned_goes_to_all_who_wait() {
    never_hangs(|| {
        let cache: Cache<u64, u64> = Cache::builder().build();
        let loads = AtomicUsize::new(0);
        thread::scope(|threads| {
            for _ in 0..CALLERS {
                threads.spawn(|| {
                    let result = cache.try_get_or_compute_shared(&1, || {
                        until(|| cache.stats().joins == CALLERS as u64 - 1);
                        loads.fetch_add(1, Ordering::Relaxed);
                        Err::<u64, String>("no".to_owned())
                    });
                    assert_eq!(result, Err("no".to_owned()));
                });
            }
        });
        assert_eq!(loads.load(Ordering::Relaxed), 1);
        assert_eq!((cache.stats().load_errors, cache.len(), cache.loads_in_flight()), (1, 0, 0));
    });
}

#[test]
fn callers_of_a_failing_load_without_clone_finish_together() {
    never_hangs(|| {
        let cache: Cache<u64, u64> = Cache::builder().build();
        let released = Barrier::new(CALLERS - 1);
        let first = AtomicUsize::new(0);
        thread::scope(|threads| {
            for _ in 0..CALLERS {
                threads.spawn(|| {
                    let result = cache.try_get_or_compute(&1, || {
                        if first.fetch_add(1, Ordering::SeqCst) == 0 {
                            until(|| cache.stats().joins == CALLERS as u64 - 1);
                        } else {
                            // Passed only if all the others run their loaders at the same time.
                            released.wait();
                        }
                        Err::<u64, NoClone>(NoClone)
                    });
                    assert_eq!(result, Err(NoClone));
                });
            }
        });
        let stats = cache.stats();
        assert_eq!((stats.loads, stats.bypasses.released), (CALLERS as u64, CALLERS as u64 - 1));
        assert_eq!(cache.loads_in_flight(), 0);
    });
}

#[test]
fn tasks_of_a_failing_load_finish_together_in_test_time() {
    let scope = testing::scope();
    let cache: Cache<u64, u64> = Cache::builder().build();
    let load = async || {
        scope.clock().clock().sleep(Duration::from_millis(20)).await;
        Err::<u64, NoClone>(NoClone)
    };
    let mut calls: Vec<_> = (0..CALLERS).map(|_| Hand::pending(cache.try_get_or_compute_async(&1, load))).collect();
    scope.advance(Duration::from_millis(20));
    assert_eq!(calls.remove(0).finish(), Err(NoClone));
    for call in &mut calls {
        assert!(call.poll().is_pending(), "it has begun its own load");
    }
    scope.advance(Duration::from_millis(20));
    assert!(calls.into_iter().all(|call| call.finish() == Err(NoClone)), "all after 40 ms, not after a second");
}

#[test]
fn an_error_is_not_stored_and_an_ok_is() {
    let cache: Cache<u64, u64> = Cache::builder().build();
    assert_eq!(cache.try_get_or_compute(&1, || Err::<u64, _>("no")), Err("no"));
    assert_eq!(cache.try_get_or_compute(&1, || Ok::<u64, &str>(1)), Ok(1));
    assert_eq!(cache.try_get_or_compute(&1, || Err::<u64, _>("no")), Ok(1));
    let stats = cache.stats();
    assert_eq!((stats.loads, stats.load_errors, stats.hits), (2, 1, 1));
    assert_eq!(stats.refusals.not_cacheable, 1, "the error");
}

#[test]
fn an_async_error_is_shared_only_where_it_is_asked_for() {
    let cache: Cache<u64, u64> = Cache::builder().build();
    let (go, wait) = oneshot::channel::<()>();
    let leader = Hand::pending(cache.try_get_or_compute_shared_async(&1, async || {
        wait.await.ok();
        Err::<u64, &str>("leader's")
    }));
    let shared = Hand::pending(cache.try_get_or_compute_shared_async(&1, async || Err::<u64, &str>("own")));
    let alone = Hand::pending(cache.try_get_or_compute_async(&1, async || Err::<u64, &str>("own")));
    go.send(()).expect("it is waited for");
    assert_eq!(leader.finish(), Err("leader's"));
    assert_eq!(shared.finish(), Err("leader's"));
    assert_eq!(alone.finish(), Err("own"));
}

#[test]
fn whole_results_keep_their_errors_for_as_long_as_they_say() {
    let scope = testing::scope();
    let second = Duration::from_secs(1);
    let cache = Cache::<u64, Result<u64, String>>::builder().ttl(second * 30).errors(second * 5).build();
    let fail = || cache.get_or_compute(&1, || Err("no".to_owned()));
    let succeed = || cache.get_or_compute(&1, || Ok(1));
    assert_eq!(fail(), Err("no".to_owned()));
    scope.advance(second * 5 - Duration::from_nanos(1));
    assert_eq!(succeed(), Err("no".to_owned()), "the error is still stored");
    scope.advance(Duration::from_nanos(1));
    assert_eq!(succeed(), Ok(1));
    scope.advance(second * 29);
    assert_eq!(fail(), Ok(1));
    scope.advance(second);
    assert_eq!(fail(), Err("no".to_owned()));
}

#[test]
fn negative_entries_have_their_own_ttl_or_none() {
    let scope = testing::scope();
    let second = Duration::from_secs(1);
    let cache: Cache<u64, Option<u64>> = Cache::builder().ttl(second * 30).none_ttl(second).build();
    assert_eq!(cache.get_or_compute(&1, || None), None);
    assert_eq!(cache.get_or_compute(&1, || Some(1)), None);
    scope.advance(second);
    assert_eq!(cache.get_or_compute(&1, || Some(1)), Some(1));

    let unstored: Cache<u64, Option<u64>> = Cache::builder().store_none(false).build();
    assert_eq!(unstored.get_or_compute(&1, || None), None);
    assert_eq!((unstored.len(), unstored.stats().refusals.not_cacheable), (0, 1));
    assert_eq!(unstored.get_or_compute(&1, || Some(1)), Some(1));
    assert_eq!(unstored.get_or_compute(&1, || None), Some(1));

    let zero: Cache<u64, Option<u64>> = Cache::builder().none_ttl(Duration::ZERO).build();
    assert_eq!(zero.get_or_compute(&1, || None), None);
    assert_eq!(zero.len(), 0);
}

#[test]
fn an_uncacheable_result_goes_to_those_who_wait_and_is_not_stored() {
    never_hangs(|| {
        let cache: Cache<u64, u64> = Cache::builder().cache_if(|value| *value != 13).build();
        thread::scope(|threads| {
            for _ in 0..4 {
                threads.spawn(|| {
                    let value = cache.get_or_compute(&1, || {
                        until(|| cache.stats().joins == 3);
                        13
                    });
                    assert_eq!(value, 13);
                });
            }
        });
        assert_eq!((cache.stats().loads, cache.len(), cache.stats().refusals.not_cacheable), (1, 0, 1));
        assert_eq!(cache.get_or_compute(&1, || 14), 14);
        assert_eq!(cache.get(&1), Some(14));
    });
}
