//! The fill lock across nodes, with leases that are short.

use super::nodes::{TIMEOUT, node, places};
use cachekit_runtime::Cache;
use cachekit_tests::redis_server::RedisServer;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::Notify;

const LEASE: Duration = Duration::from_millis(300);

fn locked(server: &RedisServer, near: bool) -> Cache<u64, String> {
    places(Cache::builder().name("far::lock").lock(LEASE), server.port(), near).build()
}

/// What is in Redis of the key, as its head says: `l` is a lock, `v` a value.
fn kind(server: &RedisServer, key: u64) -> Option<char> {
    let found = server.cli(&["KEYS", &format!("ck:default:d:*:{key}}}:*")]);
    let bytes = server.cli(&["GETRANGE", found.lines().next()?, "7", "7"]);
    bytes.chars().next()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_and_fifty_callers_compute_once_in_all() {
    let server = RedisServer::start();
    for near in [false, true] {
        let nodes = [locked(&server, near), locked(&server, near)];
        let loads = Arc::new(AtomicU64::new(0));
        for key in 0..20 {
            let key = key + 100 * u64::from(near);
            let callers: Vec<_> = (0..50)
                .map(|caller| {
                    let (node, loads) = (nodes[caller % 2].clone(), loads.clone());
                    tokio::spawn(async move {
                        let load = || async {
                            loads.fetch_add(1, Ordering::SeqCst);
                            tokio::time::sleep(LEASE / 10).await; // sleeps: the others have to meet the load
                            format!("{key}")
                        };
                        node.get_or_compute_async(&key, load).await
                    })
                })
                .collect();
            for caller in callers {
                assert_eq!(caller.await.expect("no panic"), format!("{key}"));
            }
        }
        assert_eq!(loads.load(Ordering::SeqCst), 20);
        let waits: u64 = nodes.iter().map(|node| node.stats().far.lock_waits).sum();
        assert!(waits >= 20, "{waits}: one waiter for each key, whatever it has callers");
        assert!(waits <= 40, "{waits}: one of a node waits for all its callers");
    }
}

/// Sync callers too.
#[test]
fn threads_compute_once_in_all() {
    let server = RedisServer::start();
    let nodes = [locked(&server, false), locked(&server, true)];
    let loads = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for caller in 0..10 {
            let (node, loads) = (&nodes[caller % 2], &loads);
            scope.spawn(move || {
                let load = || {
                    loads.fetch_add(1, Ordering::SeqCst);
                    std::thread::sleep(LEASE / 2); // sleeps: the others have to meet the load
                    "value".to_owned()
                };
                assert_eq!(node.get_or_compute(&1, load), "value");
            });
        }
    });
    assert_eq!(loads.load(Ordering::SeqCst), 1);
}

/// The holder is gone without a word: its future was dropped.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_takes_over_after_the_lease() {
    let server = RedisServer::start();
    let (one, other) = (locked(&server, false), locked(&server, true));
    let loading = Arc::new(Notify::new());
    let begun = loading.clone();
    let holder = tokio::spawn(async move {
        let load = || async {
            begun.notify_one();
            std::future::pending().await
        };
        one.get_or_compute_async(&1, load).await
    });
    loading.notified().await;
    assert_eq!(kind(&server, 1), Some('l'), "it holds the lock");
    let waiting = tokio::spawn({
        let other = other.clone();
        async move { other.get_or_compute_async(&1, || async { "taken over".to_owned() }).await }
    });
    while other.stats().far.lock_waits == 0 {
        tokio::task::yield_now().await;
    }
    holder.abort();
    let start = Instant::now();
    assert_eq!(waiting.await.expect("no panic"), "taken over");
    // At most a third of a lease until it is not renewed, the lease, and a look; with a margin of four.
    assert!(start.elapsed() <= 4 * (2 * LEASE + TIMEOUT), "{:?}", start.elapsed());
    let third = node("far::lock", server.port(), false);
    while third.get_async(&1).await.as_deref() != Some("taken over") {
        assert!(start.elapsed() < Duration::from_secs(30), "it is stored: {:?}", other.stats().far);
        tokio::task::yield_now().await;
    }
}

/// A lock whose load takes longer than the lease stays, and its value is stored. Who waits does so for one lease and computes beside it then: the holder
/// may wait for something that the waiter holds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_lease_is_renewed_while_a_long_load_runs() {
    let server = RedisServer::start();
    for near in [false, true] {
        let key = u64::from(near);
        let (one, other) = (locked(&server, near), locked(&server, near));
        let (loading, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (begun, goes) = (loading.clone(), go.clone());
        let holding = one.clone();
        let holder = tokio::spawn(async move {
            let load = || async {
                begun.notify_one();
                goes.notified().await;
                "long".to_owned()
            };
            holding.get_or_compute_async(&key, load).await
        });
        loading.notified().await;
        let start = Instant::now();
        let waiting = tokio::spawn(async move {
            let value = other.get_or_compute_async(&key, || async { "beside".to_owned() }).await;
            (value, start.elapsed(), other.stats().far.stores)
        });
        while start.elapsed() < 4 * LEASE {
            assert_eq!(kind(&server, key), Some('l'), "the lock is there after {:?}", start.elapsed());
            tokio::time::sleep(LEASE / 20).await; // sleeps: the server's clock is under test
        }
        let (value, waited, stores) = waiting.await.expect("no panic");
        assert_eq!((value.as_str(), stores), ("beside", 0));
        assert!(waited >= LEASE && waited <= 4 * (LEASE + TIMEOUT), "{waited:?}");
        go.notify_one();
        assert_eq!(holder.await.expect("no panic"), "long");
        cachekit_runtime::flush().await;
        assert_eq!((one.stats().far.stores, kind(&server, key)), (1, Some('v')));
    }
}

/// Two nodes that hold what the other one waits for: neither waits for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn loads_of_two_nodes_that_wait_for_each_other_end() {
    let server = RedisServer::start();
    let nodes = [locked(&server, false), locked(&server, false)];
    let both = Arc::new(tokio::sync::Barrier::new(2));
    let calls = [0_u64, 1].map(|own| {
        let (node, both) = (nodes[own as usize].clone(), both.clone());
        tokio::spawn(async move {
            let load = || async {
                both.wait().await;
                let others = 1 - own;
                node.get_or_compute_async(&others, || async { format!("beside {others}") }).await
            };
            node.get_or_compute_async(&own, load).await
        })
    });
    for call in calls {
        let ended = tokio::time::timeout(Duration::from_secs(30), call).await.expect("it ends").expect("no panic");
        assert!(ended.contains("beside"), "{ended}");
    }
}

/// A load that fails gives the lock back at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_load_that_fails_gives_the_lock_back() {
    let server = RedisServer::start();
    let one = locked(&server, false);
    let failed: Result<String, u32> = one.try_get_or_compute_async(&1, || async { Err(7) }).await;
    assert_eq!(failed, Err(7));
    cachekit_runtime::flush().await;
    assert_eq!(kind(&server, 1), None);
}
