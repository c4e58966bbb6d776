//! Values that no loader gives, with tags from before they were made.

use crate::nodes::RUNTIME;
use cachekit_runtime::{Cache, Delivery, Place, backend::SharedBackend, identity::text::tag_name, testing::TestClock};
use cachekit_tests::own_backend::OwnBackend;
use std::time::Duration;

fn nodes(name: &'static str, near: bool) -> (OwnBackend, [Cache<u64, u64>; 2]) {
    let (clock, backend) = OwnBackend::by_hand();
    let nodes = [(); 2].map(|()| {
        let places = near.then(Place::memory).into_iter().chain([Place::own(backend.clone())]);
        Cache::builder().name(name).clock(clock.clock()).ttl(Duration::from_secs(3_600)).backends(places).build()
    });
    (backend, nodes)
}

#[test]
fn what_nobody_invalidates_is_found_everywhere_until_its_tag_goes() {
    for (name, near) in [("captured::far", false), ("captured::near", true)] {
        let (backend, [one, other]) = nodes(name, near);
        RUNTIME.block_on(async {
            let before = one.capture([name]).await;
            assert_eq!(one.insert_captured(1, 10, &before).await, Some(Delivery::Shared));
            assert_eq!((one.get_async(&1).await, other.get_async(&1).await), (Some(10), Some(10)));
            backend.invalidate_tags(&[&tag_name(name)]).await.expect("it takes it");
            assert_eq!((one.get_async(&1).await, other.get_async(&1).await), (None, None), "near {near}");
        });
    }
}

#[test]
fn what_another_process_invalidates_meanwhile_is_not_found() {
    for (name, near) in [("meanwhile::far", false), ("meanwhile::near", true)] {
        let (backend, [one, other]) = nodes(name, near);
        RUNTIME.block_on(async {
            let before = one.capture([name]).await;
            backend.invalidate_tags(&[&tag_name(name)]).await.expect("it takes it");
            let _ = one.insert_captured(1, 10, &before).await;
            assert_eq!((one.get_async(&1).await, other.get_async(&1).await), (None, None), "near {near}");
        });
    }
}

#[tokio::test]
async fn one_of_all_processes_may_refresh_for_a_while() {
    let clock = TestClock::new();
    let shared = OwnBackend::new(clock.clock());
    let node = || {
        let places = [Place::memory(), Place::own(shared.clone())];
        Cache::<u64, u64>::builder().name("leased").backends(places).clock(clock.clock()).build()
    };
    let (one, other) = (node(), node());
    let lease = Duration::from_secs(2);
    assert!(one.lease(&1, lease).await);
    assert!(!other.lease(&1, lease).await && !one.lease(&1, lease).await);
    assert!(other.lease(&2, lease).await, "another key");
    clock.advance(lease);
    assert!(other.lease(&1, lease).await);
    let alone = Cache::<u64, u64>::builder().build();
    assert!(alone.lease(&1, lease).await && alone.lease(&1, lease).await, "nobody else could");
}

#[test]
fn what_was_made_stale_is_given_to_its_end_by_a_cache_that_says_so() {
    for (name, near) in [("softened::far", false), ("softened::near", true)] {
        let (clock, backend) = OwnBackend::by_hand();
        let minute = Duration::from_secs(60);
        let [one, other] = [(); 2].map(|()| {
            let places = near.then(Place::memory).into_iter().chain([Place::own(backend.clone())]);
            let builder = Cache::<u64, u64>::builder().name(name).clock(clock.clock()).ttl(60 * minute);
            builder.give_softened().backends(places).build()
        });
        RUNTIME.block_on(async {
            let (first, second) = (one.capture([name]).await, one.capture([name]).await);
            let _ = one.insert_captured(1, 10, &first).await;
            assert_eq!(other.get_softened_async(&1).await, Some((10, None)), "near {near}");
            assert_eq!(other.soften_tag_async(name.to_owned()).await, Delivery::Shared);
            let _ = one.insert_captured(2, 20, &second).await;
            clock.advance(10 * minute);
            let _ = other.soften_tag_async(name.to_owned()).await;
            for node in [&one, &other, &one, &other] {
                let (value, stale_for) = node.get_softened_async(&1).await.unwrap();
                // Backends have milliseconds.
                let stale_for = stale_for.unwrap().as_millis().div_ceil(10) * 10;
                assert_eq!((value, stale_for), (10, (10 * minute).as_millis()), "near {near}");
                if let Some((_, stale_for)) = node.get_softened_async(&2).await {
                    assert!(stale_for.is_some(), "it was under way: near {near}");
                }
            }
            clock.advance(50 * minute);
            assert_eq!((one.get_softened_async(&1).await, other.get_softened_async(&1).await), (None, None));
        });
    }
}
