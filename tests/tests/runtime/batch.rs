//! Several keys at once: which of them are loaded, by whom, and what becomes of those whose loader goes away.

use cachekit::{Cache, testing};
use cachekit_runtime as cachekit;
use cachekit_tests::Hand;
use proptest::prelude::*;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::{
        Arc, Barrier, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};
use tokio::sync::{Notify, oneshot};

fn cache() -> Cache<u64, u64> {
    Cache::builder().unbounded().build()
}

/// Twice the number, for even ones.
fn doubled(missing: &[u64]) -> HashMap<u64, u64> {
    missing.iter().filter(|n| n.is_multiple_of(2)).map(|n| (*n, n * 2)).collect()
}

proptest! {
    /// Against a model: a set of what is cached.
    #[test]
    fn exactly_the_missing_keys_once_in_their_order(calls in prop::collection::vec(prop::collection::vec(0_u64..40, 0..30), 1..12)) {
        let cache = cache();
        let mut cached: BTreeSet<u64> = BTreeSet::new();
        for keys in calls {
            let mut expected = Vec::new();
            for key in &keys {
                if !cached.contains(key) && !expected.contains(key) {
                    expected.push(*key);
                }
            }
            let asked = Mutex::new(Vec::new());
            let found: Vec<Option<u64>> = cache.get_or_compute_many(&keys, |missing| {
                asked.lock().unwrap().push(missing.to_vec());
                missing.iter().map(|n| n.is_multiple_of(2).then_some(n * 2)).collect::<Vec<_>>()
            });
            let expected = if expected.is_empty() { Vec::new() } else { vec![expected] };
            prop_assert_eq!(asked.into_inner().unwrap(), expected);
            prop_assert_eq!(found, keys.iter().map(|n| n.is_multiple_of(2).then_some(n * 2)).collect::<Vec<_>>());
            cached.extend(keys.iter().filter(|n| n.is_multiple_of(2)));
            prop_assert_eq!(cache.len(), cached.len());
        }
        prop_assert_eq!(cache.loads_in_flight(), 0);
    }
}

#[test]
fn maps_have_what_there_is() {
    let cache = cache();
    let map: BTreeMap<u64, u64> =
        cache.get_or_compute_many(&[4, 3, 2, 4], |missing| doubled(missing).into_iter().collect::<BTreeMap<_, _>>());
    assert_eq!(map, BTreeMap::from([(2, 4), (4, 8)]));
    let map: HashMap<u64, u64> = cache.get_or_compute_many(&[2, 3, 6], |missing| {
        assert_eq!(missing, [3, 6], "what had no value is asked for again");
        doubled(missing)
    });
    assert_eq!(map, HashMap::from([(2, 4), (6, 12)]));
}

#[test]
fn an_error_loses_nothing() {
    let cache = cache();
    cache.insert(2, 4);
    let failed: Result<HashMap<u64, u64>, &str> =
        cache.get_or_compute_many(&[2, 4], |_| Err::<HashMap<_, _>, _>("down"));
    assert_eq!((failed, cache.len(), cache.loads_in_flight()), (Err("down"), 1, 0));
    let found: Result<HashMap<u64, u64>, &str> = cache.get_or_compute_many(&[2, 4], |missing| {
        assert_eq!(missing, [4]);
        Ok(doubled(missing))
    });
    assert_eq!(found, Ok(HashMap::from([(2, 4), (4, 8)])));
    let stats = cache.stats();
    assert_eq!((stats.loads, stats.load_errors, stats.batches), (2, 1, 2));
}

#[test]
fn a_vector_of_another_length_is_not_used() {
    let cache = cache();
    let found: Vec<Option<u64>> = cache.get_or_compute_many(&[1, 2, 3], |_| vec![Some(1), Some(2)]);
    assert_eq!((found, cache.len()), (vec![None, None, None], 0));
}

#[test]
fn no_keys_no_call_and_many_keys_one() {
    let cache = cache();
    let calls = AtomicUsize::new(0);
    let load = |missing: &[u64]| {
        calls.fetch_add(1, Ordering::SeqCst);
        missing.iter().map(|n| Some(*n)).collect::<Vec<_>>()
    };
    assert_eq!(cache.get_or_compute_many::<Vec<Option<u64>>>(&[], load), []);
    assert_eq!(calls.load(Ordering::SeqCst), 0);
    let keys: Vec<u64> = (0..100_000).collect();
    let found = cache.get_or_compute_many::<Vec<Option<u64>>>(&keys, load);
    assert_eq!((found.len(), found[99_999], calls.load(Ordering::SeqCst)), (100_000, Some(99_999), 1));
    assert_eq!((cache.len(), cache.loads_in_flight()), (100_000, 0));
}

#[test]
fn what_panics_is_loaded_by_the_next() {
    let cache = cache();
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _: HashMap<u64, u64> =
            cache.get_or_compute_many(&[1, 2], |_| -> HashMap<u64, u64> { panic!("on purpose") });
    }));
    assert!(panicked.is_err());
    assert_eq!((cache.loads_in_flight(), cache.stats().load_panics), (0, 2));
    assert_eq!(cache.get_or_compute(&2, || 7), 7);
}

/// Batches that overlap in opposite orders lead parts of each other's keys.
#[test]
fn overlapping_batches_of_threads_end_and_load_each_key_once() {
    for round in 0..200 {
        let cache = cache();
        let loaded = Mutex::new(Vec::new());
        let barrier = Barrier::new(4);
        thread::scope(|scope| {
            for caller in 0..4 {
                let (cache, loaded, barrier) = (&cache, &loaded, &barrier);
                scope.spawn(move || {
                    let mut keys: Vec<u64> = (0..8).map(|n| (n * 2 + round) % 16).collect();
                    if caller % 2 == 0 {
                        keys.reverse();
                    }
                    barrier.wait();
                    let found: HashMap<u64, u64> = cache.get_or_compute_many(&keys, |missing| {
                        loaded.lock().unwrap().extend_from_slice(missing);
                        missing.iter().map(|n| (*n, n + 1)).collect::<HashMap<_, _>>()
                    });
                    assert_eq!(found.len(), 8);
                    assert!(found.iter().all(|(key, value)| *value == key + 1));
                });
            }
        });
        let loaded = loaded.into_inner().unwrap();
        let distinct: HashSet<u64> = loaded.iter().copied().collect();
        assert_eq!((loaded.len(), cache.loads_in_flight()), (distinct.len(), 0), "{loaded:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn overlapping_batches_of_tasks_end_and_load_each_key_once() {
    for round in 0..200_u64 {
        let cache = cache();
        let loaded = Arc::new(Mutex::new(Vec::new()));
        let calls: Vec<_> = (0..6)
            .map(|caller| {
                let (cache, loaded) = (cache.clone(), loaded.clone());
                tokio::spawn(async move {
                    let mut keys: Vec<u64> = (0..12).map(|n| (n * 5 + round) % 24).collect();
                    if caller % 2 == 0 {
                        keys.reverse();
                    }
                    let load = |missing: Vec<u64>| {
                        let loaded = loaded.clone();
                        async move {
                            tokio::task::yield_now().await;
                            loaded.lock().unwrap().extend_from_slice(&missing);
                            missing.into_iter().map(|n| (n, n + 1)).collect::<HashMap<_, _>>()
                        }
                    };
                    cache.get_or_compute_many_async::<HashMap<u64, u64>, _>(&keys, load).await
                })
            })
            .collect();
        for call in calls {
            assert_eq!(call.await.unwrap().len(), 12);
        }
        let loaded = loaded.lock().unwrap();
        assert_eq!(loaded.iter().collect::<HashSet<_>>().len(), loaded.len(), "{loaded:?}");
        assert_eq!(cache.loads_in_flight(), 0);
    }
}

/// A batch under way whose body waits, and what it was asked for.
struct Held {
    asked: oneshot::Receiver<Vec<u64>>,
    go: Arc<Notify>,
    call: tokio::task::JoinHandle<HashMap<u64, u64>>,
}

impl Held {
    fn start(cache: &Cache<u64, u64>, keys: &[u64]) -> Self {
        let (cache, keys, go) = (cache.clone(), keys.to_vec(), Arc::new(Notify::new()));
        let (tell, asked) = oneshot::channel();
        let (tell, held) = (Arc::new(Mutex::new(Some(tell))), go.clone());
        let call = tokio::spawn(async move {
            let load = |missing: Vec<u64>| {
                let (tell, held) = (tell.clone(), held.clone());
                async move {
                    let first = tell.lock().unwrap().take();
                    if let Some(first) = first {
                        first.send(missing.clone()).unwrap();
                        held.notified().await;
                    }
                    missing.into_iter().map(|n| (n, n * 100)).collect::<HashMap<_, _>>()
                }
            };
            cache.get_or_compute_many_async(&keys, load).await
        });
        Held { asked, go, call }
    }
}

async fn until(mut done: impl FnMut() -> bool) {
    let whole = async {
        while !done() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), whole).await.expect("in time");
}

#[tokio::test]
async fn a_batch_and_single_calls_join_each_other() {
    let cache = cache();
    let batch = Held::start(&cache, &[1, 2, 3]);
    assert_eq!(batch.asked.await.unwrap(), [1, 2, 3]);
    let single = tokio::spawn({
        let cache = cache.clone();
        async move { cache.get_or_compute_async(&2, || async { panic!("the batch loads it") }).await }
    });
    let other = Held::start(&cache, &[3, 4]);
    assert_eq!(other.asked.await.unwrap(), [4], "the other loads 3");
    other.go.notify_one();
    until(|| cache.stats().joins == 2).await;
    batch.go.notify_one();
    assert_eq!(batch.call.await.unwrap().len(), 3);
    assert_eq!((single.await.unwrap(), other.call.await.unwrap()), (200, HashMap::from([(3, 300), (4, 400)])));

    let (release, released) = oneshot::channel();
    let single = tokio::spawn({
        let cache = cache.clone();
        async move { cache.get_or_compute_async(&9, || async { released.await.unwrap() }).await }
    });
    until(|| cache.loads_in_flight() == 1).await;
    let batch = Held::start(&cache, &[9, 8]);
    assert_eq!(batch.asked.await.unwrap(), [8], "the single call loads 9");
    batch.go.notify_one();
    until(|| cache.loads_in_flight() == 1).await;
    release.send(7).unwrap();
    assert_eq!((single.await.unwrap(), batch.call.await.unwrap()), (7, HashMap::from([(8, 800), (9, 7)])));
}

#[tokio::test]
async fn a_dropped_batch_hands_each_element_over() {
    let cache = cache();
    let batch = Held::start(&cache, &[1, 2, 3, 4]);
    assert_eq!(batch.asked.await.unwrap(), [1, 2, 3, 4]);
    let single = tokio::spawn({
        let cache = cache.clone();
        async move { cache.get_or_compute_async(&1, || async { 10 }).await }
    });
    let other = Held::start(&cache, &[2, 3]);
    until(|| cache.stats().joins == 2).await;
    batch.call.abort();
    assert!(batch.call.await.is_err());
    assert_eq!(other.asked.await.unwrap(), [2, 3], "both at once");
    other.go.notify_one();
    assert_eq!((single.await.unwrap(), other.call.await.unwrap()), (10, HashMap::from([(2, 200), (3, 300)])));
    let stats = cache.stats();
    assert_eq!((cache.loads_in_flight(), stats.takeovers.after_drop, stats.load_cancels), (0, 3, 4));
    assert_eq!(cache.get(&4), None);
}

#[test]
fn a_stalled_batch_is_taken_over_by_element() {
    let scope = testing::scope();
    let cache = cache();
    let (wake, wait) = oneshot::channel::<()>();
    let wait = Mutex::new(Some(wait));
    let load = |missing: Vec<u64>| {
        let wait = wait.lock().unwrap().take();
        async move {
            if let Some(wait) = wait {
                wait.await.unwrap();
            }
            missing.into_iter().map(|n| (n, n)).collect::<HashMap<_, _>>()
        }
    };
    let mut stalled = Hand::pending(cache.get_or_compute_many_async::<HashMap<u64, u64>, _>(&[1, 2], load));
    let follower = Hand::pending(cache.get_or_compute_async(&2, async || 22));
    scope.advance(Duration::from_secs(3_600));
    assert_eq!(cache.stats().takeovers.after_stall, 0, "nothing woke it, so it is slow and not stalled");
    wake.send(()).unwrap();
    scope.advance(Duration::from_millis(150));
    assert!(follower.is_woken());
    assert_eq!(follower.finish(), 22);
    assert_eq!(cache.stats().takeovers.after_stall, 1);
    assert_eq!(stalled.poll(), std::task::Poll::Ready(HashMap::from([(1, 1), (2, 2)])), "it still gets its own values");
    assert_eq!((cache.loads_in_flight(), cache.get(&1)), (0, Some(1)));
}

#[test]
fn a_stalled_batch_that_is_polled_again_leads_again() {
    let scope = testing::scope();
    let cache = cache();
    let (wake, wait) = oneshot::channel::<()>();
    let (more, last) = oneshot::channel::<()>();
    let wait = Mutex::new(Some((wait, last)));
    let load = |missing: Vec<u64>| {
        let wait = wait.lock().unwrap().take();
        async move {
            if let Some((wait, last)) = wait {
                wait.await.unwrap();
                last.await.unwrap();
            }
            missing.into_iter().map(|n| (n, n)).collect::<HashMap<_, _>>()
        }
    };
    let mut stalled = Hand::pending(cache.get_or_compute_many_async::<HashMap<u64, u64>, _>(&[1, 2], load));
    let mut follower = Hand::pending(cache.get_or_compute_async(&2, async || 22));
    wake.send(()).unwrap();
    scope.advance(Duration::from_millis(150));
    assert!(follower.is_woken(), "to take over");
    assert!(stalled.poll().is_pending());
    assert!(follower.poll().is_pending(), "it is led again");
    more.send(()).unwrap();
    assert!(stalled.poll().is_ready());
    assert_eq!((follower.finish(), cache.stats().takeovers.after_stall), (2, 0));
}

#[tokio::test]
async fn an_invalidation_during_the_load_keeps_that_element_out() {
    let cache = cache();
    let batch = Held::start(&cache, &[1, 2]);
    assert_eq!(batch.asked.await.unwrap(), [1, 2]);
    cache.invalidate(&1);
    batch.go.notify_one();
    assert_eq!(batch.call.await.unwrap().len(), 2);
    assert_eq!((cache.get(&1), cache.get(&2)), (None, Some(200)));
}

#[test]
fn a_batch_that_calls_itself_runs_uncached() {
    let cache = cache();
    let found: HashMap<u64, u64> = cache.get_or_compute_many(&[1, 2], |missing| {
        let again: HashMap<u64, u64> =
            cache.get_or_compute_many(missing, |inner| inner.iter().map(|n| (*n, n + 5)).collect::<HashMap<_, _>>());
        again
    });
    assert_eq!(found, HashMap::from([(1, 6), (2, 7)]));
    assert_eq!(cache.stats().bypasses.cycle, 2);
}

#[test]
fn scopes_switch_off_and_compare() {
    let cache = cache();
    {
        let _off = testing::disable();
        let calls = AtomicUsize::new(0);
        let call = || {
            cache.get_or_compute_many::<HashMap<u64, u64>>(&[2, 2, 4], |missing| {
                calls.fetch_add(1, Ordering::SeqCst);
                assert_eq!(missing, [2, 4]);
                doubled(missing)
            })
        };
        assert_eq!((call(), call()), (HashMap::from([(2, 4), (4, 8)]), HashMap::from([(2, 4), (4, 8)])));
        assert_eq!((calls.load(Ordering::SeqCst), cache.len()), (2, 0));
    }
    let dry = testing::dry_run();
    let first: HashMap<u64, u64> = cache.get_or_compute_many(&[2], doubled);
    let second: HashMap<u64, u64> =
        cache.get_or_compute_many(&[2, 4], |missing| missing.iter().map(|n| (*n, n * 3)).collect::<HashMap<_, _>>());
    assert_eq!((first[&2], second[&2], second[&4]), (4, 6, 12), "computed, whatever is there");
    let report = dry.report();
    assert_eq!((report.agreed, report.diverged.len(), report.not_comparable), (0, 0, 1), "{report:?}");
}

#[test]
fn one_run_is_one_load_for_max_loads() {
    let cache: Cache<u64, u64> = Cache::builder().max_loads(1).build();
    let found: HashMap<u64, u64> = cache.get_or_compute_many(&[2, 4, 6], doubled);
    assert_eq!((found.len(), cache.stats().over_limit), (3, 0));
    let nested: HashMap<u64, u64> = cache.get_or_compute_many(&[8, 10], |missing| {
        assert_eq!(cache.get_or_compute(&100, || 1), 1, "goes over the limit, and does not wait for itself");
        doubled(missing)
    });
    assert_eq!((nested.len(), cache.stats().over_limit), (2, 1));
}

/// Threads and tasks, single calls and batches, drops and invalidations, all at once: every call ends, with what the loaders give.
#[test]
fn everything_at_once() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let cache: Cache<u64, u64> = Cache::builder().capacity(16).build();
    thread::scope(|scope| {
        for caller in 0..2_u64 {
            let cache = &cache;
            scope.spawn(move || {
                for round in 0..400 {
                    let keys: Vec<u64> = (0..10).map(|n| (n * (caller + 3) + round) % 32).collect();
                    let found: HashMap<u64, u64> = cache.get_or_compute_many(&keys, |missing| {
                        missing.iter().map(|n| (*n, n + 1)).collect::<HashMap<_, _>>()
                    });
                    assert!(keys.iter().all(|key| found[key] == key + 1));
                    cache.invalidate(&(round % 32));
                }
            });
        }
        runtime.block_on(async {
            let tasks: Vec<_> = (0..4_u64)
                .map(|caller| {
                    let cache = cache.clone();
                    tokio::spawn(async move {
                        for round in 0..400 {
                            let keys: Vec<u64> = (0..10).map(|n| (n * (caller + 5) + round) % 32).collect();
                            let load = |missing: Vec<u64>| async move {
                                tokio::task::yield_now().await;
                                missing.into_iter().map(|n| (n, n + 1)).collect::<HashMap<_, _>>()
                            };
                            let call = cache.get_or_compute_many_async::<HashMap<u64, u64>, _>(&keys, load);
                            if round % 5 == caller {
                                // Dropped after one poll, if it has not ended by then.
                                let mut call = Box::pin(call);
                                std::future::poll_fn(|context| {
                                    let _ = call.as_mut().poll(context);
                                    std::task::Poll::Ready(())
                                })
                                .await;
                            } else {
                                let found = call.await;
                                assert!(keys.iter().all(|key| found[key] == key + 1));
                            }
                            let key = round % 32;
                            assert_eq!(cache.get_or_compute_async(&key, || async { key + 1 }).await, key + 1);
                        }
                    })
                })
                .collect();
            for task in tasks {
                task.await.unwrap();
            }
        });
    });
    assert_eq!(cache.loads_in_flight(), 0);
}
