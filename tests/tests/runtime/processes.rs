//! What concerns a whole process runs in a child: this test binary again, with one test and a variable.

use cachekit_runtime::{
    Cache, flush, is_shut_down,
    private::{Look, Output, Plain, form, look, part},
    shutdown, testing,
};
use cachekit_tests::child;
use std::time::Duration;

/// Runs the test of that name in a child; `false` in the child itself.
fn is_parent(test: &str, variables: &[(&str, &str)]) -> bool {
    if child::role().is_some() {
        return false;
    }
    child::run(&format!("processes::{test}"), test, |command| _ = command.envs(variables.iter().copied()));
    true
}

fn computes_twice() -> bool {
    let cache: Cache<u64, u64> = Cache::builder().build();
    cache.insert(1, 0);
    (cache.get_or_compute(&1, || 1), cache.get_or_compute(&1, || 2)) == (1, 2) && cache.get(&1).is_none()
}

#[test]
fn the_environment_disables_all_caches() {
    if is_parent("the_environment_disables_all_caches", &[("CACHEKIT_DISABLED", "1")]) {
        return;
    }
    assert!(computes_twice());
    let scope = testing::scope();
    assert!(computes_twice(), "in scopes too");
    drop(scope);
    assert!(computes_twice());
}

#[test]
fn an_environment_of_zero_or_nothing_disables_nothing() {
    let test = "an_environment_of_zero_or_nothing_disables_nothing";
    if ["0", ""].map(|value| is_parent(test, &[("CACHEKIT_DISABLED", value)])) == [true, true] {
        return;
    }
    assert!(!computes_twice());
}

#[test]
fn after_a_shutdown_caches_work_and_nothing_is_refreshed() {
    if is_parent("after_a_shutdown_caches_work_and_nothing_is_refreshed", &[]) {
        return;
    }
    let second = Duration::from_secs(1);
    let scope = testing::scope();
    let cache: Cache<u64, u64> = Cache::builder().ttl(second).stale_while_revalidate(second).build();
    cache.insert(1, 1);
    scope.advance(second);
    let refresh = || match look(&cache, &part::<u64, form::Val, true>(&1)) {
        Look::Stale(stale) => {
            let (value, refresh) = stale.claim();
            if let Some(refresh) = refresh {
                refresh.spawn(Output::<u64, Plain>::NEW, move || value + 1);
            }
            value
        }
        _ => panic!("stale"),
    };
    assert_eq!(refresh(), 1);
    shutdown().wait();
    assert!(is_shut_down());
    assert_eq!(cache.get(&1), Some(2), "what had begun has ended");
    scope.advance(second);
    assert_eq!(refresh(), 2);
    flush().wait();
    assert_eq!((cache.get(&1), cache.loads_in_flight()), (Some(2), 0));
    assert_eq!(cache.get_or_compute(&9, || 9), 9);
}

#[test]
fn a_flush_waits_for_what_has_begun() {
    if is_parent("a_flush_waits_for_what_has_begun", &[]) {
        return;
    }
    let second = Duration::from_secs(1);
    let scope = testing::scope();
    let cache: Cache<u64, u64> = Cache::builder().ttl(second).stale_while_revalidate(second).build();
    cache.insert(1, 1);
    scope.advance(second);
    let Look::Stale(stale) = look(&cache, &part::<u64, form::Val, true>(&1)) else { panic!("stale") };
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let refresh = stale.claim().1.expect("nobody refreshes");
    refresh.spawn(Output::<u64, Plain>::NEW, move || {
        wait.recv().ok();
        2
    });
    let flushing = flush();
    assert!(!flushing.is_done());
    go.send(()).expect("it is waited for");
    flushing.wait();
    assert_eq!(cache.get(&1), Some(2));
}
