//! A call that would wait for itself, directly or through a chain of flights, runs uncached; it never hangs.

use cachekit_runtime::{Cache, RemovalCause};
use cachekit_tests::{Hand, never_hangs};
use std::{sync::Barrier, thread};

fn cache() -> Cache<u64, u64> {
    Cache::builder().build()
}

#[test]
fn recursion_on_the_same_key_runs_uncached() {
    never_hangs(|| {
        let cache = cache();
        assert_eq!(cache.get_or_compute(&1, || cache.get_or_compute(&1, || 3) + 1), 4);
        assert_eq!(cache.stats().bypasses.cycle, 1);
        assert_eq!(cache.get(&1), Some(4), "the outer value is stored, the inner one is not");
    });
}

#[test]
fn async_recursion_on_the_same_key_runs_uncached() {
    let cache = cache();
    let inner = || cache.get_or_compute_async(&1, async || 3);
    let outer = Hand::new(cache.get_or_compute_async(&1, async || inner().await + 1));
    assert_eq!(outer.finish(), 4);
    assert_eq!((cache.stats().bypasses.cycle, cache.get(&1)), (1, Some(4)));
}

#[test]
fn recursion_over_distinct_keys_is_cached() {
    fn fibonacci(cache: &Cache<u64, u64>, n: u64) -> u64 {
        cache.get_or_compute(&n, || if n < 2 { n } else { fibonacci(cache, n - 1) + fibonacci(cache, n - 2) })
    }
    never_hangs(|| {
        let cache = cache();
        assert_eq!(fibonacci(&cache, 60), 1_548_008_755_920);
        assert_eq!((cache.stats().loads, cache.stats().bypasses.cycle), (61, 0));
    });
}

/// Threads `0..n` each lead their own key and then call the next one's.
fn ring(n: u64, cache: &Cache<u64, u64>) {
    let leading = Barrier::new(n as usize);
    thread::scope(|threads| {
        for key in 0..n {
            let (cache, leading) = (cache, &leading);
            threads.spawn(move || {
                cache.get_or_compute(&key, || {
                    leading.wait();
                    cache.get_or_compute(&((key + 1) % n), || 100) + 1
                })
            });
        }
    });
}

#[test]
fn a_cycle_of_flights_over_threads_is_broken_once() {
    for n in [2, 3, 8] {
        never_hangs(move || {
            let cache = cache();
            ring(n, &cache);
            assert_eq!(cache.stats().bypasses.cycle, 1, "of {n} threads");
            assert_eq!(cache.loads_in_flight(), 0);
        });
    }
}

#[test]
fn a_cycle_over_two_caches_is_broken() {
    never_hangs(|| {
        let (a, b) = (cache(), cache());
        let leading = Barrier::new(2);
        thread::scope(|threads| {
            for (mine, other) in [(&a, &b), (&b, &a)] {
                let leading = &leading;
                threads.spawn(move || {
                    mine.get_or_compute(&1, || {
                        leading.wait();
                        other.get_or_compute(&1, || 100) + 1
                    })
                });
            }
        });
        assert_eq!(a.stats().bypasses.cycle + b.stats().bypasses.cycle, 1);
    });
}

#[test]
fn a_cycle_of_tasks_is_broken() {
    never_hangs(|| {
        let cache = cache();
        let tokio = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().expect("a runtime");
        let leading = std::sync::Arc::new(tokio::sync::Barrier::new(2));
        let tasks: Vec<_> = (0..2_u64)
            .map(|key| {
                let (cache, leading) = (cache.clone(), leading.clone());
                tokio.spawn(async move {
                    let other = 1 - key;
                    let load = async || {
                        leading.wait().await;
                        Box::pin(cache.get_or_compute_async(&other, async || 100)).await + 1
                    };
                    cache.get_or_compute_async(&key, load).await
                })
            })
            .collect();
        for task in tasks {
            tokio.block_on(task).expect("no panic");
        }
        assert_eq!(cache.stats().bypasses.cycle, 1);
    });
}

#[test]
fn nested_loads_go_over_max_loads_instead_of_waiting_for_themselves() {
    never_hangs(|| {
        let cache: Cache<u64, u64> = Cache::builder().max_loads(1).build();
        let value = cache.get_or_compute(&1, || cache.get_or_compute(&2, || cache.get_or_compute(&3, || 1) + 1) + 1);
        assert_eq!((value, cache.stats().over_limit), (3, 2));
    });
}

#[test]
fn a_cycle_through_the_permits_of_two_caches_is_broken() {
    never_hangs(|| {
        let one = || -> Cache<u64, u64> { Cache::builder().max_loads(1).build() };
        let (a, b) = (one(), one());
        let leading = Barrier::new(2);
        thread::scope(|threads| {
            for (mine, other) in [(&a, &b), (&b, &a)] {
                let leading = &leading;
                threads.spawn(move || {
                    mine.get_or_compute(&1, || {
                        leading.wait();
                        other.get_or_compute(&2, || 100) + 1
                    })
                });
            }
        });
        assert_eq!(a.stats().over_limit + b.stats().over_limit, 1);
    });
}

#[test]
fn a_flight_and_a_permit_close_a_cycle() {
    // The holder of the only permit follows the flight of a leader that waits for that permit.
    never_hangs(|| {
        let cache: Cache<u64, u64> = Cache::builder().max_loads(1).build();
        let holding = Barrier::new(2);
        thread::scope(|threads| {
            threads.spawn(|| {
                cache.get_or_compute(&1, || {
                    holding.wait();
                    cachekit_tests::until(|| cache.loads_in_flight() == 2);
                    cache.get_or_compute(&2, || 20) + 1
                })
            });
            holding.wait();
            threads.spawn(|| cache.get_or_compute(&2, || 2));
        });
        assert_eq!(cache.loads_in_flight(), 0);
        assert_eq!(cache.stats().over_limit, 1, "whichever of the two finds the cycle");
    });
}

#[test]
fn an_uncached_call_in_a_cycle_counts_how_it_ended() {
    let cache = cache();
    let inner = || cache.try_get_or_compute(&1, || Err::<u64, ()>(()));
    assert_eq!(cache.try_get_or_compute(&1, || inner().or(Ok::<u64, ()>(5))), Ok(5));
    assert_eq!((cache.stats().loads, cache.stats().load_errors), (2, 1));
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        cache.get_or_compute(&2, || cache.get_or_compute(&2, || panic!("expected by a test")))
    }));
    assert!(caught.is_err());
    assert_eq!(cache.stats().load_panics, 2, "the inner and the outer load");
}

#[test]
fn a_removal_listener_that_asks_for_what_is_being_stored_does_not_wait_for_itself() {
    never_hangs(|| {
        static KEPT: std::sync::LazyLock<Cache<u64, u64>> = std::sync::LazyLock::new(|| {
            let again = |key: &u64, _: &u64, why: RemovalCause| {
                if why == RemovalCause::Evicted {
                    KEPT.get_or_compute(key, || *key);
                }
            };
            Cache::builder().capacity(1).on_removal(again).build()
        });
        assert_eq!(KEPT.get_or_compute(&1, || 1), 1);
        // Evicts 1, whose load evicts 2, which is under way.
        assert_eq!(KEPT.get_or_compute(&2, || 2), 2);
        assert_eq!((KEPT.stats().bypasses.cycle, KEPT.loads_in_flight()), (1, 0));
    });
}

#[test]
fn a_test_of_the_value_that_asks_for_it_does_not_wait_for_itself() {
    never_hangs(|| {
        static ODD: std::sync::LazyLock<Cache<u64, u64>> = std::sync::LazyLock::new(|| {
            Cache::builder().cache_if(|value| *value == ODD.get_or_compute(&1, || 1)).build()
        });
        assert_eq!(ODD.get_or_compute(&1, || 3), 3);
        assert_eq!(ODD.loads_in_flight(), 0);
    });
}

#[test]
fn a_thread_that_ends_may_call() {
    use std::cell::RefCell;

    struct AtTheEnd(Cache<u64, u64>, std::sync::mpsc::Sender<u64>);

    impl Drop for AtTheEnd {
        fn drop(&mut self) {
            self.1.send(self.0.get_or_compute(&2, || 20)).ok();
        }
    }

    thread_local! {
        static AT_THE_END: RefCell<Option<AtTheEnd>> = const { RefCell::new(None) };
    }

    let (send, receive) = std::sync::mpsc::channel();
    let cache = cache();
    let ends = thread::spawn({
        let cache = cache.clone();
        move || {
            // Made before, and so dropped after, what the cache keeps for the thread.
            AT_THE_END.set(Some(AtTheEnd(cache.clone(), send)));
            cache.get_or_compute(&1, || 10)
        }
    });
    assert_eq!(ends.join().expect("no panic"), 10);
    assert_eq!(receive.recv(), Ok(20));
}
