use super::*;
use crate::testing;
use std::{
    sync::{
        Barrier,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

#[test]
fn a_value_is_computed_once_and_expires() {
    let scope = testing::scope();
    let cache: Cache<u64, u64> = Cache::builder().ttl(Duration::from_secs(30)).build();
    let loads = AtomicUsize::new(0);
    let call = || {
        cache.get_or_compute(&1, || {
            loads.fetch_add(1, Ordering::Relaxed);
            7
        })
    };
    assert_eq!((call(), call()), (7, 7));
    assert_eq!(loads.load(Ordering::Relaxed), 1);
    scope.advance(Duration::from_secs(30));
    assert_eq!(call(), 7);
    assert_eq!(loads.load(Ordering::Relaxed), 2);
    let stats = cache.stats();
    assert_eq!((stats.hits, stats.misses.absent, stats.misses.expired, stats.loads), (1, 1, 1, 2));
}

#[test]
fn threads_share_one_load() {
    let cache: Cache<u64, u64> = Cache::builder().build();
    let (loads, start) = (AtomicUsize::new(0), Barrier::new(16));
    thread::scope(|threads| {
        for _ in 0..16 {
            threads.spawn(|| {
                start.wait();
                let value = cache.get_or_compute(&1, || {
                    loads.fetch_add(1, Ordering::Relaxed);
                    thread::yield_now();
                    9
                });
                assert_eq!(value, 9);
            });
        }
    });
    assert_eq!(loads.load(Ordering::Relaxed), 1);
    assert_eq!(cache.loads_in_flight(), 0);
}

#[test]
fn recursion_on_one_key_runs_uncached() {
    let cache: Cache<u64, u64> = Cache::builder().build();
    let value = cache.get_or_compute(&1, || cache.get_or_compute(&1, || 3) + 1);
    assert_eq!(value, 4);
    assert_eq!(cache.stats().bypasses.cycle, 1);
}

#[test]
fn an_invalidation_during_a_load_keeps_its_result_out() {
    let cache: Cache<u64, u64> = Cache::builder().build();
    let value = cache.get_or_compute(&1, || {
        cache.invalidate(&1);
        1
    });
    assert_eq!(value, 1);
    assert_eq!(cache.get(&1), None);
    assert_eq!(cache.stats().refusals.invalidated, 1);
}

#[test]
fn a_panicking_loader_leaves_the_cache_usable() {
    let cache: Cache<u64, u64> = Cache::builder().build();
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| cache.get_or_compute(&1, || panic!("no"))));
    assert!(panicked.is_err());
    assert_eq!(cache.get_or_compute(&1, || 2), 2);
    assert_eq!(cache.loads_in_flight(), 0);
}

#[test]
fn an_inline_refresh_that_fails_gives_the_value_that_is_there() {
    let scope = testing::scope();
    let minute = Duration::from_secs(60);
    let cache: Cache<u64, u64> =
        Cache::builder().ttl(minute).refresh_ahead(50.0).stale_while_revalidate(minute).build();
    assert_eq!(cache.try_get_or_compute(&1, || Ok::<_, &str>(1)), Ok(1));
    scope.advance(Duration::from_secs(40));
    assert_eq!(cache.try_get_or_compute(&1, || Err("due, and the loader fails")), Ok(1));
    scope.advance(Duration::from_secs(40));
    assert_eq!(cache.try_get_or_compute(&1, || Err("stale, and the loader fails")), Ok(1));
    assert_eq!(cache.try_get_or_compute(&1, || Ok::<_, &str>(2)), Ok(2));
    assert_eq!(cache.get(&1), Some(2));
    assert_eq!(cache.loads_in_flight(), 0);
}

/// A plain cache, and one of which an insertion has to ask more.
fn plain_and_not() -> [Cache<u64, u64>; 2] {
    let (plain, asks) = (Cache::builder().build(), Cache::builder().cache_if(|_| true).build());
    assert!(plain.core.plain_ttl.is_some() && asks.core.plain_ttl.is_none());
    [plain, asks]
}

#[test]
fn a_load_outside_of_flights_does_not_undo_an_insertion() {
    for cache in plain_and_not() {
        let (core, hash) = (&cache.core, cache.core.hash_one(&1_u64));
        let store = |before| {
            core.store_loaded(hash, 1, &10, store::Terms::new(Some(crate::time::NEVER), None, None), before, None)
        };
        let before = core.before_load(hash);
        let _ = cache.insert(1, 20);
        assert!(!store(before));
        assert_eq!(cache.get(&1), Some(20));
        assert!(store(core.before_load(hash)));
        assert_eq!(cache.get(&1), Some(10));
    }
}

#[test]
fn what_is_not_to_be_stored_takes_away_what_is_there() {
    for cache in plain_and_not() {
        let no_ttl = |is_off: bool| cache.set_ttl(is_off.then_some(Duration::ZERO));
        let no_cache = |is_off: bool| cache.set_enabled(!is_off);
        for switch in [&no_ttl as &dyn Fn(bool), &no_cache] {
            let _ = cache.insert(1, 10);
            assert_eq!(cache.get(&1), Some(10));
            switch(true);
            let _ = cache.insert(1, 20);
            switch(false);
            assert_eq!((cache.get(&1), cache.len()), (None, 0));
        }
        assert_eq!(cache.stats().refusals.not_cacheable, 2);
    }
}

#[test]
fn explaining_says_where_the_policy_has_the_entry() {
    let text = |strategy: &str, capacity: usize| {
        let cache: Cache<u64, u64> = Cache::builder().capacity(capacity).strategy(strategy.parse().unwrap()).build();
        (0..12).for_each(|key| _ = cache.insert(key, key));
        assert!(cache.contains(&11), "{strategy}");
        (0..2).for_each(|_| _ = cache.get(&11));
        let before = cache.stats();
        let explained = cache.explain(&11);
        assert_eq!(cache.stats(), before, "it counts as nothing");
        assert_eq!(cache.explain(&99).policy, None);
        let policy = explained.policy.clone().unwrap_or_else(|| panic!("{strategy}")).to_string();
        assert!(explained.to_string().contains(&policy), "{explained}");
        policy
    };
    for (strategy, expected) in [
        ("lfu", "hits 2"),
        ("sieve", "in the part ahead of the hand; visited 1"),
        ("s3-fifo", "in the small queue; hits 2"),
        // A new key is counted when it comes back.
        ("s3-tinylfu", "in the small queue; hits 2, rounds ahead 0, frequency 0"),
        ("adaptive", "in the small queue; hits 2, rounds ahead 0, frequency 0"),
        ("w-tinylfu", "in the window; hits 2, frequency 1"),
    ] {
        assert_eq!(text(strategy, 10), expected, "{strategy}");
    }
    // Before the first eviction there is no history to say a frequency from.
    assert_eq!(text("s3-tinylfu", 100), "in the main queue; hits 2, rounds ahead 0");
    assert!(text("lirs", 100).starts_with("in the low set; last use "));
    assert!(text("lru", 10).starts_with("last use "));
    let fifo: Cache<u64, u64> = Cache::builder().strategy("fifo".parse().unwrap()).build();
    fifo.insert(1, 1);
    assert_eq!(fifo.explain(&1).policy, None, "there is nothing to say");
    let unbounded: Cache<u64, u64> = Cache::builder().unbounded().build();
    unbounded.insert(1, 1);
    assert_eq!(unbounded.explain(&1).policy, None);
}
