//! What a backend did not take is delivered as soon as its server is back, and what the other servers have does not wait for that.

use crate::nodes::turn_of_tags;
use cachekit_runtime::{
    Cache, Delivery, Place,
    backend::{Address, Fingerprint, News},
    invalidate_tag, invalidate_tag_soft,
    testing::TestClock,
};
use cachekit_tests::{
    child::fails_without,
    own_backend::OwnBackend,
    waiting::{eventually, eventually_by},
};
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3_600);

struct Scene {
    name: &'static str,
    clock: TestClock,
    backend: OwnBackend,
    cache: Cache<u64, u64>,
}

impl Scene {
    /// Each key has a tag of its own, `name_key`.
    fn new(name: &'static str) -> Self {
        let (clock, backend) = OwnBackend::by_hand();
        let builder = Cache::builder().name(name).clock(clock.clock()).ttl(HOUR).stale_while_revalidate(HOUR);
        let builder = builder.tags_with(move |key| vec![format!("{name}_{key}")]);
        let cache = builder.backends([Place::own(backend.clone())]).build();
        Scene { name, clock, backend, cache }
    }

    fn tag(&self, key: u64) -> String {
        format!("{}_{key}", self.name)
    }

    fn id(&self, key: u64) -> String {
        Address::new(self.name, &key.to_string(), Fingerprint(0)).id().to_owned()
    }

    fn fill(&self, keys: std::ops::Range<u64>) {
        for key in keys {
            assert_eq!(self.cache.get_or_compute(&key, || key), key);
        }
        cachekit_runtime::flush().wait();
    }

    /// Until it holds, while time passes.
    fn passes(&self, what: &str, condition: impl Fn() -> bool) {
        eventually(what, || {
            self.clock.advance(Duration::from_millis(100));
            self.backend.confirm();
            condition()
        });
    }
}

#[test]
fn what_was_queued_is_told_when_the_server_is_back() {
    let scene = Scene::new("delivery_queued");
    scene.fill(1..2);
    let other: Cache<u64, u64> = Cache::builder()
        .name("delivery_queued")
        .clock(scene.clock.clock())
        .backends([Place::own(scene.backend.clone())])
        .build();
    let id = scene.id(1);
    scene.backend.lose([&*id]);
    assert_eq!(scene.cache.invalidate(&1), Delivery::Queued);
    assert_eq!((scene.cache.get(&1), other.get(&1)), (None, Some(1)), "this process takes it as invalid at once");
    scene.backend.find([&*id]);
    eventually_by("queue", "it is delivered", || {
        scene.clock.advance(Duration::from_millis(100));
        scene.backend.confirm();
        other.get(&1).is_none()
    });
}

#[test]
fn without_the_queue_it_is_forgotten() {
    let test = "delivery::what_was_queued_is_told_when_the_server_is_back";
    fails_without("queue", test, "in vain: it is delivered");
}

#[test]
fn what_was_made_stale_is_made_so_once_more_by_another_server_and_not_again_and_again() {
    let _turn = turn_of_tags();
    let scene = Scene::new("delivery_soft");
    let (well, ill) = (scene.tag(1), scene.tag(2));
    scene.fill(1..3);
    assert_eq!((invalidate_tag_soft(&well), invalidate_tag_soft(&ill)), (Delivery::Shared, Delivery::Shared));
    scene.backend.lose([&*ill]);
    scene.backend.announce_news(News::Replaced);
    scene.passes("attempts", || scene.backend.in_vain(&ill) >= 5);
    assert_eq!(scene.backend.softened(&well), 2, "once by the server that has gone, once by the other");
    scene.backend.find([&*ill]);
    scene.passes("what was perhaps done already is invalidated", || scene.cache.get(&2).is_none());
    assert_eq!((scene.backend.softened(&ill), scene.cache.get(&1)), (1, Some(1)));
}

#[test]
fn a_server_that_is_gone_holds_up_nothing_for_the_others() {
    let _turn = turn_of_tags();
    let scene = Scene::new("delivery_others");
    const ILL: u64 = 2_000;
    const ALL: u64 = ILL + 20;
    scene.fill(ILL..ALL + 1);
    let ids: Vec<String> = (0..ILL).map(|key| scene.id(key)).collect();
    let tag = scene.tag(ALL);
    scene.backend.lose(ids.iter().map(String::as_str).chain([&*tag]));
    assert_eq!(invalidate_tag(&tag), Delivery::Queued);
    let all: Vec<u64> = (0..ALL).collect();
    let well: Vec<String> = (ILL..ALL).map(|key| scene.id(key)).collect();
    scene.backend.lose(well.iter().map(String::as_str));
    assert_eq!(scene.cache.invalidate_many(&all), Delivery::Queued);
    let other: Cache<u64, u64> = Cache::builder()
        .name("delivery_others")
        .clock(scene.clock.clock())
        .backends([Place::own(scene.backend.clone())])
        .build();
    assert!((ILL..ALL).all(|key| other.get(&key) == Some(key)), "not delivered yet");
    scene.backend.find(well.iter().map(String::as_str));
    scene.passes("the others are delivered", || (ILL..ALL).all(|key| other.get(&key).is_none()));
    assert!(scene.backend.in_vain(&tag) > 0 && scene.backend.in_vain(&ids[0]) > 0, "those that are gone were tried");
    // Also of what comes while they are gone.
    assert_eq!(scene.cache.insert(ILL, 7), Delivery::Shared);
    scene.backend.lose([&*well[0]]);
    assert_eq!(scene.cache.invalidate(&ILL), Delivery::Queued);
    scene.backend.find([&*well[0]]);
    scene.passes("a later one", || other.get(&ILL).is_none());
    scene.backend.find(ids.iter().map(String::as_str).chain([&*tag]));
    scene.passes("the rest", || !scene.cache.get_or_compute(&ALL, || 9).eq(&ALL));
}
