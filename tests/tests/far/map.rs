//! The map operations of a cache with backends.

use cachekit_runtime::{Cache, Compute, Delivery, Place, backend::MemoryBytes, invalidate_tag, time::Clock};
use cachekit_tests::own_backend::OwnBackend;
use std::{sync::Arc, time::Duration};

const LONG: Duration = Duration::from_secs(60);

fn pair(near: bool) -> [Cache<u64, String>; 2] {
    let bytes = Arc::new(MemoryBytes::new());
    [(); 2].map(|()| {
        let places = near.then(Place::memory).into_iter().chain([Place::own(Arc::clone(&bytes))]);
        Cache::builder().name("far::map").ttl(LONG).backends(places).build()
    })
}

#[test]
fn compute_reaches_the_backends() {
    for near in [false, true] {
        let [one, other] = pair(near);
        one.insert(1, "a".to_owned());
        let changed = other.compute(1, |old| Compute::Set(format!("{}b", old.unwrap_or_default())));
        assert_eq!(changed.as_deref(), Some("ab"), "near {near}: it sees what the backend has");
        assert_eq!(pair_get(&one, near).as_deref(), Some("ab"), "near {near}");
        assert_eq!(other.compute(1, |_| Compute::Keep).as_deref(), Some("ab"));
        assert_eq!(other.len(), usize::from(near), "values are kept in memory only where it is a tier");
        assert_eq!(other.compute(1, |_| Compute::Remove), None);
        assert_eq!(other.get(&1), None, "near {near}: it does not come back");
        assert_eq!(pair_get(&one, near), None, "near {near}");
    }
}

/// What the backend has: a memory of its own may have an older value until its time is over.
fn pair_get(cache: &Cache<u64, String>, near: bool) -> Option<String> {
    if near {
        // In memory alone, which no other handle sees.
        cache.retain(|_, _| false);
    }
    cache.get(&1)
}

#[test]
fn several_insertions_say_where_they_are() {
    let shared = OwnBackend::new(Clock::system());
    let cache: Cache<u64, String> = Cache::builder().name("far::many").backends([Place::own(shared)]).build();
    assert_eq!(cache.insert(0, "a".to_owned()), Delivery::Shared);
    let entries = [(1, "a".to_owned()), (2, "b".to_owned())];
    assert_eq!(cache.insert_many(entries), Delivery::Shared);
}

#[test]
fn what_is_tagged_goes_with_its_tag() {
    for near in [false, true] {
        let bytes = Arc::new(MemoryBytes::new());
        let places = near.then(Place::memory).into_iter().chain([Place::own(bytes)]);
        let tags = |key: &u64| vec![format!("far::map {key}")];
        let cache = Cache::<u64, String>::builder().name("far::tagged").ttl(LONG).tags_with(tags);
        let cache = cache.backends(places).build();
        cache.insert(1, "old".to_owned());
        cache.get_or_compute(&2, || "old".to_owned());
        cachekit_runtime::flush().wait();
        invalidate_tag("far::map 1");
        invalidate_tag("far::map 2");
        assert_eq!((cache.get(&1), cache.get(&2)), (None, None), "near {near}");
        assert_eq!(cache.get_or_compute(&2, || "new".to_owned()), "new", "near {near}");
    }
}

#[test]
fn what_is_read_back_goes_with_its_tags_too() {
    let bytes = Arc::new(MemoryBytes::new());
    let restarted = || {
        let tags = |key: &u64| vec![format!("far::read {key}")];
        let cache = Cache::<u64, String>::builder().name("far::read_back").ttl(LONG).tags_with(tags);
        cache.backends([Place::memory(), Place::own(bytes.clone())]).build()
    };
    let cache = restarted();
    cache.insert(1, "old".to_owned());
    cache.insert(2, "old".to_owned());
    cache.insert_tagged(3, "old".to_owned(), ["far::read, by the caller"]);
    cachekit_runtime::flush().wait();
    let cache = restarted();
    assert_eq!(cache.get(&1).as_deref(), Some("old"), "and it is in memory now");
    assert_eq!(cache.get_or_compute(&2, || unreachable!("it is there")), "old");
    assert_eq!(cache.get(&3).as_deref(), Some("old"));
    assert_eq!(cache.len(), 3);
    assert_eq!((cache.get(&1), cache.stats().hits), (Some("old".to_owned()), 1), "a copy is as good as before");
    for tag in ["far::read 1", "far::read 2", "far::read, by the caller"] {
        invalidate_tag(tag);
    }
    assert_eq!((cache.get(&1), cache.get(&2), cache.get(&3)), (None, None, None));
}

#[test]
fn a_call_that_says_its_tags_says_them_to_every_tier() {
    for (near, revalidate) in [(false, false), (false, true), (true, false), (true, true)] {
        let places = near.then(Place::memory).into_iter().chain([Place::own(Arc::new(MemoryBytes::new()))]);
        let builder = Cache::<u64, u64>::builder().name("far::call").ttl(LONG).tags_with(|key| vec![format!("k{key}")]);
        let builder = if revalidate { builder.stale_while_revalidate(LONG) } else { builder };
        let cache = builder.backends(places).build();
        for tag in ["call", "k1"] {
            assert_eq!(cache.call(&1).tags(["call"]).get_or_compute(|| 1), 1);
            assert_eq!(cache.get(&1), Some(1));
            invalidate_tag(tag);
            assert_eq!(cache.get(&1), None, "{tag}, near {near}, stale {revalidate}");
        }
        let later = crate::nodes::RUNTIME.block_on(cache.call(&1).tags(["call"]).get_or_compute_async(async || 2));
        assert_eq!((later, cache.get(&1)), (2, Some(2)));
        invalidate_tag("call");
        assert_eq!(cache.get(&1), None, "async, near {near}, stale {revalidate}");
    }
}
