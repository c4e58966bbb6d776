//! Times: ttl of zero and of centuries, per value, idle, jitter.

use cachekit_runtime::{Cache, testing};
use proptest::prelude::*;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
const TICK: Duration = Duration::from_nanos(1);

#[test]
fn a_ttl_of_zero_stores_nothing() {
    let _scope = testing::scope();
    let cache: Cache<u64, u64> = Cache::builder().ttl(Duration::ZERO).build();
    assert_eq!((cache.get_or_compute(&1, || 1), cache.get_or_compute(&1, || 2)), (1, 2));
    assert_eq!((cache.len(), cache.stats().refusals.not_cacheable), (0, 2));
}

#[test]
fn a_value_is_fresh_until_exactly_its_ttl() {
    let scope = testing::scope();
    for ttl in [TICK, Duration::from_millis(3), SECOND, SECOND * 86_400 * 365 * 3] {
        let cache: Cache<u64, u64> = Cache::builder().ttl(ttl).build();
        cache.insert(1, 1);
        scope.advance(ttl - TICK);
        assert_eq!(cache.get(&1), Some(1), "{ttl:?}");
        scope.advance(TICK);
        assert_eq!(cache.get(&1), None, "{ttl:?}");
        assert_eq!(cache.len(), 0, "met and freed");
    }
}

#[test]
fn a_ttl_of_centuries_and_more_never_ends() {
    for ttl in [SECOND * 86_400 * 365 * 500, Duration::MAX] {
        let scope = testing::scope();
        let cache: Cache<u64, u64> = Cache::builder()
            .ttl(ttl)
            .jitter_percent(0.0)
            .refresh_ahead(99.0)
            .stale_while_revalidate(Duration::MAX)
            .build();
        cache.insert(1, 1);
        scope.advance(SECOND * 86_400 * 365 * 490);
        assert_eq!((cache.get(&1), cache.stats().hits), (Some(1), 1));
    }
}

#[test]
fn each_value_may_have_its_own_ttl() {
    let scope = testing::scope();
    let cache: Cache<u64, u64> = Cache::builder().ttl_with(|seconds| SECOND * *seconds as u32).build();
    (0..4).for_each(|key| assert_eq!(cache.get_or_compute(&key, || key), key));
    assert_eq!(cache.len(), 3, "zero is not stored");
    scope.advance(SECOND);
    assert_eq!([1, 2, 3].map(|key| cache.contains(&key)), [false, true, true]);
    scope.advance(SECOND);
    assert_eq!([1, 2, 3].map(|key| cache.contains(&key)), [false, false, true]);
}

#[test]
fn an_inserted_ttl_stands_for_itself() {
    let scope = testing::scope();
    let cache: Cache<u64, u64> = Cache::builder().ttl(SECOND).jitter_percent(100.0).build();
    cache.insert_with_ttl(1, 1, SECOND * 10);
    scope.advance(SECOND * 10 - TICK);
    assert_eq!(cache.get(&1), Some(1));
    scope.advance(TICK);
    assert_eq!(cache.get(&1), None);
}

#[test]
fn an_entry_that_is_not_used_goes() {
    let scope = testing::scope();
    let cache: Cache<u64, u64> = Cache::builder().idle(SECOND).build();
    cache.insert(1, 1);
    for _ in 0..5 {
        scope.advance(SECOND - TICK);
        assert_eq!(cache.get(&1), Some(1), "each use counts anew");
    }
    scope.advance(SECOND - TICK);
    assert!(cache.contains(&1), "which is no use");
    scope.advance(TICK);
    assert_eq!(cache.get(&1), None);
    assert_eq!(cache.stats().removals.expired, 1);
}

#[test]
fn idle_does_not_prolong_a_ttl() {
    let scope = testing::scope();
    let cache: Cache<u64, u64> = Cache::builder().idle(SECOND).ttl(SECOND * 2).build();
    cache.insert(1, 1);
    for _ in 0..2 {
        scope.advance(SECOND - TICK);
        assert_eq!(cache.get(&1), Some(1));
    }
    scope.advance(TICK * 2);
    assert_eq!(cache.get(&1), None);
}

#[test]
fn jitter_spreads() {
    let scope = testing::scope();
    let cache: Cache<u64, u64> = Cache::builder().ttl(SECOND * 100).jitter_percent(50.0).build();
    (0..1_000).for_each(|key| _ = cache.insert(key, key));
    let mut alive = 1_000;
    for step in 1..=10 {
        scope.advance(SECOND * if step == 1 { 55 } else { 5 });
        let now = (0..1_000).filter(|key| cache.contains(key)).count();
        // A tenth ends in each step; the chance of 40 or fewer is below 10^-12.
        assert!(alive - now > 40, "{} of {alive} ended in step {step}", alive - now);
        alive = now;
    }
    assert_eq!(alive, 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Jitter takes at most so much off, adds nothing, and leaves at least a nanosecond.
    #[test]
    fn jitter_is_bounded(ttl in 1_u64..1 << 62, percent in 0.0_f64..=100.0, time in any::<Option<u64>>()) {
        let scope = testing::scope();
        let builder = Cache::<u64, u64>::builder().ttl(Duration::from_nanos(ttl));
        let (cache, most) = match time {
            Some(time) => (builder.jitter(Duration::from_nanos(time)).build(), time),
            None => (builder.jitter_percent(percent).build(), (ttl as f64 * percent / 100.0).ceil() as u64),
        };
        (0..20).for_each(|key| _ = cache.insert(key, key));
        let least = ttl.saturating_sub(most).max(1);
        scope.advance(Duration::from_nanos(least - 1));
        prop_assert!((0..20).all(|key| cache.contains(&key)), "none goes before {least} of {ttl}");
        scope.advance(Duration::from_nanos(ttl - least + 1));
        prop_assert!((0..20).all(|key| !cache.contains(&key)), "all are gone at the ttl");
    }
}
