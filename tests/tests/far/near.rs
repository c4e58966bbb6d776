//! The memory in front of backends: how long it keeps what, and that it keeps nothing that another process has invalidated.

use cachekit_runtime::{Builder, Cache, Compute, Place, time::Clock};
use cachekit_tests::own_backend::OwnBackend;
use std::time::Duration;

/// Of one process each.
fn pair(set: impl Fn(Builder<u64, String>) -> Builder<u64, String>) -> [Cache<u64, String>; 2] {
    let backend = OwnBackend::new(Clock::system());
    [(); 2].map(|()| {
        let builder = Cache::builder().name("far::near").ttl(Duration::from_secs(60));
        set(builder.backends([Place::memory(), Place::own(backend.clone())])).build()
    })
}

#[test]
fn whatever_it_gets_it_keeps_for_the_near_ttl_alone() {
    let [cache, _] = pair(|builder| builder.near_ttl(Duration::ZERO));
    cache.insert(1, "inserted".to_owned());
    cache.compute(2, |_| Compute::Set("computed".to_owned()));
    cache.get_or_compute(&3, || "loaded".to_owned());
    cachekit_runtime::flush().wait();
    let before = cache.stats().far.hits;
    let values = [1, 2, 3].map(|key| cache.get(&key));
    assert_eq!(values.map(Option::unwrap_or_default), ["inserted", "computed", "loaded"]);
    assert_eq!(cache.stats().far.hits, before + 3, "the backend has answered each time");
}

#[test]
fn what_another_process_invalidated_during_the_load_is_in_no_tier() {
    let [one, other] = pair(|builder| builder);
    let value = one.get_or_compute(&1, || {
        other.invalidate(&1);
        "old".to_owned()
    });
    assert_eq!(value, "old", "for those who waited");
    cachekit_runtime::flush().wait();
    assert_eq!((one.get(&1), other.get(&1)), (None, None));
    assert_eq!(one.stats().far.outdated, 1);
}
