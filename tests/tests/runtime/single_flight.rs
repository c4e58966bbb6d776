//! N callers of one missing key run the loader once; distinct keys never wait for each other.

use cachekit_runtime::Cache;
use cachekit_tests::{Hand, never_hangs, until};
use std::{
    cell::Cell,
    sync::{
        Arc, Barrier, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};
use tokio::{runtime, sync::oneshot, task::AbortHandle};

const TASKS: usize = 10_000;
const THREADS: usize = 64;

#[test]
fn threads_on_one_key_load_once() {
    never_hangs(|| {
        let cache: Cache<u64, u64> = Cache::builder().build();
        let loads = AtomicUsize::new(0);
        thread::scope(|threads| {
            for _ in 0..THREADS {
                threads.spawn(|| {
                    let value = cache.get_or_compute(&1, || {
                        until(|| cache.stats().joins == THREADS as u64 - 1);
                        loads.fetch_add(1, Ordering::Relaxed) as u64 + 7
                    });
                    assert_eq!(value, 7);
                });
            }
        });
        let stats = cache.stats();
        assert_eq!((stats.loads, stats.joins, stats.misses.absent), (1, THREADS as u64 - 1, THREADS as u64));
        assert_eq!(cache.loads_in_flight(), 0);
    });
}

#[test]
fn tasks_and_threads_on_one_key_load_once_though_a_hundred_leaders_are_dropped() {
    never_hangs(|| {
        let cache: Cache<u64, u64> = Cache::builder().build();
        let (begun, finished, dropped) =
            (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let tokio = runtime::Builder::new_multi_thread().worker_threads(2).build().expect("a runtime");
        let aborts: Arc<Mutex<Vec<AbortHandle>>> = Arc::default();
        let all = TASKS as u64 + THREADS as u64;
        let tasks: Vec<_> = (0..TASKS)
            .map(|number| {
                let (cache, begun, finished, dropped) =
                    (cache.clone(), begun.clone(), finished.clone(), dropped.clone());
                let list = aborts.clone();
                let task = tokio.spawn(async move {
                    let load = async || {
                        if begun.fetch_add(1, Ordering::SeqCst) < 100 {
                            dropped.fetch_add(1, Ordering::SeqCst);
                            until(|| list.lock().expect("no panic").len() == TASKS);
                            list.lock().expect("no panic")[number].abort();
                            return std::future::pending().await;
                        }
                        until(|| cache.stats().misses.total() == all);
                        finished.fetch_add(1, Ordering::SeqCst);
                        42
                    };
                    cache.get_or_compute_async(&1, load).await
                });
                aborts.lock().expect("no panic").push(task.abort_handle());
                task
            })
            .collect();
        // From here on a task leads, since no thread has called yet.
        until(|| begun.load(Ordering::SeqCst) > 0);
        let threads: Vec<_> = (0..THREADS)
            .map(|_| {
                let (cache, begun, finished) = (cache.clone(), begun.clone(), finished.clone());
                thread::spawn(move || {
                    cache.get_or_compute(&1, || {
                        // A thread cannot be dropped; it leads to the end.
                        begun.fetch_add(100, Ordering::SeqCst);
                        until(|| cache.stats().misses.total() == all);
                        finished.fetch_add(1, Ordering::SeqCst);
                        42
                    })
                })
            })
            .collect();
        let cancelled = tokio.block_on(async {
            let mut cancelled = 0;
            for task in tasks {
                match task.await {
                    Ok(value) => assert_eq!(value, 42),
                    Err(error) => cancelled += usize::from(error.is_cancelled()),
                }
            }
            cancelled
        });
        assert!(threads.into_iter().all(|thread| thread.join().expect("it does not panic") == 42));
        assert_eq!(finished.load(Ordering::SeqCst), 1, "exactly one computation");
        assert_eq!(cancelled, dropped.load(Ordering::SeqCst));
        assert_eq!(cache.stats().takeovers.after_drop, cancelled as u64);
        assert_eq!(cache.loads_in_flight(), 0);
    });
}

#[test]
fn ten_thousand_futures_load_once_though_the_first_hundred_leaders_are_dropped() {
    let cache: Cache<u64, u64> = Cache::builder().build();
    let (begun, finished) = (Cell::new(0), Cell::new(0));
    let (go, wait) = oneshot::channel::<()>();
    let wait = Cell::new(Some(wait));
    let call = |number: usize| {
        let (cache, begun, finished, wait) = (&cache, &begun, &finished, &wait);
        async move {
            let load = async || {
                begun.set(begun.get() + 1);
                leader_is(number);
                if begun.get() <= 100 {
                    return std::future::pending().await;
                }
                wait.take().expect("one loader gets this far").await.expect("sent");
                finished.set(finished.get() + 1);
                number
            };
            cache.get_or_compute_async(&1, async || load().await as u64).await
        }
    };
    let mut futures: Vec<_> = (0..TASKS).map(|number| Some(Hand::pending(call(number)))).collect();
    for round in 1..=100 {
        assert_eq!(begun.get(), round);
        futures[leader()] = None;
        while begun.get() == round {
            let woken = futures.iter_mut().flatten().find(|future| future.is_woken());
            assert!(woken.expect("somebody is woken to take over").poll().is_pending());
        }
    }
    go.send(()).expect("it is waited for");
    let value = futures[leader()].take().expect("it leads").finish();
    assert!(futures.into_iter().flatten().all(|future| future.finish() == value));
    assert_eq!((begun.get(), finished.get()), (101, 1));
    assert_eq!((cache.stats().takeovers.after_drop, cache.loads_in_flight()), (100, 0));
}

thread_local! {
    static LEADER: Cell<usize> = const { Cell::new(usize::MAX) };
}

fn leader_is(number: usize) {
    LEADER.set(number);
}

fn leader() -> usize {
    LEADER.get()
}

#[test]
fn distinct_keys_do_not_wait_for_each_other() {
    never_hangs(|| {
        let cache: Cache<u64, u64> = Cache::builder().build();
        let together = Barrier::new(32);
        thread::scope(|threads| {
            for key in 0..32 {
                let (cache, together) = (&cache, &together);
                // All loaders must be inside at once to get through.
                threads.spawn(move || {
                    cache.get_or_compute(&key, || {
                        together.wait();
                        key
                    })
                });
            }
        });
        assert_eq!(cache.stats().loads, 32);
    });
}

#[test]
fn every_caller_brings_its_own_loader() {
    let cache: Cache<u64, String> = Cache::builder().build();
    let leader = Hand::pending(cache.get_or_compute_async(&1, std::future::pending::<String>));
    let (mine, theirs) = ("mine".to_owned(), "theirs".to_owned());
    let first = Hand::pending(cache.get_or_compute_async(&1, async || mine.clone()));
    let second = Hand::pending(cache.get_or_compute_async(&1, async || theirs.clone()));
    drop(leader);
    assert_eq!(first.finish(), "mine");
    assert_eq!(second.finish(), "mine");
}

#[test]
fn a_call_between_a_look_and_a_lead_finds_what_was_stored_meanwhile() {
    never_hangs(|| {
        for _ in 0..200 {
            let cache: Cache<u64, u64> = Cache::builder().build();
            let (loads, start) = (AtomicUsize::new(0), Barrier::new(4));
            thread::scope(|threads| {
                for _ in 0..4 {
                    threads.spawn(|| {
                        start.wait();
                        cache.get_or_compute(&1, || loads.fetch_add(1, Ordering::Relaxed) as u64)
                    });
                }
            });
            assert_eq!(loads.into_inner(), 1);
        }
    });
}

#[test]
fn without_single_flight_every_caller_loads() {
    never_hangs(|| {
        let cache: Cache<u64, u64> = Cache::builder().single_flight(false).build();
        let together = Barrier::new(4);
        thread::scope(|threads| {
            for _ in 0..4 {
                threads.spawn(|| {
                    cache.get_or_compute(&1, || {
                        together.wait();
                        1
                    })
                });
            }
        });
        assert_eq!((cache.stats().loads, cache.stats().joins), (4, 0));
    });
}
