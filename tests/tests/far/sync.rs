//! Sync callers of an async backend: on plain threads, inside both kinds of tokio runtime, in loaders of other caches, and around the shutdown.

use super::nodes::{RUNTIME, TIMEOUT, in_time, node, patient};
use cachekit_runtime::{Cache, Delivery, is_shut_down, shutdown};
use cachekit_tests::{child, eventually, never_hangs, redis_server::RedisServer};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};
use tokio::task::LocalSet;

type Work = Arc<dyn Fn(&str) + Send + Sync>;

/// Runs `work` wherever sync code can be.
fn everywhere(work: &Work) {
    let there = |place: &'static str| {
        let work = Arc::clone(work);
        move || work(place)
    };
    thread::spawn(there("a plain thread")).join().expect("no panic");

    let single = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    single.block_on(async { there("a runtime of one thread")() });
    let task = single.spawn({
        let work = there("a task of a runtime of one thread");
        async move { work() }
    });
    single.block_on(task).expect("no panic");
    let local = LocalSet::new();
    local.spawn_local({
        let work = there("a LocalSet");
        async move { work() }
    });
    single.block_on(local);
    let blocking = single.spawn_blocking(there("spawn_blocking of a runtime of one thread"));
    single.block_on(blocking).expect("no panic");
    // Nobody drives it any more; what it was given must not be missed.
    let _entered = single.enter();
    there("inside a runtime that nobody drives")();
    drop(_entered);

    RUNTIME.block_on(async { there("block_on of a runtime of several threads")() });
    let task = RUNTIME.spawn({
        let work = there("a task of a runtime of several threads");
        async move { work() }
    });
    RUNTIME.block_on(task).expect("no panic");
    let blocking = RUNTIME.spawn_blocking(there("spawn_blocking"));
    RUNTIME.block_on(blocking).expect("no panic");
    let in_place = RUNTIME.spawn({
        let work = there("block_in_place");
        async move { tokio::task::block_in_place(work) }
    });
    RUNTIME.block_on(in_place).expect("no panic");
}

/// All threads of a runtime at once, so that none is left to drive anything else.
fn all_threads(work: &Work) {
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let work = Arc::clone(work);
            RUNTIME.spawn(async move { work("all threads of a runtime") })
        })
        .collect();
    for task in tasks {
        RUNTIME.block_on(task).expect("no panic");
    }
}

static NEXT: AtomicU64 = AtomicU64::new(0);

fn new_key() -> u64 {
    NEXT.fetch_add(1, Ordering::SeqCst)
}

#[test]
fn it_is_the_same_everywhere() {
    let server = RedisServer::start();
    let other = patient("far::sync", server.port(), false);
    for near in [false, true] {
        let (one, other) = (patient("far::sync", server.port(), near), other.clone());
        let work: Work = Arc::new(move |place| {
            let key = new_key();
            let value = one.get_or_compute(&key, || format!("{key} of {place}"));
            assert_eq!(value, format!("{key} of {place}"));
            eventually(place, || other.get(&key) == Some(value.clone()));
            assert_eq!(one.get_or_compute(&key, || panic!("{place}: it is there")), value);
            assert_eq!(one.get(&key), Some(value.clone()));
            assert_eq!(other.get_or_compute(&key, || panic!("{place}: it is there")), value);
            assert_eq!(one.invalidate(&key), Delivery::Shared, "{place}");
            assert_eq!((one.get(&key), other.get(&key)), (None, None), "{place}");
            let failed: Result<_, u32> = one.try_get_or_compute(&key, || Err(7));
            assert_eq!((failed, other.get(&key)), (Err(7), None), "{place}");
            assert_eq!(one.insert(key, "inserted".to_owned()), Delivery::Shared, "{place}");
            assert_eq!(other.get(&key).as_deref(), Some("inserted"), "{place}");
            assert_eq!(one.remove(&key).as_deref(), Some("inserted"), "{place}");
            assert_eq!(other.get(&key), None, "{place}");
        });
        never_hangs(move || {
            everywhere(&work);
            all_threads(&work);
        });
    }
}

#[test]
fn sync_and_async_callers_find_the_same() {
    let server = RedisServer::start();
    let (one, other) = (patient("far::both", server.port(), false), patient("far::both", server.port(), false));
    assert_eq!(one.get_or_compute(&1, || "sync".to_owned()), "sync");
    let unreached = || async { panic!("it is there") };
    assert_eq!(RUNTIME.block_on(other.get_or_compute_async(&1, unreached)), "sync");
    assert_eq!(RUNTIME.block_on(other.get_or_compute_async(&2, || async { "async".to_owned() })), "async");
    assert_eq!(one.get_or_compute(&2, || panic!("it is there")), "async");
    assert_eq!(RUNTIME.block_on(other.invalidate_async(&2)), Delivery::Shared);
    assert_eq!((one.get(&2), one.clear()), (None, Delivery::Shared));
    assert_eq!(RUNTIME.block_on(other.get_async(&1)), None);
}

/// Loaders that call functions that call functions, sync in async and the other way round.
fn nested(caches: &[Cache<u64, String>], key: u64) -> String {
    match caches.split_last() {
        Some((cache, inner)) => cache.get_or_compute(&key, || format!("({})", nested(inner, key))),
        None => key.to_string(),
    }
}

#[test]
fn loaders_call_others() {
    let server = RedisServer::start();
    for near in [false, true] {
        let names = ["far::nested1", "far::nested2", "far::nested3"];
        let caches = names.map(|name| node(name, server.port(), near));
        let others = names.map(|name| node(name, server.port(), false));
        let work: Work = Arc::new(move |place| {
            let key = new_key();
            assert_eq!(nested(&caches, key), format!("((({key})))"), "{place}");
            for (depth, other) in others.iter().enumerate() {
                let expected = format!("{}{key}{}", "(".repeat(depth + 1), ")".repeat(depth + 1));
                // On a machine that is busy the backend may be too late to be told: then it is told again.
                let again = || {
                    caches[depth].invalidate(&key);
                    nested(&caches[..=depth], key);
                    false
                };
                eventually(place, || other.get(&key) == Some(expected.clone()) || again());
            }
            // The loader of an async call on this thread, which is blocked by it.
            let outer = new_key();
            let call = caches[2].get_or_compute_async(&outer, || async { nested(&caches[..2], outer) });
            assert_eq!(cachekit_tests::drive::drive(call), format!("(({outer}))"), "{place}");
        });
        never_hangs(move || {
            everywhere(&work);
            all_threads(&work);
        });
    }
}

#[test]
fn a_frozen_and_a_dead_server_hold_nobody_up() {
    let mut server = RedisServer::start();
    for is_dead in [false, true] {
        let nodes = [false, true].map(|near| node("far::sync_outage", server.port(), near));
        nodes[0].get_or_compute(&u64::MAX, || "before".to_owned());
        let paused = if is_dead {
            server.kill();
            None
        } else {
            Some(server.pause())
        };
        let seen = nodes.clone();
        let work: Work = Arc::new(move |place| {
            for node in &nodes {
                let key = new_key();
                let computed = format!("{key} of {place}");
                assert_eq!(in_time(place, || node.get_or_compute(&key, || computed.clone())), computed);
                assert_eq!(in_time(place, || node.invalidate(&key)), Delivery::Queued, "{place}");
                assert_eq!(in_time(place, || node.get(&key)), None, "{place}");
                assert_eq!(in_time(place, || node.insert(key, "inserted".to_owned())), Delivery::Queued, "{place}");
                in_time(place, || node.remove(&key));
                assert_eq!(in_time(place, || node.get_or_compute(&key, || computed.clone())), computed);
            }
        });
        never_hangs(move || everywhere(&work));
        drop(paused);
        assert!(seen.iter().all(|node| node.stats().far.errors > 0));
    }
}

#[test]
fn around_a_shutdown() {
    if child::role().is_none() {
        child::run("sync::around_a_shutdown", "child", |_| {});
        return;
    }
    let mut server = RedisServer::start();
    let nodes = [false, true].map(|near| node("far::shutdown", server.port(), near));
    let other = node("far::shutdown", server.port(), false);
    let (stop, calls) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let callers: Vec<_> = (0..6)
        .map(|number| {
            let (node, stop, calls) = (nodes[number % 2].clone(), stop.clone(), calls.clone());
            let work = move || {
                while !stop.load(Ordering::SeqCst) {
                    let key = new_key();
                    let value = in_time("a call", || node.get_or_compute(&key, || key.to_string()));
                    assert_eq!(value, key.to_string());
                    in_time("an invalidation", || node.invalidate(&key));
                    assert_eq!(in_time("a look", || node.get(&key)), None);
                    calls.fetch_add(1, Ordering::SeqCst);
                }
            };
            thread::spawn(move || match number % 3 {
                0 => work(),
                1 => RUNTIME.block_on(async { work() }),
                _ => RUNTIME.block_on(RUNTIME.spawn_blocking(work)).expect("no panic"),
            })
        })
        .collect();
    let more = |calls: &AtomicU64| {
        let seen = calls.load(Ordering::SeqCst);
        eventually("calls go on", || calls.load(Ordering::SeqCst) > seen + 20);
    };
    more(&calls);
    let ended = shutdown();
    assert!(ended.wait_timeout(Duration::from_secs(30)), "it ends under load");
    assert!(is_shut_down());
    more(&calls);
    stop.store(true, Ordering::SeqCst);
    for caller in callers {
        caller.join().expect("no panic");
    }

    let after = nodes.clone();
    let work: Work = Arc::new(move |place| {
        for (node, is_near) in after.iter().zip([false, true]) {
            let key = new_key();
            assert_eq!(in_time(place, || node.get_or_compute(&key, || place.to_owned())), place);
            if !is_near {
                assert_eq!(other.get(&key).as_deref(), Some(place), "the caller stores it itself");
            }
            assert_eq!(in_time(place, || node.get(&key)).as_deref(), Some(place));
            assert_eq!(in_time(place, || node.invalidate(&key)), Delivery::Shared, "{place}");
            assert_eq!(in_time(place, || node.insert(key, "inserted".to_owned())), Delivery::Shared, "{place}");
            assert_eq!(other.get(&key).as_deref(), Some("inserted"), "{place}");
        }
    });
    let again = work.clone();
    never_hangs(move || everywhere(&again));

    // What an outage left is told even now.
    nodes[0].insert(u64::MAX, "old".to_owned());
    let paused = server.pause();
    let start = std::time::Instant::now();
    assert_eq!(in_time("an invalidation", || nodes[0].invalidate(&u64::MAX)), Delivery::Queued);
    assert!(start.elapsed() >= TIMEOUT / 2, "it was asked");
    assert_eq!(in_time("a call", || nodes[0].get_or_compute(&u64::MAX, || "new".to_owned())), "new");
    drop(paused);
    let asks = node("far::shutdown", server.port(), false);
    eventually("it is delivered", || asks.get(&u64::MAX) != Some("old".to_owned()) && asks.stats().far.misses > 0);
    server.kill();
    let dead = nodes[1].clone();
    never_hangs(move || {
        everywhere(
            &(Arc::new(move |place: &str| {
                let key = new_key();
                assert_eq!(in_time(place, || dead.get_or_compute(&key, || place.to_owned())), place);
                assert_eq!(in_time(place, || dead.invalidate(&key)), Delivery::Queued, "{place}");
            }) as Work),
        );
    });
}

/// A value whose decoding calls another cache of the same backends: that runs where backends are driven.
#[test]
fn a_decode_that_calls_a_cache() {
    use cachekit_runtime::{Place, backend::redis::RedisBackend};
    use serde::{Deserialize, Deserializer, Serialize};
    use std::sync::OnceLock;

    static INNER: OnceLock<Cache<u64, String>> = OnceLock::new();

    #[derive(Debug, Clone, PartialEq, Serialize)]
    struct Outer(u64);

    impl<'de> Deserialize<'de> for Outer {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let inner = u64::deserialize(deserializer)?;
            if let Some(cache) = INNER.get() {
                assert_eq!(cache.get_or_compute(&inner, || inner.to_string()), inner.to_string());
            }
            Ok(Outer(inner))
        }
    }

    let server = RedisServer::start();
    INNER.get_or_init(|| node("far::inner", server.port(), false));
    never_hangs(move || {
        let backend: RedisBackend = super::nodes::redis(server.port());
        let outer = || {
            let builder = Cache::<u64, Outer>::builder().name("far::outer").version(1).timeout(TIMEOUT);
            builder.backends([Place::own(backend.clone())]).build()
        };
        assert_eq!(outer().get_or_compute(&1, || Outer(5)), Outer(5));
        assert_eq!(outer().get_or_compute(&1, || Outer(6)), Outer(5));
    });
}
