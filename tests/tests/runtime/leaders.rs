//! A dropped leader hands over, a panicking one panics alone, a stalled one is taken over, a slow one that is polled is not.

use cachekit_runtime::{Cache, testing};
use cachekit_tests::{Hand, never_hangs, until};
use std::{
    cell::Cell,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::{Arc, Barrier},
    task::{Context, Poll, Wake, Waker},
    thread,
    time::Duration,
};
use tokio::sync::oneshot;

const STALL: Duration = Duration::from_millis(100);

fn cache() -> Cache<u64, u64> {
    Cache::builder().build()
}

#[test]
fn a_dropped_leader_hands_over_to_one_follower() {
    let cache = cache();
    let loads = Cell::new(0);
    let call = || {
        cache.get_or_compute_async(&1, async || {
            loads.set(loads.get() + 1);
            std::future::pending::<u64>().await
        })
    };
    let leader = Hand::pending(call());
    let mut followers: Vec<_> = (0..3).map(|_| Hand::pending(call())).collect();
    assert_eq!(loads.get(), 1);
    drop(leader);
    let woken: Vec<_> = (0..3).filter(|i| followers[*i].is_woken()).collect();
    assert_eq!(woken.len(), 1, "one is woken to take over");
    assert!(followers[woken[0]].poll().is_pending());
    assert_eq!(loads.get(), 2, "it brought its own loader");
    assert_eq!(cache.stats().takeovers.after_drop, 1);
    assert_eq!(cache.stats().load_cancels, 1);
    drop(followers);
    assert_eq!(cache.loads_in_flight(), 0);
}

#[test]
fn a_woken_follower_that_is_dropped_passes_the_wake_on() {
    let cache = cache();
    let (_never, wait) = oneshot::channel::<u64>();
    let leader = Hand::pending(cache.get_or_compute_async(&1, async || wait.await.unwrap_or(0)));
    let first = Hand::pending(cache.get_or_compute_async(&1, async || 1));
    let second = Hand::pending(cache.get_or_compute_async(&1, async || 2));
    drop(leader);
    assert!(first.is_woken() && !second.is_woken());
    drop(first);
    assert!(second.is_woken());
    assert_eq!(second.finish(), 2);
    assert_eq!(cache.loads_in_flight(), 0);
}

#[test]
fn a_flight_whose_waiters_have_all_left_is_gone() {
    let cache = cache();
    let call = || cache.get_or_compute_async(&1, std::future::pending::<u64>);
    let (leader, first, second) = (Hand::pending(call()), Hand::pending(call()), Hand::pending(call()));
    drop(leader);
    assert_eq!(cache.loads_in_flight(), 1, "the followers are still there");
    drop(first);
    drop(second);
    assert_eq!(cache.loads_in_flight(), 0);
    drop((Hand::pending(call()), Hand::pending(call())));
    assert_eq!(cache.loads_in_flight(), 0);
}

#[test]
fn a_sync_leader_panics_alone_and_a_follower_takes_over() {
    never_hangs(|| {
        let cache = cache();
        let leading = Barrier::new(2);
        thread::scope(|threads| {
            let leader = threads.spawn(|| {
                catch_unwind(AssertUnwindSafe(|| {
                    cache.get_or_compute(&1, || {
                        leading.wait();
                        until(|| cache.stats().joins == 2);
                        panic!("expected by a test")
                    })
                }))
            });
            leading.wait();
            let followers: Vec<_> = (0..2).map(|_| threads.spawn(|| cache.get_or_compute(&1, || 7))).collect();
            assert!(leader.join().expect("caught").is_err());
            assert!(followers.into_iter().all(|follower| follower.join().expect("only the leader panics") == 7));
        });
        let stats = cache.stats();
        assert_eq!((stats.takeovers.after_panic, stats.load_panics, stats.loads), (1, 1, 2));
        assert_eq!(cache.loads_in_flight(), 0);
    });
}

#[test]
fn an_async_leader_panics_alone_and_a_follower_takes_over() {
    let cache = cache();
    let (panic_now, wait) = oneshot::channel::<u64>();
    let mut leader = Hand::pending(cache.get_or_compute_async(&1, async || wait.await.expect("expected by a test")));
    let follower = Hand::pending(cache.get_or_compute_async(&1, async || 7));
    drop(panic_now);
    assert!(catch_unwind(AssertUnwindSafe(|| leader.poll())).is_err());
    assert_eq!(follower.finish(), 7);
    assert_eq!(cache.stats().takeovers.after_panic, 1);
    drop(leader);
    assert_eq!((cache.loads_in_flight(), cache.get(&1)), (0, Some(7)));
}

#[test]
fn a_thread_takes_over_from_a_woken_task_that_nobody_polls() {
    never_hangs(|| {
        let scope = testing::scope();
        let (cache, handle) = (cache(), scope.handle());
        let (leading, go) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
        let leader = thread::spawn({
            let (cache, handle, leading, go) = (cache.clone(), handle.clone(), leading.clone(), go.clone());
            move || {
                handle.enter(|| {
                    catch_unwind(AssertUnwindSafe(|| {
                        cache.get_or_compute(&1, || {
                            leading.wait();
                            go.wait();
                            panic!("expected by a test")
                        })
                    }))
                })
            }
        });
        leading.wait();
        let task = Hand::pending(cache.get_or_compute_async(&1, async || 1));
        let follower = thread::spawn({
            let (cache, handle) = (cache.clone(), handle.clone());
            move || handle.enter(|| cache.get_or_compute(&1, || 2))
        });
        until(|| cache.stats().joins == 2);
        go.wait();
        assert!(leader.join().expect("caught").is_err());
        assert!(task.is_woken(), "the task was first in the queue");
        until(|| {
            scope.advance(STALL);
            follower.is_finished()
        });
        assert_eq!(follower.join().expect("it does not panic"), 2);
        assert_eq!(task.finish(), 2);
    });
}

#[test]
fn a_leader_that_was_woken_and_not_polled_is_taken_over_by_one() {
    let scope = testing::scope();
    let cache = cache();
    let (wake, wait) = oneshot::channel();
    let mut stalled = Hand::pending(cache.get_or_compute_async(&1, async || wait.await.unwrap_or(0)));
    let mut followers: Vec<_> =
        (10..13).map(|value| Hand::pending(cache.get_or_compute_async(&1, async move || value))).collect();
    scope.advance(Duration::from_secs(3_600));
    assert_eq!(cache.stats().takeovers.after_stall, 0, "nothing woke it, so it is slow and not stalled");
    wake.send(1).expect("it is waited for");
    scope.advance(STALL - Duration::from_nanos(1));
    assert!(followers.iter().all(|follower| !follower.is_woken()));
    scope.advance(Duration::from_nanos(1));
    let woken: Vec<_> = (0..3).filter(|i| followers[*i].is_woken()).collect();
    assert_eq!(woken.len(), 1);
    let Poll::Ready(value) = followers[woken[0]].poll() else { panic!("its loader is ready") };
    followers.remove(woken[0]);
    assert_eq!(value, 10 + woken[0] as u64);
    assert!(followers.into_iter().all(|follower| follower.finish() == value));
    assert_eq!(cache.stats().takeovers.after_stall, 1);
    assert_eq!(stalled.poll(), Poll::Ready(1), "the stalled one still gets its own value");
    assert_eq!(cache.loads_in_flight(), 0);
}

#[test]
fn a_slow_leader_that_is_polled_is_not_taken_over() {
    let scope = testing::scope();
    let cache = cache();
    let (wake, mut wait) = tokio::sync::mpsc::unbounded_channel::<()>();
    let mut slow = Hand::pending(cache.get_or_compute_async(&1, async || {
        for _ in 0..50 {
            wait.recv().await;
        }
        5
    }));
    let mut follower = Hand::pending(cache.get_or_compute_async(&1, async || 6));
    for _ in 0..49 {
        wake.send(()).expect("it is waited for");
        scope.advance(STALL - Duration::from_millis(1));
        assert!(slow.poll().is_pending());
        scope.advance(STALL * 3);
        assert!(follower.poll().is_pending());
    }
    wake.send(()).expect("it is waited for");
    assert_eq!(slow.finish(), 5);
    assert_eq!(follower.finish(), 5);
    assert_eq!((cache.stats().takeovers.total(), cache.stats().loads), (0, 1));
}

#[test]
fn a_leader_in_a_long_poll_is_being_polled() {
    let scope = testing::scope();
    let cache = cache();
    let mut long = Hand::new(cache.get_or_compute_async(&1, async || {
        // Woken during a poll that takes long, as by a neighbour in a `join!`.
        std::future::poll_fn({
            let mut polls = 0;
            let scope = &scope;
            move |context| {
                polls += 1;
                context.waker().wake_by_ref();
                if polls == 1 {
                    return Poll::Pending;
                }
                scope.advance(STALL * 5);
                Poll::Ready(5)
            }
        })
        .await
    }));
    assert!(long.poll().is_pending());
    let mut follower = Hand::pending(cache.get_or_compute_async(&1, async || 6));
    assert_eq!(long.poll(), Poll::Ready(5));
    assert_eq!(follower.poll(), Poll::Ready(5));
    assert_eq!(cache.stats().takeovers.total(), 0);
}

#[test]
fn a_stalled_leader_that_is_polled_again_leads_again() {
    let scope = testing::scope();
    let cache = cache();
    let (wake, mut wait) = tokio::sync::mpsc::unbounded_channel::<u64>();
    let mut leader = Hand::pending(cache.get_or_compute_async(&1, async || {
        wait.recv().await;
        wait.recv().await.unwrap_or(0)
    }));
    let follower = Hand::pending(cache.get_or_compute_async(&1, async || 6));
    wake.send(1).expect("it is waited for");
    drop(follower);
    scope.advance(STALL * 3);
    assert!(leader.poll().is_pending(), "it goes on");
    let mut late = Hand::pending(cache.get_or_compute_async(&1, async || 7));
    wake.send(2).expect("it is waited for");
    assert_eq!(leader.finish(), 2);
    assert_eq!(late.poll(), Poll::Ready(2));
    assert_eq!(cache.stats().loads, 1);
}

#[test]
fn a_stalled_leader_that_is_dropped_after_its_followers_leaves_nothing() {
    let scope = testing::scope();
    let cache = cache();
    let (wake, wait) = oneshot::channel();
    let leader = Hand::pending(cache.get_or_compute_async(&1, async || wait.await.unwrap_or(0)));
    drop(Hand::pending(cache.get_or_compute_async(&1, async || 6)));
    wake.send(1).expect("it is waited for");
    scope.advance(STALL * 3);
    drop(leader);
    assert_eq!(cache.loads_in_flight(), 0);
}

#[test]
fn a_leader_stalled_before_its_loader_began_is_taken_over() {
    let scope = testing::scope();
    let cache: Cache<u64, u64> = Cache::builder().max_loads(1).build();
    let (go, wait) = oneshot::channel();
    let holder = Hand::pending(cache.get_or_compute_async(&1, async || wait.await.unwrap_or(0)));
    let stalled = Hand::pending(cache.get_or_compute_async(&2, async || 2));
    let follower = Hand::pending(cache.get_or_compute_async(&2, async || 22));
    let other = Hand::pending(cache.get_or_compute_async(&3, async || 3));
    go.send(1).expect("it is waited for");
    assert_eq!(holder.finish(), 1);
    assert!(stalled.is_woken(), "its permit is there, and nobody polls it");
    scope.advance(STALL * 3);
    assert!(follower.is_woken());
    assert_eq!(follower.finish(), 22);
    assert!(other.is_woken(), "a permit that is not fetched goes to the next");
    assert_eq!(other.finish(), 3);
    drop(stalled);
    assert_eq!(cache.loads_in_flight(), 0);
}

#[test]
fn a_leader_that_comes_back_after_its_takeover_and_an_invalidation_stores_nothing() {
    let scope = testing::scope();
    let cache = cache();
    let (wake, wait) = oneshot::channel();
    let stalled = Hand::pending(cache.get_or_compute_async(&1, async || wait.await.unwrap_or(0)));
    let follower = Hand::pending(cache.get_or_compute_async(&1, async || 2));
    wake.send(1).expect("it is waited for");
    scope.advance(STALL * 3);
    assert_eq!(follower.finish(), 2);
    cache.invalidate(&1);
    assert_eq!(stalled.finish(), 1, "its own caller waited already");
    assert_eq!(cache.get(&1), None, "a load from before the invalidation");
}

#[test]
fn a_waker_may_use_the_cache() {
    struct Invalidates(Cache<u64, u64>);

    impl Wake for Invalidates {
        fn wake(self: Arc<Self>) {
            self.0.invalidate(&1);
        }
    }

    never_hangs(|| {
        let cache = cache();
        let leader = Hand::pending(cache.get_or_compute_async(&1, std::future::pending));
        let mut follower = pin!(cache.get_or_compute_async(&1, async || 2));
        let waker = Waker::from(Arc::new(Invalidates(cache.clone())));
        assert!(follower.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        drop(leader);
        assert_eq!(follower.as_mut().poll(&mut Context::from_waker(&waker)), Poll::Ready(2));
        assert_eq!((cache.get(&1), cache.loads_in_flight()), (None, 0), "it was woken, and invalidated the flight");
    });
}
