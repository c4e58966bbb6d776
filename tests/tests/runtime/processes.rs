//! What concerns a whole process runs in a child: this test binary again, with one test and a variable.

use cachekit_runtime::{
    Cache, flush, is_shut_down,
    private::{Look, Output, Plain, form, look, part},
    shutdown, testing,
};
use std::{process::Command, time::Duration};

const CHILD: &str = "CACHEKIT_TESTS_CHILD";

fn is_child() -> bool {
    std::env::var_os(CHILD).is_some()
}

/// Runs the test of that name in a child.
fn in_a_child(test: &str, variables: &[(&str, &str)]) {
    let binary = std::env::current_exe().expect("the test binary");
    let output = Command::new(binary)
        .args(["--exact", &format!("processes::{test}"), "--nocapture"])
        .env(CHILD, "1")
        .envs(variables.iter().copied())
        .output()
        .expect("the child starts");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}{}", String::from_utf8_lossy(&output.stderr));
}

fn computes_twice() -> bool {
    let cache: Cache<u64, u64> = Cache::builder().build();
    cache.insert(1, 0);
    (cache.get_or_compute(&1, || 1), cache.get_or_compute(&1, || 2)) == (1, 2) && cache.get(&1).is_none()
}

#[test]
fn the_environment_disables_all_caches() {
    if !is_child() {
        return in_a_child("the_environment_disables_all_caches", &[("CACHEKIT_DISABLED", "1")]);
    }
    assert!(computes_twice());
    let scope = testing::scope();
    assert!(computes_twice(), "in scopes too");
    drop(scope);
    assert!(computes_twice());
}

#[test]
fn an_environment_of_zero_or_nothing_disables_nothing() {
    if !is_child() {
        for value in ["0", ""] {
            in_a_child("an_environment_of_zero_or_nothing_disables_nothing", &[("CACHEKIT_DISABLED", value)]);
        }
        return;
    }
    assert!(!computes_twice());
}

#[test]
fn after_a_shutdown_caches_work_and_nothing_is_refreshed() {
    if !is_child() {
        return in_a_child("after_a_shutdown_caches_work_and_nothing_is_refreshed", &[]);
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
    if !is_child() {
        return in_a_child("a_flush_waits_for_what_has_begun", &[]);
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
