//! Calls of a cache that keeps nothing in memory look without a flight: what that changes for nobody.

use crate::gated::begin;
use cachekit_runtime::{Builder, Cache, Delivery, Outcome, OutcomeKind, Place, Tier, testing::TestClock};
use cachekit_tests::{own_backend::OwnBackend, waiting::PATIENCE};
use std::{
    pin::Pin,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

const TIMEOUT: Duration = Duration::from_millis(250);

/// So many calls of a key look alone; the next one leads a flight, and those after it share that.
const FEW: u64 = 4;

struct Node {
    clock: TestClock,
    backend: OwnBackend,
    cache: Cache<u64, u64>,
    loads: AtomicU64,
}

impl Node {
    fn new(name: &'static str) -> Self {
        Self::with(name, |builder| builder)
    }

    fn with(name: &'static str, set: impl Fn(Builder<u64, u64>) -> Builder<u64, u64>) -> Self {
        let (clock, backend) = OwnBackend::by_hand();
        let cache = Cache::builder().name(name).clock(clock.clock()).ttl(Duration::from_secs(60)).timeout(TIMEOUT);
        let cache = set(cache.backends([Place::own(backend.clone())])).build();
        Node { clock, backend, cache, loads: AtomicU64::new(0) }
    }

    /// Each load gives the next number.
    async fn call(&self, key: u64) -> u64 {
        let load = || async { self.loads.fetch_add(1, Ordering::Relaxed) + 1 };
        self.cache.get_or_compute_async(&key, load).await
    }

    fn begun(&self, key: u64) -> Pin<Box<impl Future<Output = u64>>> {
        let mut call = Box::pin(self.call(key));
        begin(&mut call);
        call
    }

    fn loads(&self) -> u64 {
        self.loads.load(Ordering::Relaxed)
    }
}

#[tokio::test]
async fn what_is_there_is_a_hit() {
    let node = Node::new("far::alone::hit");
    assert_eq!(node.call(1).await, 1);
    let before = node.backend.looks();
    let mut outcome = Outcome::new();
    assert_eq!(node.cache.call(&1).traced(&mut outcome).get_or_compute_async(|| async { 7 }).await, 1);
    assert_eq!((outcome.kind, outcome.tier), (OutcomeKind::Hit, Some(Tier::Own)));
    assert_eq!((node.loads(), node.backend.looks() - before), (1, 1));
    assert_eq!(node.cache.stats().far.hits, 1);
}

#[tokio::test]
async fn what_is_not_there_is_looked_for_once() {
    let node = Node::new("far::alone::miss");
    assert_eq!(node.call(1).await, 1);
    assert_eq!((node.loads(), node.backend.looks()), (1, 1));
    // What is there and is of no use is asked for again by who leads: another flight may have ended in between.
    node.clock.advance(Duration::from_secs(60));
    assert_eq!(node.call(1).await, 2);
    assert_eq!(node.loads(), 2);
}

#[tokio::test]
async fn a_few_look_alone_and_the_others_share_a_flight() {
    let node = Node::new("far::alone::many");
    assert_eq!(node.call(1).await, 1);
    let before = node.backend.looks();
    node.backend.hold_looks();
    let calls: Vec<_> = (0..10).map(|_| node.begun(1)).collect();
    assert_eq!(node.backend.looks() - before, FEW + 1);
    node.backend.release_looks();
    for call in calls {
        assert_eq!(call.await, 1);
    }
    assert_eq!((node.loads(), node.backend.looks() - before), (1, FEW + 1));
}

#[tokio::test]
async fn many_who_find_nothing_load_once() {
    let node = Node::new("far::alone::load");
    node.backend.hold_looks();
    let calls: Vec<_> = (0..10).map(|_| node.begun(1)).collect();
    node.backend.release_looks();
    for value in futures_util::future::join_all(calls).await {
        assert_eq!(value, 1);
    }
    assert_eq!(node.loads(), 1);
}

#[tokio::test]
async fn a_call_after_an_invalidation_does_not_get_what_one_before_it_saw() {
    let node = Node::new("far::alone::invalidated");
    assert_eq!(node.call(1).await, 1);
    node.backend.hold_looks();
    let early = node.begun(1);
    assert_eq!(node.cache.invalidate_async(&1).await, Delivery::Shared);
    node.backend.release_looks();
    assert_eq!(node.call(1).await, 2);
    // It has begun before.
    assert_eq!(early.await, 1);
    assert_eq!(node.call(1).await, 2);
}

#[tokio::test]
async fn nobody_waits_twice_for_a_backend_that_gives_no_answer() {
    let allows = |builder: Builder<u64, u64>| builder.stale_while_revalidate(TIMEOUT);
    for node in [Node::new("far::alone::silent"), Node::with("far::alone::silent, with stale values", allows)] {
        node.backend.hold_looks();
        let call = node.begun(1);
        node.clock.advance(TIMEOUT);
        // The clock stands still: whoever waited for a second time would wait for ever.
        let computed = tokio::time::timeout(PATIENCE, call).await.expect("no second wait");
        assert_eq!(computed, 1);
        assert_eq!(node.backend.looks(), 1);
    }
}

#[tokio::test]
async fn nobody_waits_for_another_one_who_waits_when_his_own_time_is_up() {
    let node = Node::new("far::alone::later");
    node.backend.hold_looks();
    let alone: Vec<_> = (0..FEW).map(|_| node.begun(1)).collect();
    node.clock.advance(TIMEOUT / 2);
    let mut leader = node.begun(1);
    node.clock.advance(TIMEOUT / 2);
    for (one, number) in alone.into_iter().zip(1..) {
        assert_eq!(tokio::time::timeout(PATIENCE, one).await.expect("no wait for the leader"), number);
    }
    begin(&mut leader);
    node.clock.advance(TIMEOUT / 2);
    assert_eq!(tokio::time::timeout(PATIENCE, leader).await.expect("an end"), FEW + 1);
    assert_eq!(node.cache.stats().bypasses.released, FEW, "loaded beside a flight");
}

#[tokio::test]
async fn what_was_cleared_since_the_look_is_asked_for_anew() {
    let node = Node::new("far::alone::cleared");
    assert_eq!(node.call(2).await, 1);
    node.backend.hold_looks();
    // Nothing is there, of the generation that is about to end.
    let call = node.begun(1);
    assert_eq!(node.cache.clear_async().await, Delivery::Shared);
    node.backend.release_looks();
    assert_eq!(call.await, 2);
    assert_eq!(node.call(1).await, 2, "stored under the generation of now");
}

#[tokio::test]
async fn a_look_that_is_dropped_leaves_the_way_free() {
    let node = Node::new("far::alone::dropped");
    assert_eq!(node.call(1).await, 1);
    node.backend.hold_looks();
    drop(node.begun(1));
    node.backend.release_looks();
    let before = node.backend.looks();
    node.backend.hold_looks();
    // As many as before look alone, and one for the others.
    let calls: Vec<_> = (0..FEW + 2).map(|_| node.begun(1)).collect();
    assert_eq!(node.backend.looks() - before, FEW + 1);
    node.backend.release_looks();
    for call in calls {
        assert_eq!(call.await, 1);
    }
}
