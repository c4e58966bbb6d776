//! The cache as a map: operations, compute, removal causes.

use cachekit_runtime::{
    Cache, Compute, Outcome, RemovalCause,
    private::{self, Output, Plain, ShareProbe, ViaAll, form, look_refresh, part},
    testing,
};
use cachekit_tests::{Hand, never_hangs, until};
use std::{
    sync::{Arc, Barrier, Mutex, OnceLock},
    thread,
    time::Duration,
};
use tokio::sync::oneshot;

const SECOND: Duration = Duration::from_secs(1);

type Log = Arc<Mutex<Vec<(u64, u64, RemovalCause)>>>;

fn logged(log: &Log) -> cachekit_runtime::Builder<u64, u64> {
    let log = log.clone();
    Cache::builder().on_removal(move |key, value, cause| log.lock().expect("no panic").push((*key, *value, cause)))
}

fn taken(log: &Log) -> Vec<(u64, u64, RemovalCause)> {
    let mut taken = std::mem::take(&mut *log.lock().expect("no panic"));
    taken.sort_by_key(|removal| removal.0);
    taken
}

#[test]
fn operations_do_what_they_say() {
    let cache: Cache<String, u64> = Cache::builder().build();
    assert!(cache.is_empty());
    cache.insert_many([("a".to_owned(), 1), ("b".to_owned(), 2), ("c".to_owned(), 3)]);
    assert_eq!(cache.get_many(["a", "x", "c"]), [Some(1), None, Some(3)]);
    assert!(cache.contains("b") && !cache.contains("x"));
    assert_eq!((cache.remove("a"), cache.remove("a")), (Some(1), None));
    let mut all: Vec<_> = cache.iter().collect();
    all.sort();
    assert_eq!(all, [("b".to_owned(), 2), ("c".to_owned(), 3)]);
    assert_eq!(cache.entry("b".to_owned()).or_insert(9), 2);
    assert_eq!(cache.entry("d".to_owned()).or_insert_with(|| 4), 4);
    assert_eq!(cache.invalidate_if(|_, value| *value == 4), 1);
    assert_eq!(cache.retain(|key, _| key == "b"), 1);
    assert_eq!(cache.remove_many(["b", "c"]), 1);
    assert_eq!((cache.len(), cache.capacity()), (0, Some(10_000)));
}

#[test]
fn iter_and_remove_give_fresh_values_only() {
    let scope = testing::scope();
    let cache: Cache<u64, u64> = Cache::builder().ttl(SECOND).stale_while_revalidate(SECOND).build();
    cache.insert(1, 1);
    scope.advance(SECOND);
    cache.insert(2, 2);
    assert_eq!(cache.iter().collect::<Vec<_>>(), [(2, 2)]);
    assert_eq!((cache.remove(&1), cache.remove(&2), cache.len()), (None, Some(2), 0));
}

#[test]
fn every_removal_names_its_cause() {
    let scope = testing::scope();
    let log = Log::default();
    let cache = logged(&log).capacity(3).ttl(SECOND * 10).cache_if(|value| *value != 13).build();
    cache.insert_many([(1, 1), (2, 2), (3, 3)]);
    assert_eq!(taken(&log), []);
    cache.insert(1, 11);
    assert_eq!(taken(&log), [(1, 1, RemovalCause::Replaced)]);
    cache.invalidate(&1);
    assert_eq!(cache.remove(&2), Some(2));
    assert_eq!(taken(&log), [(1, 11, RemovalCause::Invalidated), (2, 2, RemovalCause::Invalidated)]);
    scope.advance(SECOND * 10);
    assert_eq!(cache.get(&3), None);
    assert_eq!(taken(&log), [(3, 3, RemovalCause::Expired)]);
    cache.insert_many([(1, 1), (2, 2), (3, 3), (4, 4)]);
    let evicted = taken(&log);
    assert_eq!((evicted.len(), evicted[0].2), (1, RemovalCause::Evicted));
    let left = cache.iter().map(|(key, _)| key).min().expect("three are left");
    cache.insert_with_ttl(left, 0, Duration::ZERO);
    assert_eq!(taken(&log), [(left, left, RemovalCause::Invalidated)], "a ttl of zero removes");
    let left = cache.iter().map(|(key, _)| key).min().expect("two are left");
    cache.insert(left, 13);
    assert_eq!(taken(&log), [(left, left, RemovalCause::Invalidated)], "so does a value that is not cacheable");
    cache.insert_tagged(5, 5, ["gone"]);
    taken(&log);
    cachekit_runtime::invalidate_tag("gone");
    assert_eq!(cache.get(&5), None);
    assert_eq!(taken(&log), [(5, 5, RemovalCause::Invalidated)]);
    let entries = cache.len();
    cache.clear();
    let cleared = taken(&log);
    assert!(cleared.len() == entries && cleared.iter().all(|removal| removal.2 == RemovalCause::Invalidated));
    let removals = cache.stats().removals;
    assert_eq!((removals.replaced, removals.evicted, removals.expired), (1, 1, 1));
}

#[test]
fn on_removal_runs_outside_of_locks_and_may_call_the_cache() {
    never_hangs(|| {
        let slot: Arc<OnceLock<Cache<u64, u64>>> = Arc::default();
        let inner = slot.clone();
        let cache = Cache::builder()
            .capacity(1)
            .on_removal(move |key, value, cause| {
                let Some(cache) = inner.get() else { return };
                if cause != RemovalCause::Replaced && *key < 100 {
                    assert_eq!(cache.get(key), None, "it has left");
                    cache.insert(key + 100, *value);
                    cache.get_or_compute(&(key + 100), || *value);
                    cache.invalidate(&(key + 100));
                    cache.retain(|_, _| true);
                    assert!(cache.len() <= 1);
                }
            })
            .build();
        assert!(slot.set(cache.clone()).is_ok());
        for key in 0..10 {
            cache.get_or_compute(&key, || key);
        }
        cache.insert(1, 1);
        cache.invalidate(&1);
        cache.insert(2, 2);
        cache.clear();
        cache.insert(3, 3);
        cache.retain(|_, _| false);
        assert_eq!((cache.len(), cache.loads_in_flight()), (0, 0));
        assert_eq!(cache.stats().load_panics, 0);
    });
}

#[test]
fn compute_sees_the_value_and_sets_keeps_or_removes() {
    let cache: Cache<u64, u64> = Cache::builder().build();
    assert_eq!(cache.compute(1, |old| old.map_or(Compute::Set(1), |_| Compute::Keep)), Some(1));
    assert_eq!(cache.compute(1, |old| Compute::Set(old.unwrap_or(0) + 1)), Some(2));
    assert_eq!(cache.compute(1, |_| Compute::Keep), Some(2));
    assert_eq!(cache.get(&1), Some(2));
    assert_eq!(cache.compute(1, |_| Compute::Remove), None);
    assert_eq!((cache.get(&1), cache.loads_in_flight()), (None, 0));
}

#[test]
fn compute_loses_no_update() {
    never_hangs(|| {
        let cache: Cache<u64, u64> = Cache::builder().build();
        thread::scope(|threads| {
            for _ in 0..8 {
                threads.spawn(|| (0..500).for_each(|_| _ = cache.compute(1, |old| Compute::Set(old.unwrap_or(0) + 1))));
            }
        });
        assert_eq!((cache.get(&1), cache.loads_in_flight()), (Some(4_000), 0));
    });
}

#[test]
fn compute_returns_what_is_there_afterwards() {
    let cache: Cache<u64, u64> = Cache::builder().cache_if(|value| *value != 13).build();
    cache.insert(1, 1);
    assert_eq!(cache.compute(1, |_| Compute::Set(13)), None);
    assert_eq!((cache.get(&1), cache.len()), (None, 0), "the old value is not left in place of the new");
    assert_eq!(cache.stats().removals.invalidated, 1);
}

#[test]
fn a_nested_compute_runs_at_once() {
    never_hangs(|| {
        let cache: Cache<u64, u64> = Cache::builder().build();
        let value = cache.compute(1, |_| Compute::Set(cache.compute(1, |_| Compute::Set(1)).unwrap_or(0) + 1));
        assert_eq!((value, cache.get(&1)), (Some(2), Some(2)));
        assert_eq!(cache.compute(2, |_| Compute::Set(cache.get_or_compute(&2, || 5) + 1)), Some(6));
        assert_eq!(cache.loads_in_flight(), 0);
    });
}

#[test]
fn compute_and_loads_of_the_key_exclude_each_other() {
    never_hangs(|| {
        let cache: Cache<u64, u64> = Cache::builder().build();
        let inside = Barrier::new(2);
        thread::scope(|threads| {
            threads.spawn(|| {
                cache.compute(1, |_| {
                    inside.wait();
                    until(|| cache.stats().joins == 1);
                    Compute::Set(7)
                })
            });
            inside.wait();
            assert_eq!(cache.get_or_compute(&1, || 8), 7, "a load waits for the compute");
        });
        let (loading, go) = (Barrier::new(2), Barrier::new(2));
        thread::scope(|threads| {
            let load = threads.spawn(|| {
                cache.get_or_compute(&2, || {
                    loading.wait();
                    go.wait();
                    1
                })
            });
            loading.wait();
            let compute = threads.spawn(|| cache.compute(2, |old| Compute::Set(old.expect("loaded before") + 1)));
            go.wait();
            assert_eq!((load.join().ok(), compute.join().ok()), (Some(1), Some(Some(2))));
        });
    });
}

#[test]
fn a_compute_that_removes_leaves_its_followers_to_load() {
    never_hangs(|| {
        let cache: Cache<u64, u64> = Cache::builder().build();
        let inside = Barrier::new(2);
        thread::scope(|threads| {
            threads.spawn(|| {
                cache.compute(1, |_| {
                    inside.wait();
                    until(|| cache.stats().joins == 1);
                    Compute::Remove
                })
            });
            inside.wait();
            assert_eq!(cache.get_or_compute(&1, || 8), 8);
        });
        assert_eq!(cache.loads_in_flight(), 0);
    });
}

#[test]
fn a_load_outside_of_flights_does_not_undo_a_compute() {
    let cache: Cache<u64, u64> = Cache::builder().single_flight(false).build();
    for removes in [false, true] {
        let (go, wait) = oneshot::channel();
        let load = Hand::pending(cache.get_or_compute_async(&1, async || wait.await.unwrap_or(0)));
        cache.compute(1, |_| if removes { Compute::Remove } else { Compute::Set(5) });
        go.send(1).expect("it is waited for");
        assert_eq!(load.finish(), 1);
        assert_eq!(cache.get(&1), (!removes).then_some(5));
        cache.clear();
    }
}

#[test]
fn refresh_replaces_whatever_is_there() {
    let cache: Cache<u64, u64> = Cache::builder().build();
    cache.insert(1, 1);
    let share = (&&&ShareProbe::<u64>::NEW).share();
    let miss = look_refresh(&cache, &part::<u64, form::Val, true>(&1), &mut Outcome::new());
    assert_eq!(miss.run(Output::<u64, Plain>::NEW, share, &mut Outcome::new(), || 2), 2);
    assert_eq!((cache.get(&1), cache.loads_in_flight()), (Some(2), 0));
}

#[test]
fn a_companion_s_operations_borrow_like_the_function() {
    let cache: Cache<String, u64> = Cache::builder().build();
    let key = "k";
    let parts = part::<&str, form::Ref, true>(&key);
    assert_eq!(private::get(&cache, &parts), None);
    private::insert(&cache, &parts, 1, []);
    assert_eq!(private::get(&cache, &parts), Some(1));
    assert!(private::explain(&cache, &parts).to_string().contains("fresh"));
    private::invalidation(&cache, &parts).wait();
    assert_eq!(cache.get("k"), None);
    private::insert(&cache, &parts, 2, ["companion".to_owned()]);
    private::tag_invalidation("companion".to_owned()).wait();
    assert_eq!(private::get(&cache, &parts), None);
}

#[test]
fn what_compute_sets_beside_an_async_load_is_not_replaced_by_it() {
    let tokio = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    tokio.block_on(async {
        let cache: Cache<u64, u64> = Cache::builder().build();
        let (go, wait) = oneshot::channel();
        let load = Hand::pending(cache.get_or_compute_async(&1, async || wait.await.unwrap_or(0)));
        // On a thread of a runtime it cannot wait for the load, which is older.
        assert_eq!(cache.compute(1, |_| Compute::Set(2)), Some(2));
        go.send(1).expect("it is waited for");
        assert_eq!(load.finish(), 1);
        assert_eq!(cache.get(&1), Some(2));
        assert_eq!(cache.loads_in_flight(), 0);

        let (go, wait) = oneshot::channel();
        cache.clear();
        let load = Hand::pending(cache.get_or_compute_async(&1, async || wait.await.unwrap_or(0)));
        assert_eq!(cache.compute(1, |_| Compute::Remove), None);
        go.send(1).expect("it is waited for");
        assert_eq!(load.finish(), 1);
        assert_eq!(cache.get(&1), None);
    });
}

#[test]
fn what_compute_makes_of_a_tagged_value_keeps_its_tags() {
    let cache: Cache<u64, u64> = Cache::builder().build();
    cache.insert_tagged(1, 1, ["computed"]);
    assert_eq!(cache.compute(1, |old| Compute::Set(old.unwrap_or(0) + 1)), Some(2));
    cachekit_runtime::invalidate_tag("computed");
    assert_eq!(cache.get(&1), None);
    assert_eq!(cache.compute(1, |old| Compute::Set(old.unwrap_or(5))), Some(5), "made from nothing, without tags");
    assert_eq!(cache.get(&1), Some(5));
}
