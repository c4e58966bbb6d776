//! A backend is one for the whole process, and runtimes come and go: each has its own connection, and no caller finds one whose runtime is gone.

use cachekit_runtime::{
    Error,
    backend::{Address, Backend, Fingerprint, redis::RedisBackend},
};
use cachekit_tests::{Hand, redis_server::RedisServer};
use std::thread;
use tokio::runtime::{Builder, Runtime};

fn address(n: u32) -> Address {
    Address::new("user", &n.to_string(), Fingerprint(7))
}

fn runtimes() -> [Runtime; 2] {
    [
        Builder::new_current_thread().enable_all().build().unwrap(),
        Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap(),
    ]
}

async fn works(backend: &RedisBackend, n: u32) {
    backend.set(&address(n), n.to_string().into(), None).await.unwrap();
    assert_eq!(backend.get(&address(n)).await.unwrap().unwrap(), n.to_string());
}

#[test]
fn runtimes_come_and_go() {
    let server = RedisServer::start();
    let backend = RedisBackend::open(server.url()).unwrap();
    for round in 0..10 {
        for runtime in runtimes() {
            runtime.block_on(works(&backend, round));
        }
    }
    // Of those that went nothing is kept: the one before the last may have been there still when the last came.
    let shown = format!("{backend:?}");
    assert!(shown.contains("runtimes: 1,") || shown.contains("runtimes: 2,"), "{shown}");
    // The server's own count, without the one that asks.
    cachekit_tests::eventually("what belonged to the runtimes is gone", || server.info("connected_clients") == "1");
}

#[test]
fn several_runtimes_at_once() {
    let server = RedisServer::start();
    let backend = RedisBackend::open(server.url()).unwrap();
    thread::scope(|scope| {
        for n in 0..4 {
            let backend = &backend;
            scope.spawn(move || {
                for runtime in runtimes() {
                    for round in 0..50 {
                        runtime.block_on(works(backend, 100 * n + round));
                    }
                }
            });
        }
    });
    // Two for each thread, and a few of redis-cli and of the readiness checks.
    let connections: u32 = server.info("total_connections_received").parse().unwrap();
    assert!((8..20).contains(&connections), "{connections}");
}

/// The tasks of a runtime share one connection, also when all of them come first.
#[test]
fn one_connection_for_all_tasks() {
    let server = RedisServer::start();
    let before: u32 = server.info("total_connections_received").parse().unwrap();
    let backend = RedisBackend::open(server.url()).unwrap();
    let [_, runtime] = runtimes();
    runtime.block_on(async {
        let tasks: Vec<_> = (0..300)
            .map(|n| {
                let backend = backend.clone();
                tokio::spawn(async move { works(&backend, n).await })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
    let after: u32 = server.info("total_connections_received").parse().unwrap();
    // One of the backend, one of redis-cli.
    assert_eq!(after - before, 2);
}

#[test]
fn within_a_local_set_and_from_blocking_threads() {
    let server = RedisServer::start();
    let backend = RedisBackend::open(server.url()).unwrap();
    for runtime in runtimes() {
        let local = tokio::task::LocalSet::new();
        local.block_on(&runtime, works(&backend, 1));
        runtime.block_on(async {
            let (backend, handle) = (backend.clone(), tokio::runtime::Handle::current());
            tokio::task::spawn_blocking(move || handle.block_on(works(&backend, 2))).await.unwrap();
        });
    }
}

/// The other calls are unharmed by one whose future is dropped while it connects for all.
#[test]
fn a_dropped_future_does_not_stop_the_connecting() {
    let server = RedisServer::start();
    let backend = RedisBackend::open(server.url()).unwrap();
    let [runtime, _] = runtimes();
    runtime.block_on(async {
        let one = address(1);
        let first = Hand::pending(backend.get(&one));
        let waits = backend.get(&one);
        drop(first);
        assert_eq!(waits.await.unwrap(), None);
    });
}

#[test]
fn without_a_runtime_it_is_an_error() {
    let backend = RedisBackend::open("redis://127.0.0.1:1").unwrap();
    let error = Hand::new(backend.get(&address(1))).finish().unwrap_err();
    assert!(error.to_string().contains("tokio runtime"), "{error}");
}

#[test]
fn a_runtime_without_timers_or_without_network_is_an_error() {
    let server = RedisServer::start();
    let backend = RedisBackend::open(server.url()).unwrap();
    for runtime in
        [Builder::new_current_thread().enable_io().build(), Builder::new_current_thread().enable_time().build()]
    {
        let runtime = runtime.unwrap();
        for _ in 0..3 {
            let error = runtime.block_on(backend.get(&address(1))).unwrap_err();
            assert!(matches!(error, Error::Backend { .. }), "{error}");
            assert!(error.to_string().contains("runtime"), "{error}");
        }
    }
    let [runtime, _] = runtimes();
    runtime.block_on(works(&backend, 1));
}
