//! Tags that are made stale: in memory alone, and over a backend of the test's own whose news come when the test says so, with the test's clock.

use crate::nodes::{RUNTIME, turn_of_tags};
use cachekit_runtime::{
    Builder, Cache, Delivery, OutcomeKind, Place,
    backend::{MemoryBytes, News},
    flush, invalidate_tag, invalidate_tag_soft, testing,
    testing::TestClock,
};
use cachekit_tests::own_backend::OwnBackend;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

const HOUR: Duration = Duration::from_secs(3_600);
const MINUTE: Duration = Duration::from_secs(60);

/// A cache in which each load gives the next number, or an error.
#[derive(Clone)]
struct Node {
    cache: Cache<u64, u64>,
    loads: Arc<AtomicU64>,
    fails: Arc<AtomicBool>,
}

impl Node {
    /// Tags are those of the whole process: in a scope, or with a tag of the test's own.
    fn of(builder: Builder<u64, u64>, all: &'static str, loads: &Arc<AtomicU64>) -> Self {
        let builder = builder.ttl(HOUR).tags_with(move |key| vec![format!("half:{}", key % 2), all.to_owned()]);
        Node { cache: builder.build(), loads: loads.clone(), fails: Arc::default() }
    }

    /// A call whose refresh, if it begins one, has ended.
    fn call(&self, key: u64) -> Result<u64, &'static str> {
        let (loads, fails) = (self.loads.clone(), self.fails.clone());
        let load = move || {
            let next = loads.fetch_add(1, Ordering::SeqCst) + 1;
            if fails.load(Ordering::SeqCst) { Err("no") } else { Ok(next) }
        };
        let value = self.cache.try_get_or_refresh(&key, load);
        // The refresh, and then the store that it has begun.
        flush().wait();
        flush().wait();
        value
    }

    fn loads(&self) -> u64 {
        self.loads.load(Ordering::SeqCst)
    }
}

/// Two of one name over one backend.
struct Nodes {
    clock: TestClock,
    backend: OwnBackend,
    one: Node,
    other: Node,
}

impl Nodes {
    fn new(name: &'static str, near: bool, set: impl Fn(Builder<u64, u64>) -> Builder<u64, u64>) -> Self {
        let (clock, backend) = OwnBackend::by_hand();
        let loads = Arc::default();
        let [one, other] = [(); 2].map(|()| {
            let mut places = vec![Place::own(backend.clone())];
            if near {
                places.insert(0, Place::memory());
            }
            let builder = Cache::builder().name(name).clock(clock.clock()).stale_while_revalidate(MINUTE);
            Node::of(set(builder.backends(places)), name, &loads)
        });
        Nodes { clock, backend, one, other }
    }
}

#[test]
fn in_memory_the_old_value_is_given_for_as_long_as_the_function_allows() {
    let scope = testing::scope();
    let loads = Arc::default();
    let node = Node::of(Cache::builder().stale_while_revalidate(MINUTE), "all", &loads);
    assert_eq!((node.call(1), node.call(2)), (Ok(1), Ok(2)));
    scope.advance(10 * MINUTE);
    assert_eq!(invalidate_tag_soft("half:1"), Delivery::Local);
    assert_eq!((node.call(1), node.loads()), (Ok(1), 3), "stale, and loaded anew");
    assert_eq!((node.call(1), node.call(2), node.loads()), (Ok(3), Ok(2), 3), "and nothing else is");
    // Nobody asks for it in time.
    invalidate_tag_soft("all");
    scope.advance(MINUTE - Duration::from_millis(1));
    node.fails.store(true, Ordering::SeqCst);
    assert_eq!(node.call(2), Ok(2), "and the refresh fails");
    scope.advance(Duration::from_millis(1));
    assert_eq!((node.call(2), node.call(1)), (Err("no"), Err("no")), "a minute after it was made stale");
}

#[test]
fn it_is_stale_since_it_was_made_so_first() {
    let scope = testing::scope();
    let node = Node::of(Cache::builder().stale_while_revalidate(MINUTE), "all", &Arc::default());
    assert_eq!(node.call(1), Ok(1));
    node.fails.store(true, Ordering::SeqCst);
    for _ in 0..4 {
        invalidate_tag_soft("all");
        scope.advance(MINUTE / 4 - Duration::from_millis(1));
        assert_eq!(node.call(1), Ok(1));
    }
    invalidate_tag_soft("all");
    scope.advance(Duration::from_millis(4));
    assert_eq!(node.call(1), Err("no"), "the last of them does not begin the minute anew");
}

#[test]
fn what_was_made_stale_eight_times_is_invalid() {
    let _scope = testing::scope();
    let node = Node::of(Cache::builder().stale_while_revalidate(MINUTE), "all", &Arc::default());
    assert_eq!(node.call(1), Ok(1));
    node.fails.store(true, Ordering::SeqCst);
    (0..7).for_each(|_| _ = invalidate_tag_soft("all"));
    assert_eq!(node.call(1), Ok(1));
    invalidate_tag_soft("all");
    assert_eq!(node.call(1), Err("no"));
}

#[test]
fn who_allows_nothing_stale_gets_nothing_stale() {
    let scope = testing::scope();
    let node = Node::of(Cache::builder(), "all", &Arc::default());
    assert_eq!(node.call(1), Ok(1));
    invalidate_tag_soft("all");
    assert_eq!(node.call(1), Ok(2));
    let node = Node::of(Cache::builder().stale_if_error(MINUTE), "all", &Arc::default());
    assert_eq!(node.call(1), Ok(1));
    invalidate_tag_soft("all");
    node.fails.store(true, Ordering::SeqCst);
    assert_eq!(node.call(1), Ok(1), "in place of an error");
    scope.advance(MINUTE);
    assert_eq!(node.call(1), Err("no"));
}

#[test]
fn an_invalidation_is_an_invalidation_also_of_what_is_stale() {
    let _scope = testing::scope();
    let node = Node::of(Cache::builder().stale_while_revalidate(MINUTE), "all", &Arc::default());
    assert_eq!(node.call(1), Ok(1));
    invalidate_tag_soft("all");
    invalidate_tag("half:1");
    assert_eq!(node.call(1), Ok(2));
    invalidate_tag("half:1");
    invalidate_tag_soft("all");
    assert_eq!(node.call(1), Ok(3));
}

#[test]
fn the_ttl_goes_on() {
    let scope = testing::scope();
    let node = Node::of(Cache::builder().stale_while_revalidate(MINUTE), "all", &Arc::default());
    assert_eq!(node.call(1), Ok(1));
    node.fails.store(true, Ordering::SeqCst);
    scope.advance(HOUR + MINUTE / 2);
    invalidate_tag_soft("all");
    assert_eq!(node.call(1), Ok(1));
    scope.advance(MINUTE / 2);
    assert_eq!(node.call(1), Err("no"), "not longer than the ttl and the allowance together");
}

#[test]
fn of_all_processes_one_loads_anew() {
    let _turn = turn_of_tags();
    for near in [true, false] {
        let name = if near { "soft::near" } else { "soft::far" };
        let nodes = Nodes::new(name, near, |builder| builder);
        let (one, other) = (&nodes.one, &nodes.other);
        assert_eq!((one.call(1), other.call(1), one.loads()), (Ok(1), Ok(1), 1));
        nodes.clock.advance(10 * MINUTE);
        assert_eq!(invalidate_tag_soft(name), Delivery::Shared);
        assert_eq!(other.call(1), Ok(1), "near: {near}");
        assert_eq!(one.loads(), 2);
        let found = (one.call(1), one.call(1), other.call(1), one.loads());
        assert_eq!(found.2, Ok(2), "near: {near}");
        assert_eq!((found.1, found.3), (Ok(2), 2), "near: {near}");
    }
}

#[test]
fn what_nobody_loads_anew_is_given_for_the_allowance_and_not_longer() {
    for near in [true, false] {
        let name = if near { "soft::over_near" } else { "soft::over_far" };
        let nodes = Nodes::new(name, near, |builder| builder);
        let (one, other) = (&nodes.one, &nodes.other);
        assert_eq!((one.call(1), other.call(1)), (Ok(1), Ok(1)));
        one.fails.store(true, Ordering::SeqCst);
        other.fails.store(true, Ordering::SeqCst);
        invalidate_tag_soft(name);
        nodes.clock.advance(MINUTE / 2);
        nodes.backend.announce_news(News::Holds(nodes.clock.clock().now()));
        assert_eq!((one.call(1), other.call(1)), (Ok(1), Ok(1)), "near: {near}");
        // Does not make it last longer. Told by both nodes, whose links are two: that is four times in all, of eight that are kept.
        invalidate_tag_soft(name);
        assert_eq!((one.call(1), other.call(1)), (Ok(1), Ok(1)), "near: {near}");
        nodes.clock.advance(MINUTE / 2);
        assert_eq!((one.call(1), other.call(1)), (Err("no"), Err("no")), "near: {near}");
    }
}

#[test]
fn one_that_refreshes_is_enough() {
    // Another process has the right to refresh: what is there is given, and nobody loads.
    let nodes = Nodes::new("soft::lease", true, |builder| builder);
    let (one, other) = (&nodes.one, &nodes.other);
    assert_eq!((one.call(1), other.call(1)), (Ok(1), Ok(1)));
    invalidate_tag_soft("soft::lease");
    one.fails.store(true, Ordering::SeqCst);
    assert_eq!((one.call(1), one.loads()), (Ok(1), 2), "it takes the right, and fails");
    for _ in 0..5 {
        assert_eq!((other.call(1), other.loads()), (Ok(1), 2));
    }
    nodes.clock.advance(Duration::from_secs(10));
    assert_eq!((other.call(1), other.loads(), other.call(1)), (Ok(1), 3, Ok(3)), "the right has ended");
}

/// Who has refreshed has not the right to what comes after it.
#[test]
fn what_becomes_stale_again_soon_is_refreshed_again() {
    for near in [true, false] {
        let name = if near { "soft::again_near" } else { "soft::again_far" };
        let nodes = Nodes::new(name, near, |builder| builder.stale_while_revalidate(Duration::from_secs(5)));
        let (one, other) = (&nodes.one, &nodes.other);
        assert_eq!((one.call(1), other.call(1)), (Ok(1), Ok(1)));
        invalidate_tag_soft(name);
        assert_eq!((one.call(1), one.loads()), (Ok(1), 2), "near: {near}");
        for round in 2..5 {
            nodes.clock.advance(Duration::from_millis(500));
            invalidate_tag_soft(name);
            let node = if round % 2 == 0 { other } else { one };
            assert!(node.call(1).is_ok_and(|value| value <= round), "near: {near}: nobody waits for it");
            assert_eq!(node.loads(), round + 1, "near: {near}: it is loaded anew");
            assert_eq!((node.call(1), node.loads()), (Ok(round + 1), round + 1), "near: {near}");
        }
    }
}

#[test]
fn what_a_backend_does_not_take_is_invalidated() {
    let _turn = turn_of_tags();
    let nodes = Nodes::new("soft::queued", true, |builder| builder);
    let (one, other) = (&nodes.one, &nodes.other);
    assert_eq!((one.call(1), other.call(1)), (Ok(1), Ok(1)));
    nodes.backend.refuse_tags(true);
    assert_eq!(invalidate_tag_soft("soft::queued"), Delivery::Queued);
    let next = one.call(1).expect("it loads");
    assert!(next > 1, "what this process has said to be stale does not seem fresh to it");
    nodes.backend.refuse_tags(false);
    cachekit_tests::waiting::eventually("it is delivered", || {
        nodes.clock.advance(Duration::from_millis(100));
        nodes.backend.announce_news(News::Holds(nodes.clock.clock().now()));
        other.call(1).is_ok_and(|value| value > 1)
    });
}

/// A backend that can only read and write has the versions of the tags among its entries, and the time from this machine.
#[test]
fn a_backend_of_this_process_alone_keeps_what_is_stale_too() {
    for near in [true, false] {
        let name = if near { "soft::plain_near" } else { "soft::plain" };
        let clock = TestClock::new();
        // Tags become stale by the clock of the process, which this one is ahead of.
        clock.advance(Duration::from_secs(40 * 24 * 3_600));
        let bytes = Arc::new(MemoryBytes::new().with_clock(clock.clock()));
        let node = |name| {
            let near = near.then(Place::memory);
            let places = near.into_iter().chain([Place::own(bytes.clone())]);
            let builder = Cache::builder().name(name).clock(clock.clock()).stale_while_revalidate(MINUTE);
            Node::of(builder.backends(places), name, &Arc::default())
        };
        let one = node(name);
        assert_eq!((one.call(1), one.call(2)), (Ok(1), Ok(2)));
        // What it says is of all backends of the process, those of other tests among them.
        invalidate_tag_soft(name);
        one.fails.store(true, Ordering::SeqCst);
        assert_eq!((one.call(1), one.call(1)), (Ok(1), Ok(1)), "near: {near}: stale, and the refresh fails");
        clock.advance(MINUTE / 2);
        invalidate_tag_soft(name);
        assert_eq!(one.call(1), Ok(1), "near: {near}: since it was made stale first");
        // As after a restart: what is stale is so in the backend.
        let next = node(name);
        assert_eq!(next.call(2), Ok(2), "near: {near}");
        assert_eq!((next.loads(), next.call(2)), (1, Ok(1)), "near: {near}: and was loaded anew");
        clock.advance(MINUTE / 2);
        assert_eq!((one.call(1), next.call(2)), (Err("no"), Ok(1)), "near: {near}");
        invalidate_tag(name);
        assert_eq!(next.call(2), Ok(2), "near: {near}: what is invalidated is gone");
    }
}

#[test]
fn a_call_says_that_its_value_is_stale() {
    let nodes = Nodes::new("soft::traced", true, |builder| builder);
    let traced = |node: &Node, load: Box<dyn FnOnce() -> u64 + Send>| {
        let mut outcome = cachekit_runtime::Outcome::new();
        node.cache.get_or_refresh_traced(&1, &mut outcome, load);
        outcome.kind
    };
    assert_eq!(nodes.one.call(1), Ok(1));
    invalidate_tag_soft("soft::traced");
    // The first refresh ends after the second look, which would find its value otherwise.
    let (go, wait) = std::sync::mpsc::channel();
    let held = Box::new(move || wait.recv().map_or(0, |()| 9));
    assert_eq!(traced(&nodes.other, held), OutcomeKind::StaleHit);
    assert_eq!(traced(&nodes.one, Box::new(|| 9)), OutcomeKind::StaleHit);
    go.send(()).expect("the refresh waits for it");
    RUNTIME.block_on(async { flush().await });
}

#[test]
fn nobody_waits_for_a_refresh_also_where_memory_keeps_nothing() {
    let nodes = Nodes::new("soft::beside", false, |builder| builder);
    let cache = &nodes.one.cache;
    assert_eq!(nodes.one.call(1), Ok(1));
    invalidate_tag_soft("soft::beside");
    let (go, wait) = std::sync::mpsc::channel();
    assert_eq!(cache.get_or_refresh(&1, move || wait.recv().map_or(0, |()| 9)), 1);
    // On a thread of its own, so that a call that waits fails this test instead of holding it up.
    let (gave, given) = std::sync::mpsc::channel();
    let beside = cache.clone();
    let calls = std::thread::spawn(move || {
        let mut outcome = cachekit_runtime::Outcome::new();
        let sync = beside.get_or_refresh_traced(&1, &mut outcome, || 7);
        gave.send((sync, outcome.kind)).expect("the test waits for it");
        let value = RUNTIME.block_on(beside.get_or_refresh_async(&1, || async { 7 }));
        gave.send((value, OutcomeKind::StaleHit)).expect("the test waits for it");
    });
    let long = Duration::from_secs(20);
    assert_eq!(given.recv_timeout(long), Ok((1, OutcomeKind::StaleHit)), "sync");
    assert_eq!(given.recv_timeout(long), Ok((1, OutcomeKind::StaleHit)), "async");
    calls.join().expect("both calls have ended");
    // What is invalid is not given, and the refresh that began before does not count.
    invalidate_tag("soft::beside");
    assert_eq!(cache.get_or_refresh(&1, || 5), 5);
    go.send(()).expect("the refresh waits for it");
    flush().wait();
    assert_eq!(cache.get_or_refresh(&1, || 6), 5);
}

#[test]
fn a_call_that_waits_for_another_process_ends_with_its_load_timeout() {
    let second = Duration::from_secs(1);
    let nodes =
        Nodes::new("soft::waits", false, |builder| builder.load_timeout_hard(second).lock(MINUTE).timeout(HOUR));
    let error = |error: cachekit_runtime::Error| error.to_string();
    let mut held = Box::pin(
        nodes.one.cache.try_get_or_refresh_async(&1, std::future::pending::<Result<u64, cachekit_runtime::Error>>),
    );
    crate::gated::begin(&mut held);
    let (loads, clock) = (Arc::new(AtomicU64::new(0)), &nodes.clock);
    let load = |loads: Arc<AtomicU64>| move || async move { Ok(loads.fetch_add(1, Ordering::SeqCst)) };
    let mut waits =
        Box::pin(nodes.other.cache.try_get_or_refresh_async::<_, cachekit_runtime::Error, _>(&1, load(loads.clone())));
    crate::gated::begin(&mut waits);
    clock.advance(second - Duration::from_millis(1));
    crate::gated::begin(&mut waits);
    clock.advance(Duration::from_millis(1));
    let waited = RUNTIME.block_on(async { tokio::time::timeout(Duration::from_secs(20), waits).await });
    let failed = waited.expect("it ends").map_err(error);
    assert!(failed.as_ref().is_err_and(|said| said.contains("1s")), "{failed:?}");
    assert_eq!(loads.load(Ordering::SeqCst), 0, "the time was over before it could load");
}
