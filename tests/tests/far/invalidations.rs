//! What was invalidated stays away, whatever happens meanwhile.

use crate::gated::{Gated, Op, begin};
use cachekit_runtime::{Cache, Delivery, Place};
use cachekit_tests::child::fails_without;
use std::time::{Duration, Instant};

const LONG: Duration = Duration::from_secs(60);

fn cache(near: bool, tiers: &[&Gated]) -> Cache<u64, String> {
    let near = near.then(Place::memory);
    let tiers = tiers.iter().map(|tier| Place::own((*tier).clone()));
    Cache::builder().name("far::invalidations").ttl(LONG).timeout(LONG).backends(near.into_iter().chain(tiers)).build()
}

/// Until the cache has nothing of the key.
async fn gone(cache: &Cache<u64, String>) {
    let start = Instant::now();
    while let Some(value) = cache.get_async(&1).await {
        assert!(start.elapsed() < Duration::from_secs(10), "{value} is still there");
        tokio::time::sleep(Duration::from_millis(5)).await; // sleeps: the delivery has its own time
    }
}

#[tokio::test]
async fn one_that_is_dropped_reaches_all_tiers() {
    for (near, all) in [(false, false), (true, false), (false, true), (true, true)] {
        let (front, back) = (Gated::new(), Gated::new());
        let (one, other) = (cache(near, &[&front, &back]), cache(false, &[&back]));
        one.insert_async(1, "old".to_owned()).await;
        front.close(Op::Remove);
        back.close(Op::Remove);
        if all {
            let mut clearing = Box::pin(one.clear_async());
            begin(&mut clearing);
            assert_ne!(one.get_or_compute_async(&1, || async { "new".to_owned() }).await, "old");
        } else {
            let mut invalidation = Box::pin(one.invalidate_async(&1));
            begin(&mut invalidation);
            assert_ne!(one.get_or_compute_async(&1, || async { "new".to_owned() }).await, "old");
        }
        assert_ne!(one.get_async(&1).await.as_deref(), Some("old"), "near {near}, all {all}");
        front.open(Op::Remove);
        back.open(Op::Remove);
        gone(&other).await;
    }
}

#[tokio::test]
async fn a_nearer_tier_gets_nothing_back_from_a_further_one() {
    for all in [false, true] {
        let (front, back) = (Gated::new(), Gated::new());
        let one = cache(false, &[&front, &back]);
        cache(false, &[&back]).insert_async(1, "old".to_owned()).await;
        back.close(Op::Remove);
        let (clearing, invalidated) = (one.clone(), one.clone());
        let invalidation = tokio::spawn(async move {
            if all { clearing.clear_async().await } else { invalidated.invalidate_async(&1).await }
        });
        back.arrival(Op::Remove).await;
        let reader = one.clone();
        let read = tokio::spawn(async move { reader.get_or_compute_async(&1, || async { "new".to_owned() }).await });
        // It has seen then what there is: nothing that it asks waits.
        for _ in 0..16 {
            tokio::task::yield_now().await;
        }
        back.open(Op::Remove);
        invalidation.await.expect("no panic");
        read.await.expect("no panic");
        cachekit_runtime::flush().await;
        assert_ne!(one.get_async(&1).await.as_deref(), Some("old"), "all {all}");
    }
}

#[tokio::test]
async fn a_delivery_comes_after_the_store_that_is_under_way() {
    let back = Gated::new();
    let (one, other) = (cache(false, &[&back]), cache(false, &[&back]));
    back.close(Op::Set);
    let load = one.clone();
    let load = tokio::spawn(async move { load.get_or_compute_async(&1, || async { "old".to_owned() }).await });
    back.arrival(Op::Set).await;
    let mut invalidation = Box::pin(one.invalidate_async(&1));
    begin(&mut invalidation);
    drop(invalidation);
    // Until a delivery has come that does not wait for its turn, or would have come.
    let start = Instant::now();
    while back.arrived(Op::Remove) == 0 && start.elapsed() < Duration::from_millis(500) {
        tokio::time::sleep(Duration::from_millis(5)).await; // sleeps: the delivery has its own time
    }
    back.open(Op::Set);
    load.await.expect("no panic");
    gone(&other).await;
}

#[tokio::test]
async fn an_insertion_is_newer_than_what_was_loaded_before_it_was_stored() {
    let back = Gated::new();
    let tiers = [Place::own(back.clone())];
    let one = Cache::<u64, String>::builder().name("far::inserted").ttl(LONG).timeout(LONG).single_flight(false);
    let one = one.backends(tiers).build();
    back.close(Op::Set);
    let mut first = Box::pin(one.get_or_compute_async(&1, || async { "first".to_owned() }));
    begin(&mut first);
    let mut insertion = Box::pin(one.insert_async(1, "inserted".to_owned()));
    begin(&mut insertion);
    let mut second = Box::pin(one.get_or_compute_async(&1, || async { "second".to_owned() }));
    begin(&mut second);
    back.open(Op::Set);
    tokio::join!(first, insertion, second);
    assert_eq!(one.get_async(&1).await.as_deref(), Some("inserted"));
}

#[tokio::test]
async fn what_memory_alone_has_is_gone_at_once() {
    let one = cache(true, &[]);
    for round in 0..3 {
        assert_eq!(one.get_or_compute_async(&1, || async { format!("{round}") }).await, format!("{round}"));
        assert_eq!(one.invalidate_async(&1).await, Delivery::Local);
    }
}

/// Those of one process, which no other changes.
#[test]
fn without_the_mechanism_the_test_fails() {
    for (off, test, says) in [
        ("own", "what_memory_alone_has_is_gone_at_once", "right: \"1\""),
        ("order", "an_insertion_is_newer_than_what_was_loaded_before_it_was_stored", "left: Some(\"second\")"),
    ] {
        fails_without(off, &format!("invalidations::{test}"), says);
    }
}
