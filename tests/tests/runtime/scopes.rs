//! Scopes: a test's own view of all caches.

use cachekit_runtime::{
    Cache, flush,
    private::{Look, Output, Plain, form, look, part},
    testing,
};
use cachekit_tests::never_hangs;
use std::{
    sync::{Barrier, LazyLock},
    thread,
    time::Duration,
};

const SECOND: Duration = Duration::from_secs(1);

static SHARED: LazyLock<Cache<u64, u64>> =
    LazyLock::new(|| Cache::builder().ttl(SECOND).stale_while_revalidate(SECOND).build());

#[test]
fn parallel_tests_over_one_static_cache_do_not_see_each_other() {
    never_hangs(|| {
        let together = Barrier::new(8);
        thread::scope(|threads| {
            for number in 0..8 {
                let together = &together;
                threads.spawn(move || {
                    let scope = testing::scope();
                    together.wait();
                    assert_eq!(SHARED.get_or_compute(&1, || number), number);
                    together.wait();
                    assert_eq!(SHARED.get(&1), Some(number));
                    cachekit_runtime::invalidate_tag("x");
                    scope.advance(SECOND * number as u32);
                    together.wait();
                    let left = if number < 2 { Some(number) } else { None };
                    assert_eq!(SHARED.get(&1), left, "each has its own time");
                    assert_eq!(SHARED.stats().calls(), 3);
                    SHARED.clear();
                });
            }
        });
    });
}

#[test]
fn scopes_nest_and_the_innermost_counts() {
    let outer = testing::scope();
    SHARED.insert(2, 1);
    {
        let _inner = testing::scope();
        assert_eq!(SHARED.get(&2), None);
        SHARED.insert(2, 2);
        assert_eq!(SHARED.get(&2), Some(2));
    }
    assert_eq!(SHARED.get(&2), Some(1));
    let second = testing::scope();
    drop(outer);
    assert_eq!(SHARED.get(&2), None, "guards may be dropped in any order");
    drop(second);
}

#[test]
fn a_handle_brings_the_scope_to_other_threads() {
    never_hangs(|| {
        let scope = testing::scope();
        SHARED.insert(3, 33);
        let handle = scope.handle();
        let seen = thread::spawn(move || (handle.enter(|| SHARED.get(&3)), SHARED.get(&3))).join();
        assert_eq!(seen.ok(), Some((Some(33), None)));
    });
}

#[test]
fn a_future_runs_in_its_scope_wherever_it_is_polled() {
    never_hangs(|| {
        let tokio = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().expect("a runtime");
        let scope = testing::scope();
        SHARED.insert(4, 44);
        let inside = scope.run(async {
            let before = SHARED.get(&4);
            tokio::task::yield_now().await;
            (before, SHARED.get_or_compute_async(&5, async || 55).await)
        });
        let (inside, outside) =
            tokio.block_on(async { (tokio::spawn(inside).await, tokio::spawn(async { SHARED.get(&4) }).await) });
        assert_eq!((inside.ok(), outside.ok()), (Some((Some(44), 55)), Some(None)));
        assert_eq!(SHARED.get(&5), Some(55));
    });
}

#[test]
fn a_refresh_stays_in_the_scope_that_started_it() {
    never_hangs(|| {
        let scope = testing::scope();
        SHARED.insert(6, 1);
        scope.advance(SECOND);
        let Look::Stale(stale) = look(&SHARED, &part::<u64, form::Val, true>(&6)) else { panic!("stale") };
        let (_, refresh) = stale.claim();
        // What the refresh calls is of the scope as well.
        refresh.expect("nobody refreshes").spawn(Output::<u64, Plain>::NEW, || SHARED.get_or_compute(&7, || 7) + 1);
        flush().wait();
        assert_eq!((SHARED.get(&6), SHARED.get(&7)), (Some(8), Some(7)));
        drop(scope);
        assert_eq!((SHARED.get(&6), SHARED.get(&7)), (None, None));
    });
}

#[test]
fn in_a_disabled_scope_every_call_computes() {
    let cache: Cache<u64, u64> = Cache::builder().build();
    cache.insert(1, 1);
    let disabled = testing::disable();
    assert_eq!((cache.get_or_compute(&1, || 2), cache.get_or_compute(&1, || 3)), (2, 3));
    assert_eq!(cache.get(&1), None);
    cache.insert(1, 9);
    assert!(!cache.contains(&1), "a look would not hit");
    assert_eq!(cache.stats().bypasses.disabled, 2);
    drop(disabled);
    assert_eq!(cache.get_or_compute(&1, || 2), 1);
}

#[test]
fn a_dry_run_computes_and_compares() {
    let cache: Cache<u64, u64> = Cache::builder().name("dry").build();
    let dry_run = testing::dry_run();
    let share = {
        use cachekit_runtime::private::{ShareProbe, ViaAll};
        (&&&ShareProbe::<u64>::NEW).share()
    };
    let call = |value| match look(&cache, &part::<u64, form::Val, true>(&1)) {
        Look::Miss(miss) => miss.run(Output::<u64, Plain>::NEW, share, &mut cachekit_runtime::Outcome::new(), || value),
        Look::Hit(_) | Look::Stale(_) => panic!("every call computes"),
    };
    assert_eq!((call(1), call(1), call(2)), (1, 1, 2));
    let report = dry_run.report();
    assert_eq!((report.agreed, report.diverged.len(), report.not_comparable), (1, 1, 0));
    assert_eq!(report.diverged[0].cache, "dry");
    assert_eq!(cachekit_runtime::private::get(&cache, &part::<u64, form::Val, true>(&1)), cache.get(&1));
}

#[test]
fn a_dry_run_computes_also_where_a_value_is_due_for_a_refresh() {
    let cache: Cache<u64, u64> =
        Cache::builder().ttl(SECOND).refresh_ahead(50.0).stale_while_revalidate(SECOND).build();
    let dry_run = testing::dry_run();
    assert_eq!(cache.get_or_refresh(&1, || 1), 1);
    dry_run.advance(SECOND * 3 / 4);
    assert_eq!(cache.get_or_refresh(&1, || 2), 2, "past its refresh point");
    dry_run.advance(SECOND / 2);
    assert_eq!(cache.get_or_refresh(&1, || 3), 3, "stale");
    assert_eq!(dry_run.report().not_comparable, 2);
}
