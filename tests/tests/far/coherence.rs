//! Copies in memory of what other processes change: with a backend of the test's own, whose news come when the test says so, and the test's clock.

use cachekit_runtime::{
    Builder, Cache, Delivery, Place,
    backend::{News, Parts},
    invalidate_tag,
    testing::TestClock,
};
use cachekit_tests::own_backend::OwnBackend;
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
        let clock = TestClock::new();
        // Some time after its origin, where nothing is yet.
        clock.advance(Duration::from_secs(1_000));
        let backend = OwnBackend::new(clock.clock());
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
    assert_eq!(nodes.call(&nodes.other, 7), 2);
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
    let nodes = Nodes::new("coherence::gap");
    (0..3).for_each(|key| _ = (nodes.call(&nodes.one, key), nodes.call(&nodes.other, key)));
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
    let nodes =
        Nodes::with("coherence::tags", |builder| builder.tags_with(|key| vec![format!("even:{}", key % 2 == 0)]));
    for key in 0..4 {
        nodes.call(&nodes.one, key);
        nodes.call(&nodes.other, key);
        nodes.call(&nodes.other, key);
    }
    assert_eq!(nodes.loads(), 4);
    nodes.backend.keep_back();
    assert_eq!(invalidate_tag("even:true"), Delivery::Shared);
    nodes.backend.tell_on();
    let values: Vec<u64> = (0..4).map(|key| nodes.call(&nodes.other, key)).collect();
    assert_eq!(values, [5, 2, 6, 4]);
    let values: Vec<u64> = (0..4).map(|key| nodes.call(&nodes.one, key)).collect();
    assert_eq!(values, [5, 2, 6, 4], "and who invalidated takes what the other has loaded");
}

#[test]
fn a_tag_that_is_only_told_again_costs_a_question_and_no_load() {
    let nodes = Nodes::with("coherence::tag_again", |builder| builder.tags_with(|_| vec!["all {of} them".to_owned()]));
    nodes.call(&nodes.one, 7);
    nodes.call(&nodes.one, 7);
    let hits = Nodes::hits(&nodes.one);
    // As when it is prolonged.
    nodes.backend.announce_news(News::Tag("all ~7bof~7d them"));
    nodes.backend.announce_news(News::Everything);
    nodes.call(&nodes.one, 7);
    nodes.call(&nodes.one, 7);
    nodes.call(&nodes.one, 7);
    assert_eq!(nodes.loads(), 1);
    assert!(Nodes::hits(&nodes.one) > hits);
}

#[test]
fn more_of_the_same_copies_are_not_kept_in_the_index_for_ever() {
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
