//! Scopes of tests and caches with backends.

use cachekit_runtime::{Cache, Place, backend::MemoryBytes, testing};
use std::{sync::Arc, time::Duration};

fn cache() -> Cache<u64, String> {
    let places = [Place::own(Arc::new(MemoryBytes::new()))];
    Cache::builder().name("far::scopes").ttl(Duration::from_secs(60)).backends(places).build()
}

#[tokio::test]
async fn a_disabled_cache_gives_nothing() {
    let cache = cache();
    let _scope = testing::disable();
    cache.insert(1, "inserted".to_owned());
    assert_eq!((cache.get(&1), cache.get_async(&1).await, cache.remove(&1)), (None, None, None));
}

#[tokio::test]
async fn a_dry_run_computes_and_compares() {
    let cache = cache();
    let run = testing::dry_run();
    cache.insert(1, "inserted".to_owned());
    assert_eq!(cache.get_or_compute(&1, || "computed".to_owned()), "computed");
    assert_eq!(cache.get_or_compute_async(&1, || async { "inserted".to_owned() }).await, "inserted");
    let report = run.report();
    assert_eq!(report.not_comparable, 2, "which is what it says of values that it knows nothing of");
}

#[test]
fn a_scope_in_real_time_has_places_of_its_own() {
    let cache = cache();
    cache.insert(1, "everybody's".to_owned());
    {
        let _scope = testing::scope_in_real_time();
        assert_eq!(cache.get(&1), None);
        cache.insert(1, "the test's".to_owned());
        cache.clear();
    }
    assert_eq!(cache.get(&1).as_deref(), Some("everybody's"));
}
