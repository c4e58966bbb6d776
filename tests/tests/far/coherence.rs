//! Copies in memory of what other processes change: with a backend of the test's own, whose news come when the test says so, and the test's clock.

use crate::nodes::{RUNTIME, turn_of_tags};
use cachekit_runtime::{
    Builder, Cache, Compute, Delivery, Place,
    backend::{Address, Fingerprint, News, Parts, SharedBackend},
    identity, invalidate_tag,
    testing::TestClock,
};
use cachekit_tests::{child::fails_without, own_backend::OwnBackend};
use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

const LEASE: Duration = Duration::from_secs(2);

/// Two caches of one name, as in two processes, over one backend; and their clock.
struct Nodes {
    clock: TestClock,
    backend: OwnBackend,
    one: Cache<u64, u64>,
    other: Cache<u64, u64>,
    /// Each load gives the next number.
    loads: AtomicU64,
}

impl Nodes {
    fn new(name: &'static str) -> Self {
        Self::with(name, |builder| builder)
    }

    fn with(name: &'static str, set: impl Fn(Builder<u64, u64>) -> Builder<u64, u64>) -> Self {
        let (clock, backend) = OwnBackend::by_hand();
        let [one, other] = [(); 2].map(|()| {
            let builder = Cache::builder().name(name).clock(clock.clock()).ttl(Duration::from_secs(3_600));
            set(builder.backends([Place::memory(), Place::own(backend.clone())])).build()
        });
        Nodes { clock, backend, one, other, loads: AtomicU64::new(0) }
    }

    fn call(&self, cache: &Cache<u64, u64>, key: u64) -> u64 {
        let value = cache.get_or_compute(&key, || self.loads.fetch_add(1, Ordering::Relaxed) + 1);
        // Stores of a cache with memory go on without the caller.
        cachekit_runtime::flush().wait();
        value
    }

    fn loads(&self) -> u64 {
        self.loads.load(Ordering::Relaxed)
    }

    /// Hits in memory alone.
    fn hits(cache: &Cache<u64, u64>) -> u64 {
        cache.stats().hits
    }
}

#[test]
fn a_copy_goes_when_its_invalidation_is_told() {
    let nodes = Nodes::new("coherence::told");
    assert_eq!((nodes.call(&nodes.one, 7), nodes.call(&nodes.other, 7)), (1, 1));
    assert_eq!(nodes.call(&nodes.other, 7), 1);
    assert_eq!(Nodes::hits(&nodes.other), 1, "in memory");
    nodes.backend.keep_back();
    assert_eq!(nodes.one.invalidate(&7), Delivery::Shared);
    assert_eq!(nodes.call(&nodes.one, 7), 2, "who invalidates sees it at once");
    assert_eq!(nodes.call(&nodes.other, 7), 1, "the news are on their way");
    nodes.backend.tell_on();
    assert_eq!(nodes.call(&nodes.other, 7), 2, "it was told");
    assert_eq!(nodes.loads(), 2, "the second one found it in the backend");
}

#[test]
fn a_clear_is_told_too() {
    let nodes = Nodes::new("coherence::clear");
    for key in 0..20 {
        nodes.call(&nodes.one, key);
        nodes.call(&nodes.other, key);
    }
    assert_eq!(nodes.loads(), 20);
    nodes.one.clear();
    assert_eq!(nodes.other.stats().entries, 0);
    assert!((0..20).all(|key| nodes.call(&nodes.other, key) > 20));
}

#[test]
fn an_inserted_value_replaces_the_copies_of_others() {
    let nodes = Nodes::new("coherence::insert");
    assert_eq!((nodes.call(&nodes.one, 7), nodes.call(&nodes.other, 7)), (1, 1));
    assert_eq!(nodes.one.insert(7, 100), Delivery::Shared);
    assert_eq!((nodes.other.get(&7), nodes.one.get(&7)), (Some(100), Some(100)));
}

#[test]
fn a_load_from_before_a_silence_answers_no_call_after_it() {
    let nodes = Nodes::new("coherence::silence");
    nodes.call(&nodes.one, 1);
    let mut old = Box::pin(nodes.one.get_or_compute_async(&7, std::future::pending::<u64>));
    crate::gated::begin(&mut old);
    let anew = || async { nodes.loads.fetch_add(1, Ordering::Relaxed) + 1 };
    let loads = nodes.loads();
    let mut joins = Box::pin(nodes.one.get_or_compute_async(&7, anew));
    crate::gated::begin(&mut joins);
    assert_eq!(nodes.loads(), loads, "it waits for the first");
    // As where the whole process is held up: nobody has told it, and its loads are as they were.
    nodes.backend.keep_back();
    nodes.other.invalidate(&7);
    nodes.clock.advance(LEASE + Duration::from_millis(1));
    let late = nodes.one.get_or_compute_async(&7, anew);
    let late = RUNTIME.block_on(async { tokio::time::timeout(Duration::from_secs(20), late).await });
    assert_eq!(late, Ok(loads + 1), "what it would wait for began before");
}

#[test]
fn without_a_confirmation_a_copy_is_compared_before_it_is_used() {
    let nodes = Nodes::new("coherence::lease");
    nodes.call(&nodes.one, 7);
    nodes.call(&nodes.other, 7);
    nodes.clock.advance(LEASE - Duration::from_millis(1));
    let hits = Nodes::hits(&nodes.other);
    assert_eq!((nodes.call(&nodes.other, 7), Nodes::hits(&nodes.other)), (1, hits + 1));
    nodes.clock.advance(Duration::from_millis(1));
    assert_eq!((nodes.call(&nodes.other, 7), nodes.call(&nodes.other, 7)), (1, 1));
    let stats = nodes.other.stats();
    assert_eq!((stats.hits, stats.misses.unsure, nodes.loads()), (hits + 1, 2, 1), "asked twice, loaded never");
    nodes.backend.confirm();
    nodes.call(&nodes.other, 7);
    assert_eq!(Nodes::hits(&nodes.other), hits + 2);
    // Not told, and beyond the lease: the comparison finds it.
    nodes.backend.keep_back();
    nodes.one.invalidate(&7);
    assert_eq!(nodes.call(&nodes.other, 7), 1, "within the lease");
    nodes.clock.advance(LEASE);
    assert_eq!(nodes.call(&nodes.other, 7), 2);
}

#[test]
fn after_a_gap_a_copy_is_compared_once() {
    compared_after_a_gap(&Nodes::new("coherence::gap"));
    let tagged = |builder: Builder<u64, u64>| builder.tags_with(|_| vec!["coherence_gap".to_owned()]);
    compared_after_a_gap(&Nodes::with("coherence::gap_tagged", tagged));
}

#[test]
fn a_copy_that_was_found_to_be_well_is_so_until_the_next_gap() {
    let ttl = Duration::from_secs(10);
    let nodes = Nodes::with("coherence::gap_late", |builder| builder.ttl(ttl));
    nodes.clock.advance(Duration::from_micros(300));
    assert_eq!((nodes.call(&nodes.one, 1), nodes.call(&nodes.other, 1)), (1, 1));
    // So near to its end that its mark does not say enough, and a hit looks closer.
    nodes.clock.advance(ttl - Duration::from_micros(200));
    nodes.backend.confirm();
    assert_eq!((nodes.call(&nodes.other, 1), Nodes::hits(&nodes.other)), (1, 1));
    nodes.backend.keep_back();
    nodes.backend.announce_news(News::Ends(Parts::All));
    nodes.one.invalidate(&1);
    assert_eq!(nodes.call(&nodes.other, 1), 2, "nothing is told, so it asks");
}

fn compared_after_a_gap(nodes: &Nodes) {
    (0..3).for_each(|key| _ = (nodes.call(&nodes.one, key), nodes.call(&nodes.other, key)));
    assert_eq!((nodes.call(&nodes.other, 1), Nodes::hits(&nodes.other)), (2, 1));
    nodes.backend.keep_back();
    nodes.backend.announce_news(News::Ends(Parts::All));
    nodes.one.invalidate(&0);
    assert_eq!(nodes.call(&nodes.other, 0), 4, "nothing is told, so it asks");
    assert_eq!(nodes.call(&nodes.other, 1), 2);
    let hits = Nodes::hits(&nodes.other);
    nodes.backend.announce_news(News::Begins(Parts::All));
    nodes.backend.confirm();
    assert_eq!(nodes.call(&nodes.other, 1), 2);
    assert_eq!(Nodes::hits(&nodes.other), hits, "from before the gap: asked");
    assert_eq!((nodes.call(&nodes.other, 1), Nodes::hits(&nodes.other)), (2, hits + 1), "and true from now on");
    // What was invalidated in the gap.
    nodes.one.invalidate(&2);
    assert_eq!(nodes.call(&nodes.other, 2), 5);
}

#[test]
fn a_reply_that_the_news_have_overtaken_is_not_kept() {
    let nodes = Nodes::new("coherence::race");
    nodes.call(&nodes.one, 7);
    let one = nodes.one.clone();
    nodes.backend.after_the_next_look(move || _ = one.invalidate(&7));
    assert_eq!(nodes.call(&nodes.other, 7), 1, "it was so when it was read");
    assert_eq!(nodes.other.stats().entries, 0);
    assert_eq!(nodes.call(&nodes.other, 7), 2);
}

#[test]
fn a_load_that_the_news_have_overtaken_is_joined_by_nobody_and_kept_nowhere() {
    let nodes = Nodes::new("coherence::load");
    let value = nodes.other.get_or_compute(&7, || {
        nodes.one.invalidate(&7);
        // Here it would join itself, were it still to be joined.
        assert_eq!(nodes.other.loads_in_flight(), 0);
        99
    });
    cachekit_runtime::flush().wait();
    assert_eq!((value, nodes.other.get(&7), nodes.one.get(&7)), (99, None, None));
}

#[test]
fn a_tag_of_another_process_reaches_copies() {
    let _turn = turn_of_tags();
    let nodes =
        Nodes::with("coherence::tags", |builder| builder.tags_with(|key| vec![format!("even:{}", key % 2 == 0)]));
    for key in 0..4 {
        nodes.call(&nodes.one, key);
        nodes.call(&nodes.other, key);
        nodes.call(&nodes.other, key);
    }
    assert_eq!(nodes.loads(), 4);
    nodes.backend.keep_back();
    // By a process that has nothing in common with these two but the backend.
    let tag = identity::text::tag_name("even:true");
    RUNTIME.block_on(nodes.backend.invalidate_tags(&[&*tag])).expect("it takes it");
    assert_eq!(nodes.call(&nodes.other, 0), 1, "the news are on their way");
    nodes.backend.tell_on();
    let values: Vec<u64> = (0..4).map(|key| nodes.call(&nodes.other, key)).collect();
    assert_eq!(values, [5, 2, 6, 4]);
    let values: Vec<u64> = (0..4).map(|key| nodes.call(&nodes.one, key)).collect();
    assert_eq!(values, [5, 2, 6, 4], "and this one takes what the other has loaded");
    assert_eq!(invalidate_tag("even:false"), Delivery::Shared);
    let values: Vec<u64> = (0..4).map(|key| nodes.call(&nodes.one, key)).collect();
    assert_eq!(values, [5, 7, 6, 8], "who invalidates sees it at once");
}

#[test]
fn a_tag_that_is_only_told_again_costs_a_question_and_no_load() {
    let nodes = Nodes::with("coherence::tag_again", |builder| builder.tags_with(|_| vec!["all {of} them".to_owned()]));
    nodes.call(&nodes.one, 7);
    nodes.call(&nodes.one, 7);
    let hits = Nodes::hits(&nodes.one);
    // As when it is prolonged.
    let asked = nodes.backend.tags_asked();
    nodes.backend.announce_news(News::Tag(&identity::text::tag_name("all {of} them")));
    (0..3).for_each(|_| _ = nodes.call(&nodes.one, 7));
    assert_eq!((nodes.loads(), nodes.backend.tags_asked()), (1, asked + 1), "asked once, by the first of them");
    assert_eq!((Nodes::hits(&nodes.one), nodes.one.stats().misses.unsure), (hits + 2, 1));
    // Of another tag it is not asked.
    nodes.backend.announce_news(News::Tag("all of them"));
    nodes.call(&nodes.one, 7);
    assert_eq!(Nodes::hits(&nodes.one), hits + 3);
}

#[test]
fn of_many_copies_that_came_and_went_those_that_are_there_are_found() {
    let nodes = Nodes::with("coherence::many", |builder| builder.capacity(100));
    for key in 0..5_000 {
        nodes.call(&nodes.one, key);
    }
    // The youngest are there, and are found by what is told of them.
    let there: Vec<u64> = (0..5_000).filter(|key| nodes.one.contains(key)).collect();
    assert!(!there.is_empty());
    for key in there {
        nodes.other.invalidate(&key);
        assert!(!nodes.one.contains(&key), "{key}");
    }
}

#[test]
fn of_all_nodes_one_refreshes() {
    let nodes = Nodes::with("coherence::refresh", |builder| builder.refresh_ahead(50.0));
    let refresh = |cache: &Cache<u64, u64>| {
        let loads = std::sync::Arc::new(AtomicU64::new(0));
        let counted = loads.clone();
        let value = cache.get_or_refresh(&7, move || counted.fetch_add(1, Ordering::Relaxed) + 100);
        cachekit_runtime::flush().wait();
        (value, loads.load(Ordering::Relaxed))
    };
    assert_eq!((nodes.call(&nodes.one, 7), nodes.call(&nodes.other, 7)), (1, 1));
    nodes.clock.advance(Duration::from_secs(2_000));
    nodes.backend.confirm();
    // Somebody else has the right.
    let address = Address::new("coherence/refresh", "7", Fingerprint(0));
    let taken =
        RUNTIME.block_on(nodes.backend.lease(&address, nodes.backend.head(address.id()), Duration::from_secs(60)));
    assert!(taken.expect("it answers"), "it is free");
    assert_eq!(refresh(&nodes.one), (1, 0), "the other one does");
    nodes.clock.advance(Duration::from_secs(900));
    nodes.backend.confirm();
    assert_eq!(refresh(&nodes.one), (1, 1), "the other one did not");
    assert_eq!(refresh(&nodes.other), (1, 0), "it takes what the first one has stored");
    assert_eq!(nodes.call(&nodes.other, 7), 100);
}

#[test]
fn a_failed_load_leaves_the_value_to_the_others() {
    let nodes = Nodes::with("coherence::failed", |builder| builder.stale_if_error(Duration::from_secs(60)));
    assert_eq!((nodes.call(&nodes.one, 7), nodes.call(&nodes.other, 7)), (1, 1));
    nodes.clock.advance(Duration::from_secs(3_600));
    nodes.backend.confirm();
    let fails = |cache: &Cache<u64, u64>| {
        let failed = cache.try_get_or_compute(&7, || Err::<u64, &str>("no"));
        cachekit_runtime::flush().wait();
        failed
    };
    assert_eq!(fails(&nodes.one), Ok(1), "stale, from memory");
    // One that has nothing in memory.
    let third = Cache::builder()
        .name("coherence::failed")
        .clock(nodes.clock.clock())
        .ttl(Duration::from_secs(3_600))
        .stale_if_error(Duration::from_secs(60))
        .backends([Place::own(nodes.backend.clone())])
        .build();
    assert_eq!(fails(&third), Ok(1), "stale, and still in the backend");
}

#[test]
fn who_is_refused_the_refresh_takes_no_marker_of_the_refresher_away() {
    let nodes = Nodes::with("coherence::refused", |builder| builder.stale_while_revalidate(Duration::from_secs(600)));
    let address = Address::new("coherence/refused", "7", Fingerprint(0));
    assert_eq!((nodes.call(&nodes.one, 7), nodes.call(&nodes.other, 7)), (1, 1));
    nodes.clock.advance(Duration::from_secs(3_601));
    nodes.backend.confirm();
    // The entry is over. The other one refreshes it, and in the middle of its load this one finds it stale as well.
    let (one, slow) = (nodes.one.clone(), std::sync::Arc::new(std::sync::Barrier::new(2)));
    let meanwhile = slow.clone();
    let value = nodes.other.get_or_refresh(&7, move || {
        meanwhile.wait();
        meanwhile.wait();
        200
    });
    assert_eq!(value, 1, "stale");
    slow.wait();
    let taken =
        RUNTIME.block_on(nodes.backend.lease(&address, nodes.backend.head(address.id()), Duration::from_secs(60)));
    assert!(!taken.expect("it answers"), "it has the right");
    assert_eq!(one.get_or_refresh(&7, || unreachable!("the other one does")), 1);
    // Refused in the background: this thread's pool has run it when the right of another key can be had.
    comes_round(&nodes.one);
    slow.wait();
    cachekit_runtime::flush().wait();
    assert_eq!(nodes.other.get(&7), Some(200));
    let third: Cache<u64, u64> = Cache::builder()
        .name("coherence::refused")
        .clock(nodes.clock.clock())
        .ttl(Duration::from_secs(3_600))
        .backends([Place::own(nodes.backend.clone())])
        .build();
    assert_eq!(third.get(&7), Some(200), "what it computed is stored for all");
}

/// Until the refreshes of this cache that are under way have ended.
fn comes_round(cache: &Cache<u64, u64>) {
    cachekit_tests::until(|| cache.loads_in_flight() == 0);
}

#[test]
fn a_version_of_a_tag_is_as_good_as_the_lease() {
    let nodes =
        Nodes::with("coherence::tag_lease", |builder| builder.tags_with(|_| vec!["coherence_lease".to_owned()]));
    assert_eq!((nodes.call(&nodes.one, 7), nodes.call(&nodes.other, 7)), (1, 1));
    // By a process of which nothing is heard.
    nodes.backend.keep_back();
    RUNTIME.block_on(nodes.backend.invalidate_tags(&["coherence_lease"])).expect("it takes it");
    assert_eq!(nodes.call(&nodes.other, 7), 1, "within the lease");
    nodes.clock.advance(LEASE);
    assert_eq!(nodes.call(&nodes.other, 7), 2);
    assert_eq!(nodes.call(&nodes.one, 7), 2);
}

#[test]
fn a_tag_that_the_backend_did_not_take_is_invalid_here_all_the_same() {
    let _turn = turn_of_tags();
    let nodes = Nodes::with("coherence::tag_queued", |builder| {
        builder.tags_with(|_| vec!["coherence_queued".to_owned()]).near_outage(Duration::from_secs(3_600))
    });
    nodes.call(&nodes.one, 7);
    nodes.backend.refuse_tags(true);
    assert_eq!(invalidate_tag("coherence_queued"), Delivery::Queued);
    assert_eq!((nodes.one.get(&7), nodes.call(&nodes.one, 7)), (None, 2), "neither from the backend nor from memory");
    nodes.backend.refuse_tags(false);
    cachekit_tests::eventually("it is delivered", || {
        nodes.clock.advance(Duration::from_secs(1));
        nodes.backend.confirm();
        nodes.call(&nodes.one, 7);
        nodes.other.get(&7).is_some_and(|value| value > 1)
    });
}

#[test]
fn with_more_tags_than_are_honoured_nothing_is_stored_anywhere() {
    let nodes =
        Nodes::with("coherence::too_many", |builder| builder.tags_with(|_| (0..17).map(|n| format!("t{n}")).collect()));
    assert_eq!((nodes.call(&nodes.one, 7), nodes.call(&nodes.one, 7), nodes.call(&nodes.other, 7)), (1, 2, 3));
    nodes.one.insert(8, 100);
    assert_eq!((nodes.one.get(&8), nodes.other.get(&8)), (None, None));
}

#[test]
fn what_is_computed_from_a_tagged_value_has_its_tags() {
    let _turn = turn_of_tags();
    let nodes = Nodes::new("coherence::compute");
    let tag = "a tag {in} ~ need of escapes";
    nodes.one.insert_tagged(7, 1, [tag]);
    assert_eq!(nodes.other.get(&7), Some(1));
    assert_eq!(nodes.one.compute(7, |old| Compute::Set(old.unwrap_or(0) + 1)), Some(2));
    assert_eq!((nodes.one.get(&7), nodes.other.get(&7)), (Some(2), Some(2)));
    assert_eq!(invalidate_tag(tag), Delivery::Shared);
    assert_eq!((nodes.one.get(&7), nodes.other.get(&7)), (None, None));
}

/// That these tests can fail: each, without the mechanism that it is about.
#[test]
fn without_the_mechanism_the_test_fails() {
    for (off, test, says) in [
        ("own", "a_copy_goes_when_its_invalidation_is_told", "who invalidates sees it at once"),
        ("push", "a_copy_goes_when_its_invalidation_is_told", "it was told"),
        ("push", "a_clear_is_told_too", "left: 20"),
        ("push", "a_tag_of_another_process_reaches_copies", "left: [1, 2, 3, 4]"),
        ("epochs", "a_reply_that_the_news_have_overtaken_is_not_kept", "left: 1"),
        ("lease", "without_a_confirmation_a_copy_is_compared_before_it_is_used", "left: (3, 0, 1)"),
        ("heads", "after_a_gap_a_copy_is_compared_once", "nothing is told, so it asks"),
        ("witness", "a_load_that_the_news_have_overtaken_is_joined_by_nobody_and_kept_nowhere", "Some(99)"),
    ] {
        fails_without(off, &format!("coherence::{test}"), says);
    }
}

#[test]
fn a_tag_that_is_written_otherwise_stays_the_same_through_a_change() {
    let _turn = turn_of_tags();
    let nodes = Nodes::new("coherence::escaped");
    let (one, other) = (&nodes.one, &nodes.other);
    let tag = "coherence:{7}%";
    assert_eq!(one.insert_tagged(1, 1, [tag]), Delivery::Shared);
    for _ in 0..3 {
        let added = one.compute(1, |old| Compute::Set(old.expect("it is there") + 1));
        assert_eq!((added, other.get(&1)), (one.get(&1), added));
    }
    assert_eq!(one.get(&1), Some(4));
    assert_eq!(invalidate_tag(tag), Delivery::Shared);
    assert_eq!((one.get(&1), other.get(&1)), (None, None));
}
