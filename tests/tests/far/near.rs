//! The memory in front of backends: how long it keeps what, and that it keeps nothing that another process has invalidated.

use cachekit_runtime::{Builder, Cache, Compute, Place, time::Clock};
use cachekit_tests::own_backend::OwnBackend;
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

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
fn the_near_ttl_of_a_value_that_was_found_is_asked_for_once() {
    let asked = Arc::new(AtomicUsize::new(0));
    let [one, other] = pair(|builder| {
        let asked = asked.clone();
        builder.near_ttl_with(move |_| {
            asked.fetch_add(1, Ordering::SeqCst);
            Duration::from_secs(1)
        })
    });
    let asked = || asked.swap(0, Ordering::SeqCst);
    one.get_or_compute(&1, || "loaded".to_owned());
    cachekit_runtime::flush().wait();
    assert_eq!(asked(), 2, "for the memory, and for what goes to the backends");
    other.get_or_compute(&1, || panic!("it is in the backend"));
    assert_eq!(asked(), 1);
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
