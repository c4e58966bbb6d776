//! What one call by hand says beside its key: `Cache::call`.

use cachekit::{Cache, Outcome, OutcomeKind, State, invalidate_tag, testing};
use cachekit_tests::Hand;
use std::{cell::Cell, time::Duration};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_call_may_go_past_the_cache() {
    let _scope = testing::scope();
    let cache: Cache<u64, u64> = Cache::builder().build();
    let mut outcome = Outcome::new();
    assert_eq!(cache.call(&1).bypass_if(true).traced(&mut outcome).get_or_compute(|| 1), 1);
    assert_eq!((outcome.kind, cache.stats().bypasses.asked, cache.len()), (OutcomeKind::Bypassed, 1, 0));
    assert_eq!(cache.call(&1).bypass_if(false).get_or_compute(|| 2), 2);
    assert_eq!(cache.call(&1).bypass_if(true).try_get_or_compute(|| Err::<u64, _>("past it")), Err("past it"));
    assert_eq!((cache.get(&1), cache.stats().bypasses.asked), (Some(2), 2));
    let past = cache.call(&1).bypass_if(true).get_or_compute_async(async || 3);
    assert_eq!(Hand::new(past).finish(), 3);
    assert_eq!((cache.get(&1), cache.stats().bypasses.asked, cache.stats().calls()), (Some(2), 3, 6));
}

#[test]
fn a_call_says_the_tags_of_what_it_loads() {
    let _scope = testing::scope();
    let cache: Cache<u64, u64> = Cache::builder().tags_with(|key| vec![format!("key:{key}")]).build();
    for tag in ["key:1", "team:7", "all"] {
        cache.call(&1).tags(["team:7", "all"]).get_or_compute(|| 1);
        assert_eq!(cache.explain(&1).tags, 3);
        invalidate_tag(tag);
        assert_eq!((cache.get(&1), cache.explain(&1).state), (None, State::Absent), "{tag}");
        cache.insert_tagged(2, 2, ["team:7", "all"]);
        invalidate_tag(&tag.replace('1', "2"));
        assert_eq!(cache.get(&2), None, "{tag}, inserted");
    }

    let tagged = |value: Result<u64, &'static str>| cache.call(&3).tags(["all"]).try_get_or_compute_shared(|| value);
    assert_eq!((tagged(Err("down")), tagged(Ok(3))), (Err("down"), Ok(3)));
    invalidate_tag("all");
    assert_eq!(cache.get(&3), None);
    let during = cache.call(&4).tags(["all"]).get_or_compute(|| {
        invalidate_tag("all");
        4
    });
    assert_eq!((during, cache.get(&4)), (4, None), "the versions are those of before the load");
}

#[test]
fn a_refreshed_value_has_the_tags_of_the_call_that_refreshed_it() {
    let scope = testing::scope();
    let cache: Cache<u64, u64> = Cache::builder().ttl(SECOND).stale_while_revalidate(SECOND).build();
    cache.call(&1).tags(["old"]).get_or_compute(|| 1);
    scope.advance(SECOND + SECOND / 2);
    assert_eq!(cache.call(&1).tags(["new"]).get_or_compute(|| 2), 2);
    invalidate_tag("old");
    assert_eq!(cache.get(&1), Some(2));
    invalidate_tag("new");
    assert_eq!(cache.get(&1), None);
}

#[test]
fn a_call_says_how_it_was_answered() {
    let scope = testing::scope();
    let cache: Cache<u64, u64> = Cache::builder().ttl(SECOND).stale_if_error(SECOND * 5).build();
    let traced = |load: Result<u64, &'static str>| {
        let mut outcome = Outcome::new();
        let value = cache.call(&1).traced(&mut outcome).try_get_or_compute(|| load);
        (value, outcome.kind)
    };
    assert_eq!(traced(Ok(1)), (Ok(1), OutcomeKind::Miss));
    assert_eq!(traced(Ok(2)), (Ok(1), OutcomeKind::Hit));
    scope.advance(SECOND * 2);
    assert_eq!(traced(Err("down")), (Ok(1), OutcomeKind::StaleHit));

    let mut outcomes = [Outcome::new(), Outcome::new()];
    let [first, second] = &mut outcomes;
    let (go, wait) = tokio::sync::oneshot::channel::<()>();
    let leader = Hand::pending(cache.call(&2).traced(first).get_or_compute_async(async || {
        wait.await.expect("sent");
        5
    }));
    let follower = Hand::pending(cache.call(&2).traced(second).get_or_compute_async(async || 6));
    go.send(()).expect("it is waited for");
    assert_eq!((leader.finish(), follower.finish()), (5, 5));
    assert_eq!(outcomes.map(|outcome| outcome.kind), [OutcomeKind::Miss, OutcomeKind::Joined]);
}

#[test]
fn the_forms_for_errors_share_them_or_not() {
    let _scope = testing::scope();
    let cache: Cache<u64, u64> = Cache::builder().build();
    let loads = Cell::new(0);
    let (go, wait) = tokio::sync::oneshot::channel::<()>();
    let wait = Cell::new(Some(wait));
    let load = async || {
        loads.set(loads.get() + 1);
        if let Some(wait) = wait.take() {
            wait.await.expect("sent");
        }
        Err::<u64, &str>("down")
    };
    let leader = Hand::pending(cache.call(&1).try_get_or_compute_shared_async(load));
    let follower = Hand::pending(cache.call(&1).try_get_or_compute_shared_async(load));
    go.send(()).expect("it is waited for");
    assert_eq!((leader.finish(), follower.finish(), loads.get()), (Err("down"), Err("down"), 1));
    assert_eq!(Hand::new(cache.call(&1).try_get_or_compute_async(load)).finish(), Err("down"));
    assert_eq!(loads.get(), 2);
}
