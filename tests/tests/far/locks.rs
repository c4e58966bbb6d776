//! The fill lock of a leader that goes away.

use cachekit_runtime::{Cache, Place, time::Clock};
use cachekit_tests::own_backend::OwnBackend;
use std::{
    future::pending,
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

const LEASE: Duration = Duration::from_secs(60);

fn processes() -> [Cache<u64, String>; 2] {
    let shared = OwnBackend::new(Clock::system());
    let cache = || Cache::builder().name("far::locks").ttl(LEASE).lock(LEASE).backends([Place::own(shared.clone())]);
    [cache().build(), cache().build()]
}

async fn is_free(cache: &Cache<u64, String>) {
    let load = cache.get_or_compute_async(&1, || async { "loaded".to_owned() });
    let loaded = tokio::time::timeout(LEASE / 6, load).await;
    assert_eq!(loaded.as_deref(), Ok("loaded"), "long before the lease ends");
}

#[tokio::test]
async fn a_dropped_leader_gives_the_lock_back() {
    let [one, other] = processes();
    let mut load = Box::pin(one.get_or_compute_async(&1, pending::<String>));
    crate::gated::begin(&mut load);
    drop(load);
    is_free(&one).await;
    one.invalidate_async(&1).await;
    is_free(&other).await;
}

#[tokio::test]
async fn a_leader_that_panics_gives_the_lock_back() {
    let [one, other] = processes();
    let panicked = catch_unwind(AssertUnwindSafe(|| one.get_or_compute(&1, || panic!("expected by a test"))));
    assert!(panicked.is_err());
    is_free(&other).await;
}
