//! `max_loads` is never exceeded by loads that are not nested, and no free permit is left unused.

use cachekit_runtime::Cache;
use cachekit_tests::{Hand, never_hangs, until};
use std::{
    sync::{
        Barrier,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    thread,
};
use tokio::sync::oneshot;

#[test]
fn at_most_so_many_loads_at_once() {
    never_hangs(|| {
        let cache: Cache<u64, u64> = Cache::builder().max_loads(3).build();
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let load = || {
            most.fetch_max(now.fetch_add(1, SeqCst) + 1, SeqCst);
            (0..20).for_each(|_| thread::yield_now());
            now.fetch_sub(1, SeqCst);
            0
        };
        thread::scope(|threads| {
            for thread in 0..8 {
                let (cache, load) = (&cache, &load);
                threads.spawn(move || (0..50).for_each(|i| _ = cache.get_or_compute(&(thread * 50 + i), load)));
            }
        });
        assert!((2..=3).contains(&most.load(SeqCst)), "{most:?} at once");
        assert_eq!((cache.stats().over_limit, cache.stats().loads), (0, 400));
    });
}

#[test]
fn two_permits_that_come_free_together_are_both_taken() {
    never_hangs(|| {
        let cache: Cache<u64, u64> = Cache::builder().max_loads(2).build();
        let (go, pair) = (Barrier::new(3), Barrier::new(2));
        thread::scope(|threads| {
            for key in 0..2 {
                let (cache, go) = (&cache, &go);
                threads.spawn(move || {
                    cache.get_or_compute(&key, || {
                        go.wait();
                        key
                    })
                });
            }
            until(|| cache.stats().loads == 2);
            for key in 2..4 {
                let (cache, pair) = (&cache, &pair);
                // Each needs the other at its side.
                threads.spawn(move || {
                    cache.get_or_compute(&key, || {
                        pair.wait();
                        key
                    })
                });
            }
            until(|| cache.loads_in_flight() == 4);
            go.wait();
        });
        assert_eq!((cache.stats().over_limit, cache.len()), (0, 4));
    });
}

#[test]
fn two_permits_that_come_free_wake_two_tasks() {
    let cache: Cache<u64, u64> = Cache::builder().max_loads(2).build();
    let ((go_a, a), (go_b, b)) = (oneshot::channel(), oneshot::channel());
    let first = Hand::pending(cache.get_or_compute_async(&1, async || a.await.unwrap_or(0)));
    let second = Hand::pending(cache.get_or_compute_async(&2, async || b.await.unwrap_or(0)));
    let third = Hand::pending(cache.get_or_compute_async(&3, async || 3));
    let fourth = Hand::pending(cache.get_or_compute_async(&4, async || 4));
    go_a.send(1).expect("it is waited for");
    go_b.send(2).expect("it is waited for");
    assert_eq!((first.finish(), second.finish()), (1, 2));
    assert!(third.is_woken() && fourth.is_woken());
    assert_eq!((third.finish(), fourth.finish()), (3, 4));
}

#[test]
fn a_load_that_is_dropped_or_panics_gives_its_permit_back() {
    never_hangs(|| {
        let cache: Cache<u64, u64> = Cache::builder().max_loads(1).build();
        let holder = Hand::pending(cache.get_or_compute_async(&1, std::future::pending::<u64>));
        let waiting = Hand::pending(cache.get_or_compute_async(&2, async || 2));
        drop(holder);
        assert!(waiting.is_woken());
        drop(waiting);
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            cache.get_or_compute(&3, || panic!("expected by a test"))
        }));
        assert!(panicked.is_err());
        assert_eq!(cache.get_or_compute(&4, || 4), 4);
        assert_eq!((cache.stats().over_limit, cache.loads_in_flight()), (0, 0));
    });
}

#[test]
fn hits_and_followers_need_no_permit() {
    let cache: Cache<u64, u64> = Cache::builder().max_loads(1).build();
    cache.insert(9, 9);
    let (go, wait) = oneshot::channel();
    let holder = Hand::pending(cache.get_or_compute_async(&1, async || wait.await.unwrap_or(0)));
    assert_eq!(cache.get_or_compute(&9, || 0), 9);
    let follower = Hand::pending(cache.get_or_compute_async(&1, async || 0));
    go.send(1).expect("it is waited for");
    assert_eq!((holder.finish(), follower.finish()), (1, 1));
    assert_eq!(cache.stats().loads, 1);
}
