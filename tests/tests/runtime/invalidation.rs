//! An invalidation that finishes during a load: the result goes to those already waiting and into no tier; later callers start anew.

use cachekit_runtime::{
    Cache, Outcome, invalidate_tag, invalidate_tag_soft,
    private::{Look, Output, Plain, Share, ShareProbe, ViaAll, form, look, part},
    testing,
};
use cachekit_tests::Hand;
use std::{sync::Arc, time::Duration};
use tokio::sync::oneshot;

fn share() -> Share<u64> {
    (&&&ShareProbe::<u64>::NEW).share()
}

type Cut = fn(&Cache<u64, u64>);

/// All ways to invalidate key 1, and whether something is there afterwards.
const CUTS: [(&str, Cut, Option<u64>); 6] = [
    ("invalidate", |cache| _ = cache.invalidate(&1), None),
    ("remove", |cache| assert_eq!(cache.remove(&1), None), None),
    ("clear", |cache| _ = cache.clear(), None),
    ("retain", |cache| assert_eq!(cache.retain(|_, _| true), 0), None),
    ("insert", |cache| _ = cache.insert(1, 99), Some(99)),
    ("insert with a ttl of zero", |cache| _ = cache.insert_with_ttl(1, 99, Duration::ZERO), None),
];

#[test]
fn what_was_being_loaded_is_not_stored_but_given_to_those_who_wait() {
    for single_flight in [true, false] {
        for (name, cut, left) in CUTS {
            let cache: Cache<u64, u64> = Cache::builder().single_flight(single_flight).build();
            let (go, wait) = oneshot::channel();
            let leader = Hand::pending(cache.get_or_compute_async(&1, async || wait.await.unwrap_or(0)));
            let follower = single_flight.then(|| Hand::pending(cache.get_or_compute_async(&1, async || 0)));
            cut(&cache);
            go.send(1).expect("it is waited for");
            assert_eq!(leader.finish(), 1, "{name}");
            assert!(follower.is_none_or(|follower| follower.finish() == 1), "{name}");
            assert_eq!(cache.get(&1), left, "{name}");
            assert_eq!(cache.stats().refusals.invalidated, 1, "{name}");
            assert_eq!(cache.loads_in_flight(), 0, "{name}");
        }
    }
}

#[test]
fn callers_after_an_invalidation_start_a_new_flight() {
    for (name, cut, left) in CUTS {
        let cache: Cache<u64, u64> = Cache::builder().build();
        let (go, wait) = oneshot::channel();
        let old = Hand::pending(cache.get_or_compute_async(&1, async || wait.await.unwrap_or(0)));
        cut(&cache);
        let (go_new, wait_new) = oneshot::channel();
        let mut new = Hand::new(cache.get_or_compute_async(&1, async || wait_new.await.unwrap_or(0)));
        assert_eq!(new.poll().is_ready(), left.is_some(), "{name}");
        go.send(1).expect("it is waited for");
        assert_eq!(old.finish(), 1, "{name}");
        if left.is_none() {
            go_new.send(2).expect("it is waited for");
            assert_eq!(new.finish(), 2, "{name}: not the old flight's");
            assert_eq!(cache.get(&1), Some(2), "{name}");
        }
        assert_eq!(cache.loads_in_flight(), 0, "{name}");
    }
}

#[test]
fn an_invalidation_hands_a_cut_off_flight_over_without_its_result_being_stored() {
    let cache: Cache<u64, u64> = Cache::builder().build();
    let leader = Hand::pending(cache.get_or_compute_async(&1, std::future::pending::<u64>));
    let follower = Hand::pending(cache.get_or_compute_async(&1, async || 2));
    cache.invalidate(&1);
    drop(leader);
    assert_eq!(follower.finish(), 2);
    assert_eq!((cache.get(&1), cache.loads_in_flight()), (None, 0));
}

/// A call with tags, as generated code makes it.
async fn tagged(cache: Cache<u64, u64>, tag: &'static str, load: impl AsyncFnOnce() -> u64) -> u64 {
    match look(&cache, &part::<u64, form::Val, true>(&1)) {
        Look::Hit(value) => value,
        Look::Stale(stale) => stale.into_value(),
        Look::Miss(miss) => {
            let miss = miss.tags([tag.to_owned()]);
            miss.run_async(Output::<u64, Plain>::NEW, share(), &mut Outcome::new(), || load()).await
        }
    }
}

#[test]
fn a_tag_that_is_invalidated_during_a_load_keeps_its_result_out() {
    let _scope = testing::scope();
    let cache: Cache<u64, u64> = Cache::builder().build();
    let (go, wait) = oneshot::channel();
    let leader = Hand::pending(tagged(cache.clone(), "t", async || wait.await.unwrap_or(0)));
    let follower = Hand::pending(tagged(cache.clone(), "t", async || 9));
    invalidate_tag("t");
    let (go_new, wait_new) = oneshot::channel();
    let new = Hand::pending(tagged(cache.clone(), "t", async || wait_new.await.unwrap_or(0)));
    go.send(1).expect("it is waited for");
    assert_eq!(leader.finish(), 1);
    assert_eq!(follower.finish(), 1);
    assert_eq!((cache.get(&1), cache.len()), (None, 0), "it is in no tier");
    assert_eq!(cache.stats().refusals.invalidated, 1);
    go_new.send(2).expect("it is waited for");
    assert_eq!(new.finish(), 2, "a caller from after the invalidation has not joined");
    assert_eq!(cache.get(&1), Some(2));
    invalidate_tag("other");
    assert_eq!(cache.get(&1), Some(2));
    invalidate_tag("t");
    assert_eq!(cache.get(&1), None);
    assert_eq!(cache.loads_in_flight(), 0);
}

#[test]
fn callers_after_a_tag_s_invalidation_do_not_join_a_refresh_from_before() {
    let scope = testing::scope();
    let second = Duration::from_secs(1);
    let cache: Cache<u64, u64> = Cache::builder().ttl(second).stale_while_revalidate(second).build();
    cache.insert_tagged(1, 5, ["t"]);
    scope.advance(second);
    let Look::Stale(stale) = look(&cache, &part::<u64, form::Val, true>(&1)) else { panic!("stale") };
    let (value, refresh) = stale.claim();
    assert_eq!(value, 5);
    let refresh = refresh.expect("nobody refreshes yet").tags(["t".to_owned()]);
    invalidate_tag("t");
    let new = Hand::new(tagged(cache.clone(), "t", async || 7)).finish();
    assert_eq!(new, 7, "it loads");
    drop(refresh);
    assert_eq!((cache.get(&1), cache.loads_in_flight()), (Some(7), 0));
}

#[test]
fn more_than_sixteen_tags_are_not_cached() {
    let cache: Cache<u64, u64> = Cache::builder().build();
    cache.insert_tagged(1, 1, (0..16).map(|i| format!("many:{i}")));
    assert_eq!(cache.get(&1), Some(1));
    cache.insert_tagged(1, 2, (0..17).map(|i| format!("many:{i}")));
    assert_eq!(cache.get(&1), None);
}

#[test]
fn no_call_after_an_invalidation_gets_a_value_from_before_it() {
    cachekit_tests::never_hangs(|| {
        use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
        // A writer raises the source and invalidates; whoever calls afterwards must see at least that.
        let (cache, source, stop) =
            (Cache::<u64, u64>::builder().build(), Arc::new(AtomicU64::new(0)), AtomicBool::new(false));
        let floor = AtomicU64::new(0);
        std::thread::scope(|threads| {
            for _ in 0..3 {
                threads.spawn(|| {
                    while !stop.load(SeqCst) {
                        let least = floor.load(SeqCst);
                        let seen = cache.get_or_compute(&1, || source.load(SeqCst));
                        assert!(seen >= least, "{seen} is from before the invalidation at {least}");
                    }
                });
            }
            for value in 1..20_000 {
                source.store(value, SeqCst);
                match value % 3 {
                    0 => _ = cache.invalidate(&1),
                    1 => _ = cache.clear(),
                    _ => _ = cache.insert(1, value),
                }
                floor.store(value, SeqCst);
            }
            stop.store(true, SeqCst);
        });
        assert_eq!(cache.loads_in_flight(), 0);
    });
}

#[test]
fn what_is_made_stale_without_an_allowance_is_gone() {
    let scope = testing::scope();
    for (name, builder) in [
        ("no times", Cache::builder()),
        ("ttl", Cache::builder().ttl(Duration::from_secs(60))),
        ("for errors only", Cache::builder().stale_if_error(Duration::from_secs(5))),
    ] {
        let cache: Cache<u64, u64> = builder.build();
        cache.call(&1).tags(["soft"]).get_or_compute(|| 1);
        scope.advance(Duration::from_secs(1));
        invalidate_tag_soft("soft");
        assert_eq!(cache.get(&1), None, "{name}");
        let instead = (name == "for errors only").then_some(1).ok_or("down");
        assert_eq!(cache.try_get_or_compute(&1, || Err("down")), instead, "{name}");
        scope.advance(Duration::from_secs(5));
        assert_eq!(cache.try_get_or_compute(&1, || Err::<u64, _>("down")), Err("down"), "{name}");
    }
}
