//! Memory in front of a Redis whose user may not watch keys: changes are heard by a channel, and where that is refused too, what is in memory is compared once a second.

use cachekit_runtime::{Builder, Delivery, backend::redis::Settings, invalidate_tag_async};
use cachekit_tests::{
    node::Node,
    redis_server::{Cluster, RedisServer},
    waiting::comes_true,
};
use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

/// What the table promises, with a margin of four.
const BOUND: Duration = Duration::from_secs(4 * 2);

/// Two nodes of a user who may do everything but watch keys, and what `besides` takes away.
fn nodes(server: &RedisServer, name: &'static str, tag: &'static str, besides: &[&str]) -> [Node; 2] {
    let mut rule = vec!["ACL", "SETUSER", "app", "on", ">secret", "~*", "&*", "+@all", "-client|tracking"];
    rule.extend(besides);
    assert_eq!(server.cli(&rule), "OK");
    let url = format!("redis://app:secret@127.0.0.1:{}", server.port());
    let tagged = |builder: Builder<u64, u64>| builder.tags_with(move |_| vec![tag.to_owned()]);
    [(); 2].map(|()| Node::with(name, Settings::new(&url).open().expect("settings"), tagged))
}

async fn seen(other: &Node, source: &AtomicU64, round: u64) -> Duration {
    let start = Instant::now();
    comes_true("the change", || async { other.call(7, source).await == round }).await;
    start.elapsed()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_are_heard_by_a_channel() {
    let server = RedisServer::start();
    let [one, other] = nodes(&server, "channel", "channel:tag", &[]);
    let source = AtomicU64::new(0);
    other.hears(7, &source).await;
    let (mut soon, mut longest) = (0, Duration::ZERO);
    for round in 1..=90 {
        other.call(7, &source).await;
        source.store(round, Ordering::SeqCst);
        let delivery = match round % 3 {
            0 => one.cache.invalidate_async(&7).await,
            1 => invalidate_tag_async("channel:tag").await,
            _ => one.cache.clear_async().await,
        };
        assert_eq!(delivery, Delivery::Shared);
        let took = seen(&other, &source, round).await;
        soon += u32::from(took < Duration::from_millis(250));
        longest = longest.max(took);
    }
    assert!(soon >= 80 && longest < BOUND, "{soon} of 90 were heard at once, the last after {longest:?}");
    other.hears(7, &source).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_channel_what_is_in_memory_is_compared() {
    let server = RedisServer::start();
    let [one, other] = nodes(&server, "silent", "silent:tag", &["resetchannels", "-publish"]);
    let source = AtomicU64::new(0);
    other.hears(7, &source).await;
    for round in 1..=6 {
        other.hears(7, &source).await;
        source.store(round, Ordering::SeqCst);
        let delivery = match round % 3 {
            0 => one.cache.invalidate_async(&7).await,
            1 => invalidate_tag_async("silent:tag").await,
            _ => one.cache.clear_async().await,
        };
        assert_eq!(delivery, Delivery::Shared, "who may not publish invalidates all the same");
        if round > 3 {
            comes_true("an answer in time", || async { cachekit_runtime::sync().await.is_ok() }).await;
            assert_eq!(other.call(7, &source).await, round, "after a sync");
        }
        let took = seen(&other, &source, round).await;
        assert!(took < BOUND, "{took:?}");
    }
}

/// It answers a `sync` late, and is no master any more by then: what the others confirm counts all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_master_that_answers_after_it_has_lost_its_slots_holds_up_nobody() {
    let options = RedisServer::options().user("app on >secret ~* &* +@all -client|tracking");
    let cluster = Cluster::with(options.set("cluster-require-full-coverage", "no"), 2, 0);
    let url = cluster.url().replace("redis-cluster://", "redis-cluster://app:secret@");
    let node = Node::new("late", Settings::new(url).open().expect("settings"));
    let source = AtomicU64::new(0);
    for key in 0..8 {
        node.hears(key, &source).await;
    }
    let (stays, goes) = (cluster.node(0), cluster.node(1));
    assert_eq!(goes.cli(&["CLUSTER", "DELSLOTSRANGE", "8192", "16383"]), "OK");
    // Less than who asks waits for an answer. So there is always a question that is not answered yet, also when it is noticed who the masters are.
    goes.cli(&["CLIENT", "PAUSE", "700", "ALL"]);
    assert_eq!(stays.cli(&["CLUSTER", "DELSLOTSRANGE", "8192", "16383"]), "OK");
    assert_eq!(stays.cli(&["CLUSTER", "ADDSLOTSRANGE", "8192", "16383"]), "OK");
    let (start, mut syncs, mut pauses) = (Instant::now(), Vec::new(), Vec::new());
    while start.elapsed() < Duration::from_secs(3) {
        syncs.push(tokio::spawn(cachekit_runtime::sync()));
        if syncs.len() % 28 == 0 {
            pauses.push(goes.cli_detached(&["CLIENT", "PAUSE", "700", "ALL"]));
        }
        tokio::time::sleep(Duration::from_millis(25)).await; // sleeps: between questions that have to meet a moment of the servers'
    }
    for sync in syncs {
        // Those that met the moment may have failed.
        let _ = sync.await.expect("no panic");
    }
    for _ in 0..2 {
        node.hears(7, &source).await;
        tokio::time::sleep(Duration::from_millis(2_500)).await; // sleeps: a lease that nobody prolongs has to end
    }
    node.hears(7, &source).await;
}
