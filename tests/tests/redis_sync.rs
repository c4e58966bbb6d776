//! `sync()` promises something to whoever it tells that it is done, so it has to say when it is not: a master does not answer.

use cachekit_runtime::{
    Delivery,
    backend::{Failure, redis::Settings},
};
use cachekit_tests::{
    child::fails_without,
    fault_proxy::{Fault, FaultProxy},
    node::Node,
    redis_server::{Cluster, RedisServer},
    waiting::{comes_true, failure},
};
use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};
use tokio::sync::Mutex;

/// A `sync` asks all backends of the process.
static TURN: Mutex<()> = Mutex::const_new(());

/// What it may take, with a margin of four.
const IN_TIME: Duration = Duration::from_secs(4);

fn node(name: &'static str, url: &str) -> Node {
    let settings = Settings::new(url).connect_timeout(Duration::from_millis(500));
    Node::new(name, settings.response_timeout(Duration::from_millis(250)).open().expect("settings"))
}

async fn is_synced() -> bool {
    cachekit_runtime::sync().await.is_ok()
}

/// In what way it failed, which may not take long.
async fn fails() -> Failure {
    let start = Instant::now();
    let (failure, message) = failure(cachekit_runtime::sync().await);
    assert!(start.elapsed() < IN_TIME, "{:?}: {message}", start.elapsed());
    failure
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_stands_still_fails_a_sync() {
    let _turn = TURN.lock().await;
    let server = RedisServer::start();
    let node = node("sync::still", &server.url());
    let source = AtomicU64::new(1);
    node.hears(7, &source).await;
    comes_true("an answer in time", is_synced).await;
    let paused = server.pause();
    assert_eq!(fails().await, Failure::Timeout);
    // The lease is not over yet, but what it is about was not heard out.
    source.store(2, Ordering::SeqCst);
    assert_eq!(node.call(7, &source).await, 2);
    for _ in 0..3 {
        // The connection that hears is given up by now.
        fails().await;
    }
    drop(paused);
    comes_true("an answer again", is_synced).await;
    node.hears(7, &source).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_port_fails_a_sync() {
    let _turn = TURN.lock().await;
    let mut server = RedisServer::start();
    let node = node("sync::closed", &server.url());
    let source = AtomicU64::new(1);
    node.hears(7, &source).await;
    server.kill();
    for _ in 0..20 {
        fails().await;
    }
    server.restart();
    comes_true("an answer again", is_synced).await;
    node.hears(7, &source).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_master_of_a_cluster_that_does_not_answer_fails_a_sync() {
    let _turn = TURN.lock().await;
    let mut cluster = Cluster::start(3, 0);
    let node = node("sync::cluster", &cluster.url());
    let source = AtomicU64::new(1);
    node.hears(7, &source).await;
    comes_true("an answer of all masters", is_synced).await;
    let paused = cluster.pause(1);
    for _ in 0..3 {
        fails().await;
    }
    drop(paused);
    comes_true("an answer again", is_synced).await;
    cluster.kill(2);
    for _ in 0..10 {
        fails().await;
    }
    cluster.restart(2);
    comes_true("an answer again, after a start", is_synced).await;
    node.hears(7, &source).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_no_cache_has_any_more_fails_none() {
    let _turn = TURN.lock().await;
    let mut server = RedisServer::start();
    let node = node("sync::gone", &server.url());
    let source = AtomicU64::new(1);
    node.hears(7, &source).await;
    server.kill();
    // It waits for the server, however long that takes.
    assert_eq!(node.cache.invalidate_async(&7).await, Delivery::Queued);
    fails().await;
    drop(node);
    comes_true("nobody asks it", is_synced).await;
}

/// What a process is told is on its way for longer than anything else here takes: only who waits for it sees it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_slow_on_its_way_is_heard_out() {
    let _turn = TURN.lock().await;
    let server = RedisServer::start();
    let proxy = FaultProxy::before(server.port());
    let (one, other) = (node("sync::slow", &server.url()), node("sync::slow", &server.url_at(proxy.port())));
    let source = AtomicU64::new(0);
    // Whoever is held up for as long as the news are sees them without a wait too; not every time.
    for round in 1..=5 {
        proxy.set(Fault::None);
        other.hears(7, &source).await;
        proxy.set(Fault::Delay(Duration::from_millis(300)));
        source.store(round, Ordering::SeqCst);
        comes_true("an invalidation", || async { one.cache.invalidate_async(&7).await == Delivery::Shared }).await;
        comes_true("an answer in time", is_synced).await;
        assert_eq!(other.call(7, &source).await, round, "after a sync");
    }
}

#[test]
fn without_a_wait_for_answers_a_sync_promises_what_is_not_so() {
    fails_without("sync", "what_is_slow_on_its_way_is_heard_out", "after a sync");
    fails_without("sync", "a_server_that_stands_still_fails_a_sync", "panicked");
}
