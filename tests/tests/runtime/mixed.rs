//! Sync and async callers share flights; a sync caller on a runtime's thread never waits for an async leader.

use cachekit_runtime::Cache;
use cachekit_tests::{Hand, never_hangs, until};
use std::thread;
use tokio::{runtime, sync::oneshot};

fn cache() -> Cache<u64, u64> {
    Cache::builder().build()
}

#[test]
fn a_thread_follows_an_async_leader() {
    never_hangs(|| {
        let cache = cache();
        let (go, wait) = oneshot::channel();
        let leader = Hand::pending(cache.get_or_compute_async(&1, async || wait.await.unwrap_or(0)));
        thread::scope(|threads| {
            let follower = threads.spawn(|| cache.get_or_compute(&1, || 2));
            until(|| cache.stats().joins == 1);
            go.send(1).expect("it is waited for");
            assert_eq!(leader.finish(), 1);
            assert_eq!(follower.join().expect("no panic"), 1);
        });
        assert_eq!((cache.stats().loads, cache.loads_in_flight()), (1, 0));
    });
}

#[test]
fn a_task_follows_a_sync_leader() {
    never_hangs(|| {
        let cache = cache();
        thread::scope(|threads| {
            let leader = threads.spawn(|| {
                cache.get_or_compute(&1, || {
                    until(|| cache.stats().joins == 1);
                    1
                })
            });
            until(|| cache.loads_in_flight() == 1);
            let tokio = runtime::Builder::new_current_thread().build().expect("a runtime");
            assert_eq!(tokio.block_on(cache.get_or_compute_async(&1, async || 2)), 1);
            assert_eq!(leader.join().expect("no panic"), 1);
        });
        assert_eq!(cache.stats().loads, 1);
    });
}

async fn beside_an_async_leader(cache: Cache<u64, u64>) {
    let (go, wait) = oneshot::channel();
    let leader = tokio::spawn({
        let cache = cache.clone();
        async move { cache.get_or_compute_async(&1, async || wait.await.unwrap_or(0)).await }
    });
    while cache.loads_in_flight() == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(cache.get_or_compute(&1, || 2), 2, "it runs its own loader");
    assert_eq!(cache.stats().bypasses.sync_beside_async, 1);
    go.send(1).expect("it is waited for");
    assert_eq!(leader.await.expect("no panic"), 1);
    assert_eq!(cache.loads_in_flight(), 0);
}

#[test]
fn a_sync_call_on_a_current_thread_runtime_loads_beside_an_async_leader() {
    never_hangs(|| {
        runtime::Builder::new_current_thread().build().expect("a runtime").block_on(beside_an_async_leader(cache()))
    });
}

#[test]
fn a_sync_call_on_a_multi_thread_runtime_loads_beside_an_async_leader() {
    never_hangs(|| {
        let tokio = runtime::Builder::new_multi_thread().worker_threads(1).build().expect("a runtime");
        let cache = cache();
        tokio.block_on(async { tokio::spawn(beside_an_async_leader(cache)).await }).expect("no panic");
    });
}

#[test]
fn a_sync_call_on_a_runtime_thread_does_not_wait_for_the_permit_of_an_async_load() {
    never_hangs(|| {
        let cache: Cache<u64, u64> = Cache::builder().max_loads(1).build();
        runtime::Builder::new_current_thread().build().expect("a runtime").block_on(async {
            let (go, wait) = oneshot::channel();
            let holder = tokio::spawn({
                let cache = cache.clone();
                async move { cache.get_or_compute_async(&1, async || wait.await.unwrap_or(0)).await }
            });
            while cache.stats().loads == 0 {
                tokio::task::yield_now().await;
            }
            assert_eq!(cache.get_or_compute(&2, || 2), 2);
            assert_eq!(cache.stats().over_limit, 1);
            go.send(1).expect("it is waited for");
            assert_eq!(holder.await.expect("no panic"), 1);
        });
    });
}

#[test]
fn a_sync_call_in_an_async_loader_outside_of_tokio_does_not_wait_for_an_async_leader() {
    let cache = cache();
    let leader = Hand::pending(cache.get_or_compute_async(&1, std::future::pending::<u64>));
    let outer = Hand::new(cache.get_or_compute_async(&2, async || cache.get_or_compute(&1, || 10) + 1));
    assert_eq!(outer.finish(), 11);
    assert_eq!(cache.stats().bypasses.sync_beside_async, 1);
    drop(leader);
}

#[test]
fn sync_calls_work_inside_and_outside_of_both_flavours() {
    never_hangs(|| {
        let cache = cache();
        assert_eq!(cache.get_or_compute(&0, || 5), 5);
        let one = runtime::Builder::new_current_thread().build().expect("a runtime");
        assert_eq!(one.block_on(async { cache.get_or_compute(&1, || 6) }), 6);
        let many = runtime::Builder::new_multi_thread().worker_threads(2).build().expect("a runtime");
        let inside = cache.clone();
        assert_eq!(
            many.block_on(async { tokio::spawn(async move { inside.get_or_compute(&2, || 7) }).await }).ok(),
            Some(7)
        );
        let blocking = cache.clone();
        let blocked =
            many.block_on(async { tokio::task::spawn_blocking(move || blocking.get_or_compute(&3, || 8)).await });
        assert_eq!(blocked.ok(), Some(8));
        assert_eq!(cache.len(), 4);
    });
}

#[test]
fn async_calls_work_without_a_runtime() {
    let cache = cache();
    assert_eq!(Hand::new(cache.get_or_compute_async(&1, async || 3)).finish(), 3);
    assert_eq!(Hand::new(cache.get_or_compute_async(&1, async || 4)).finish(), 3);
}

#[test]
fn a_sync_leader_on_a_runtime_thread_is_followed_by_another_thread_of_it() {
    never_hangs(|| {
        let tokio = runtime::Builder::new_multi_thread().worker_threads(2).build().expect("a runtime");
        let cache = cache();
        let calls: Vec<_> = (0..2)
            .map(|_| {
                let cache = cache.clone();
                tokio.spawn(async move {
                    cache.get_or_compute(&1, || {
                        until(|| cache.stats().joins == 1);
                        1
                    })
                })
            })
            .collect();
        for call in calls {
            assert_eq!(tokio.block_on(call).expect("no panic"), 1);
        }
        assert_eq!(cache.stats().loads, 1);
    });
}
