//! Memory in front of a real Redis, on two nodes.

use cachekit_runtime::{
    Builder, Cache, Delivery, Place,
    backend::redis::{RedisBackend, Settings},
    invalidate_tag_async,
};
use cachekit_tests::{
    child::fails_without,
    node::Node,
    redis_server::RedisServer,
    waiting::{PATIENCE, comes_true, shared},
};
use std::{
    sync::{
        Arc, LazyLock, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::runtime::Runtime;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
});

/// A `sync` fails where any server of the process does not answer: who needs that all do, and who stops one, take turns.
static ALL_ANSWER: RwLock<()> = RwLock::new(());

fn all_answer() -> RwLockReadGuard<'static, ()> {
    ALL_ANSWER.read().unwrap_or_else(PoisonError::into_inner)
}

fn not_all_answer() -> RwLockWriteGuard<'static, ()> {
    ALL_ANSWER.write().unwrap_or_else(PoisonError::into_inner)
}

/// What a tag's invalidation comes to depends on every backend of the process that has tags.
fn turn_of_tags() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A late answer is none, and then a call computes: on a busy machine that is not what these tests are about.
fn redis_at(url: &str) -> RedisBackend {
    Settings::new(url).connect_timeout(PATIENCE).response_timeout(PATIENCE).open().expect("settings")
}

fn impatient_at(url: &str) -> RedisBackend {
    let settings = Settings::new(url).connect_timeout(Duration::from_millis(300));
    settings.response_timeout(Duration::from_millis(150)).open().expect("settings")
}

/// On a machine that is busy an answer may be late: then what is in memory is compared, until the next one.
async fn synced() {
    comes_true("an answer in time", || async { cachekit_runtime::sync().await.is_ok() }).await;
}

#[test]
fn what_another_node_invalidated_is_seen_after_a_sync_and_soon_without() {
    let _answers = all_answer();
    let server = RedisServer::start();
    RUNTIME.block_on(async {
        let [one, other] = [(); 2].map(|()| Node::new("redis_near::seen", redis_at(&server.url())));
        let source = AtomicU64::new(0);
        other.hears(7, &source).await;
        let mut longest = Duration::ZERO;
        for round in 1..=300 {
            other.call(7, &source).await;
            source.store(round, Ordering::SeqCst);
            shared(|| one.cache.invalidate_async(&7)).await;
            let start = Instant::now();
            if round % 2 == 0 {
                synced().await;
                assert_eq!(other.call(7, &source).await, round);
            } else {
                comes_true("the news", || async { other.call(7, &source).await == round }).await;
                longest = longest.max(start.elapsed());
            }
            assert_eq!(one.call(7, &source).await, round, "who invalidated sees it at once");
        }
        assert!(longest < 4 * Duration::from_secs(2), "{longest:?}");
        let stats = other.cache.stats();
        assert!(stats.hits > 0, "{stats}");
    });
}

#[test]
fn a_tag_that_another_node_invalidated_is_seen() {
    let _turn = turn_of_tags();
    let _answers = all_answer();
    let server = RedisServer::start();
    RUNTIME.block_on(async {
        let tagged =
            |builder: Builder<u64, u64>| builder.tags_with(|key| vec![format!("half:{}", key % 2), "all".to_owned()]);
        let [one, other] = [(); 2].map(|()| Node::with("redis_near::tags", redis_at(&server.url()), tagged));
        let source = AtomicU64::new(1);
        for key in 0..4 {
            one.hears(key, &source).await;
            other.hears(key, &source).await;
        }
        let hits = other.cache.stats().hits;
        for key in 0..4 {
            other.call(key, &source).await;
        }
        assert_eq!(other.cache.stats().hits, hits + 4, "with tags, in memory");
        for round in 2..60 {
            source.store(round, Ordering::SeqCst);
            shared(|| invalidate_tag_async("half:0")).await;
            synced().await;
            for node in [&one, &other] {
                assert_eq!((node.call(0, &source).await, node.call(2, &source).await), (round, round));
                assert_eq!((node.call(1, &source).await, node.call(3, &source).await), (1, 1), "of another tag");
            }
        }
        // A tag that was evicted is a miss for the entries that have it, and no more.
        source.store(100, Ordering::SeqCst);
        server.cli(&["UNLINK", "ck:default:s:t:{all}"]);
        synced().await;
        assert_eq!((one.call(1, &source).await, other.call(1, &source).await), (100, 100));
    });
}

#[test]
fn a_clear_by_another_node_reaches_what_is_in_memory() {
    let _answers = all_answer();
    let server = RedisServer::start();
    RUNTIME.block_on(async {
        let [one, other] = [(); 2].map(|()| Node::new("redis_near::clear", redis_at(&server.url())));
        let beside = Node::new("redis_near::beside", redis_at(&server.url()));
        let source = AtomicU64::new(0);
        beside.hears(7, &source).await;
        let mut longest = Duration::ZERO;
        for round in 1..=100 {
            for key in 0..4 {
                other.hears(key, &source).await;
            }
            source.store(round, Ordering::SeqCst);
            shared(|| one.cache.clear_async()).await;
            let start = Instant::now();
            if round % 2 == 0 {
                synced().await;
            } else {
                comes_true("the news", || async { other.call(0, &source).await == round }).await;
                longest = longest.max(start.elapsed());
            }
            for key in 0..4 {
                assert_eq!((one.call(key, &source).await, other.call(key, &source).await), (round, round));
            }
            assert_eq!(beside.call(7, &source).await, 0, "another cache");
        }
        assert!(longest < 4 * Duration::from_secs(2), "{longest:?}");
    });
}

#[test]
fn a_tag_that_has_expired_comes_back_as_another_one() {
    let _turn = turn_of_tags();
    let _answers = all_answer();
    let server = RedisServer::start();
    RUNTIME.block_on(async {
        let tagged = |builder: Builder<u64, u64>| builder.tags_with(|_| vec!["brief".to_owned()]);
        let [one, other] = [(); 2].map(|()| Node::with("redis_near::brief", redis_at(&server.url()), tagged));
        let source = AtomicU64::new(1);
        for node in [&one, &other] {
            node.hears(1, &source).await;
        }
        let tag = "ck:default:s:t:{brief}";
        for round in 2..20 {
            server.cli(&["PEXPIRE", tag, "1"]);
            comes_true("its end", || async { server.cli(&["EXISTS", tag]) == "0" }).await;
            // News of the end that come while a fill is under way keep it from being stored, so that only
            // who has heard them before can count on a hit.
            let heard = round % 2 == 0;
            if heard {
                synced().await;
            }
            // Under another version, of which the other node need not have heard yet.
            source.store(round * 10, Ordering::SeqCst);
            assert_eq!(one.call(round + 100, &source).await, round * 10);
            cachekit_runtime::flush().await;
            source.store(round * 10 + 1, Ordering::SeqCst);
            let called = other.call(round + 100, &source).await;
            assert!(called == round * 10 || !heard && called == round * 10 + 1, "{called} in round {round}");
            assert_eq!(one.call(1, &source).await, round * 10 + 1, "of the version that has ended");
            cachekit_runtime::flush().await;
            synced().await;
            assert_eq!(other.call(1, &source).await, round * 10 + 1);
        }
    });
}

#[test]
fn a_server_that_is_emptied_says_so() {
    let _answers = all_answer();
    let server = RedisServer::start();
    RUNTIME.block_on(async {
        let node = Node::new("redis_near::emptied", redis_at(&server.url()));
        let source = AtomicU64::new(1);
        for (round, command) in (2..).zip(["FLUSHALL", "FLUSHDB", "FLUSHALL"]) {
            node.hears(7, &source).await;
            source.store(round, Ordering::SeqCst);
            server.cli(&[command]);
            synced().await;
            assert_eq!(node.call(7, &source).await, round, "after {command}");
        }
    });
}

#[test]
fn connections_that_are_cut_cost_questions_and_nothing_stale() {
    let _answers = all_answer();
    let server = RedisServer::start();
    RUNTIME.block_on(async {
        let [one, other] = [(); 2].map(|()| Node::new("redis_near::cut", redis_at(&server.url())));
        let source = AtomicU64::new(0);
        other.hears(7, &source).await;
        for round in 1..=60 {
            server.cli(&["CLIENT", "KILL", "TYPE", "pubsub"]);
            source.store(round, Ordering::SeqCst);
            // Its own connection is another one; what hears is cut.
            shared(|| one.cache.invalidate_async(&7)).await;
            synced().await;
            assert_eq!(other.call(7, &source).await, round);
        }
        other.hears(7, &source).await;
    });
}

#[test]
fn a_server_that_comes_back_with_old_data_brings_no_old_value() {
    let _answers = not_all_answer();
    let mut server = RedisServer::options().persistent().set("appendonly", "no").set("save", "").start();
    RUNTIME.block_on(async {
        let [one, other] = [(); 2].map(|()| Node::new("redis_near::snapshot", redis_at(&server.url())));
        let far = Cache::<u64, u64>::builder()
            .name("redis_near::snapshot")
            .ttl(Duration::from_secs(600))
            .backends([Place::own(redis_at(&server.url()))])
            .build();
        let source = AtomicU64::new(1);
        other.hears(7, &source).await;
        cachekit_runtime::flush().await;
        server.cli(&["SAVE"]);
        // A process that started in the same second as the snapshot was taken cannot be told from one before.
        tokio::time::sleep(Duration::from_millis(1_100)).await; // sleeps: the server's own clock has to go on
        source.store(2, Ordering::SeqCst);
        shared(|| one.cache.invalidate_async(&7)).await;
        server.kill();
        server.restart();
        assert!(server.cli(&["KEYS", "ck:default:d:*"]).contains("snapshot:7"), "the old value is back");
        for node in [&one, &other] {
            assert_eq!(node.call(7, &source).await, 2);
        }
        assert_eq!(far.get_or_compute_async(&7, || async { 2 }).await, 2, "also without memory");
        comes_true("the new value is shared", || async { far.get_async(&7).await == Some(2) }).await;
    });
}

#[test]
fn a_server_that_stands_still_is_not_trusted_for_longer_than_the_lease() {
    let _answers = not_all_answer();
    let server = RedisServer::start();
    RUNTIME.block_on(async {
        let [one, other] = [(); 2].map(|()| Node::new("redis_near::still", impatient_at(&server.url())));
        let source = AtomicU64::new(1);
        other.hears(7, &source).await;
        let paused = server.pause();
        let start = Instant::now();
        source.store(2, Ordering::SeqCst);
        assert_eq!(one.cache.invalidate_async(&7).await, Delivery::Queued);
        assert_eq!(one.call(7, &source).await, 2);
        comes_true("it does not trust its copy", || async { other.call(7, &source).await == 2 }).await;
        let took = start.elapsed();
        assert!(took < 4 * Duration::from_secs(2), "{took:?}");
        drop(paused);
        comes_true("the invalidation is delivered", || async {
            other.hears(7, &source).await;
            other.call(7, &source).await == 2
        })
        .await;
    });
}

#[test]
fn in_an_outage_copies_are_given_only_where_that_was_asked_for() {
    let _answers = not_all_answer();
    let mut server = RedisServer::start();
    RUNTIME.block_on(async {
        let plain = Node::new("redis_near::outage", impatient_at(&server.url()));
        let lenient = Node::with("redis_near::outage", impatient_at(&server.url()), |builder| {
            builder.near_outage(Duration::from_secs(3_600))
        });
        let source = AtomicU64::new(1);
        plain.hears(7, &source).await;
        lenient.hears(7, &source).await;
        server.kill();
        source.store(2, Ordering::SeqCst);
        comes_true("it computes", || async { plain.call(7, &source).await == 2 }).await;
        for _ in 0..20 {
            assert_eq!(lenient.call(7, &source).await, 1);
        }
        assert_eq!(lenient.call(8, &source).await, 2, "what it has no copy of it computes");
        // Its own invalidations count all the same.
        assert_eq!(lenient.cache.invalidate_async(&7).await, Delivery::Queued);
        assert_eq!(lenient.call(7, &source).await, 2);
    });
}

#[test]
fn under_load_nothing_is_older_than_a_sync_allows() {
    let _answers = all_answer();
    let server = RedisServer::start();
    RUNTIME.block_on(async {
        let nodes: Vec<_> = (0..3).map(|_| Arc::new(Node::new("redis_near::load", redis_at(&server.url())))).collect();
        let source: Arc<Vec<AtomicU64>> = Arc::new((0..16).map(|_| AtomicU64::new(0)).collect());
        nodes[0].hears(0, &source[0]).await;
        let stop = Arc::new(AtomicBool::new(false));
        let mut tasks = Vec::new();
        for (number, node) in nodes.iter().enumerate() {
            for task in 0..4_usize {
                let (node, source, stop) = (node.clone(), source.clone(), stop.clone());
                tasks.push(tokio::spawn(async move {
                    let mut calls = 0_u64;
                    while !stop.load(Ordering::Relaxed) {
                        let key = (calls as usize * 7 + task + number) % source.len();
                        let seen = node.call(key as u64, &source[key]).await;
                        assert!(seen <= source[key].load(Ordering::SeqCst));
                        calls += 1;
                        tokio::task::yield_now().await;
                    }
                    calls
                }));
            }
        }
        for round in 0..400_usize {
            let key = round % source.len();
            let version = source[key].fetch_add(1, Ordering::SeqCst) + 1;
            let writer = &nodes[round % nodes.len()];
            shared(|| async { writer.cache.invalidate_async(&(key as u64)).await }).await;
            assert_eq!(writer.call(key as u64, &source[key]).await, version);
            synced().await;
            for node in &nodes {
                assert_eq!(node.call(key as u64, &source[key]).await, version, "round {round}");
            }
        }
        stop.store(true, Ordering::Relaxed);
        let mut calls = 0;
        for task in tasks {
            calls += task.await.expect("no call was wrong");
        }
        assert!(calls > 1_000, "{calls}");
    });
}

#[test]
fn a_sync_needs_no_runtime() {
    let _answers = all_answer();
    let server = RedisServer::start();
    let node = Node::new("redis_near::apart", redis_at(&server.url()));
    let source = AtomicU64::new(1);
    RUNTIME.block_on(node.hears(7, &source));
    cachekit_tests::eventually("an answer in time", || cachekit_tests::drive::drive(cachekit_runtime::sync()).is_ok());
}

/// What a connection that was cut did not tell is in memory still when the next one begins.
#[test]
fn without_a_look_at_heads_what_was_not_told_is_never_seen() {
    fails_without("heads", "connections_that_are_cut_cost_questions_and_nothing_stale", "left: ");
}

#[test]
fn without_the_boot_key_old_data_bring_an_old_value() {
    fails_without("boot", "a_server_that_comes_back_with_old_data_brings_no_old_value", "left: 1");
}
