//! Redis goes wrong in every way: each call ends in time with the failure that it is, and the backend works again afterwards.
//!
//! Real servers, and a proxy that misbehaves. Nothing here waits for a fixed time: what has to come is awaited.

use cachekit_runtime::{
    Error,
    backend::{
        Address, Backend, Failure, Fingerprint, SharedBackend, Witness,
        redis::{RedisBackend, Settings},
    },
};
use cachekit_tests::{
    fault_proxy::{Fault, FaultProxy},
    redis_server::RedisServer,
};
use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// The response timeout of these tests.
const TIMEOUT: Duration = Duration::from_millis(150);

/// What a call may take: the timeout, and a margin for a machine that does other things too.
const IN_TIME: Duration = TIMEOUT.saturating_mul(4);

/// How long a backend may take to be usable again: longer than the longest pause between two attempts to connect. Only a failing test waits so long.
const PATIENCE: Duration = Duration::from_secs(30);

fn address() -> Address {
    Address::new("user", "1", Fingerprint(7))
}

fn open(url: String) -> RedisBackend {
    let settings = Settings::new(url).connect_timeout(2 * TIMEOUT).response_timeout(TIMEOUT);
    settings.open().unwrap()
}

/// The failure of a call, which has to end in time.
async fn failure<T>(what: &str, call: impl Future<Output = Result<T, Error>>) -> Failure {
    let start = Instant::now();
    let result = call.await;
    let took = start.elapsed();
    assert!(took <= IN_TIME, "{what} took {took:?}");
    match result {
        Ok(_) => panic!("{what} did not fail"),
        Err(Error::Backend { failure, .. }) => failure,
        Err(other) => panic!("{what}: {other}"),
    }
}

/// The failures of one call of each kind.
async fn failures(backend: &RedisBackend) -> Vec<Failure> {
    let (address, head, ttl) = (address(), Witness([7; 24]), Duration::from_secs(60));
    let several = [address.clone(), Address::new("user", "2", Fingerprint(8))];
    vec![
        failure("get", backend.get(&address)).await,
        failure("look", backend.look(&address)).await,
        failure("get_many", backend.get_many(&several)).await,
        failure("set", backend.set(&address, "value".into(), None)).await,
        failure("remove", backend.remove(&address)).await,
        failure("remove_many", backend.remove_many(&several)).await,
        failure("clear", backend.clear("user")).await,
        failure("invalidate_all", backend.invalidate_all("user")).await,
        failure("scan", backend.scan(None, None, 10)).await,
        failure("ping", backend.ping()).await,
        failure("generation", backend.generation(&Address::new("user", "", Fingerprint(0)), ttl)).await,
        failure("claim", backend.claim(&address, head, ttl)).await,
        failure("replace", backend.replace(&address, head, head, ttl)).await,
        failure("renew", backend.renew(&address, head, ttl)).await,
        failure("store", backend.store(&address, head, None, None)).await,
        failure("announce", backend.announce("user", address.fingerprint())).await,
    ]
}

/// All calls fail, with one of these failures.
async fn all_fail(backend: &RedisBackend, expected: &[Failure]) {
    for failure in failures(backend).await {
        assert!(expected.contains(&failure), "{failure:?} is none of {expected:?}");
    }
}

/// It reads, writes and invalidates, at the first try.
async fn works(backend: &RedisBackend) -> Result<(), Error> {
    let address = address();
    backend.set(&address, "value".into(), None).await?;
    assert_eq!(backend.get(&address).await?.as_deref(), Some(&b"value"[..]));
    backend.remove_many(std::slice::from_ref(&address)).await?;
    assert_eq!(backend.look(&address).await?.bytes, None);
    Ok(())
}

/// It works again before long; until then, each try ends in time.
async fn works_again(backend: &RedisBackend) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let start = Instant::now();
        let last = match works(backend).await {
            Ok(()) => return,
            Err(error) => error,
        };
        // Four calls at most.
        assert!(start.elapsed() <= 4 * IN_TIME, "{:?}", start.elapsed());
        assert!(Instant::now() < deadline, "not usable again: {last}");
        tokio::time::sleep(Duration::from_millis(5)).await; // sleeps: between tries to reach a real server
    }
}

fn behind_a_proxy() -> (RedisServer, FaultProxy, RedisBackend) {
    let server = RedisServer::start();
    let proxy = FaultProxy::before(server.port());
    let backend = open(server.url_at(proxy.port()));
    (server, proxy, backend)
}

#[tokio::test]
async fn a_stalled_network() {
    let (_server, proxy, backend) = behind_a_proxy();
    works(&backend).await.unwrap();
    proxy.set(Fault::Stall);
    assert_eq!(failure("get", backend.get(&address())).await, Failure::Timeout);
    all_fail(&backend, &[Failure::Timeout]).await;
    proxy.set(Fault::None);
    works_again(&backend).await;
}

#[tokio::test]
async fn a_peer_that_is_gone_without_a_word() {
    let (_server, proxy, backend) = behind_a_proxy();
    works(&backend).await.unwrap();
    let before = proxy.accepted();
    proxy.set(Fault::HalfOpen);
    all_fail(&backend, &[Failure::Timeout]).await;
    proxy.set(Fault::None);
    works_again(&backend).await;
    assert!(proxy.accepted() > before, "the dead connection was kept");
}

/// The callers of a cache give up before the backend does. A dead connection is noticed all the same.
#[tokio::test]
async fn a_peer_that_is_gone_and_callers_without_patience() {
    let (_server, proxy, backend) = behind_a_proxy();
    works(&backend).await.unwrap();
    proxy.set(Fault::HalfOpen);
    for _ in 0..5 {
        tokio::time::timeout(TIMEOUT / 4, backend.get(&address())).await.ok();
    }
    proxy.set(Fault::None);
    let deadline = Instant::now() + PATIENCE;
    while !matches!(tokio::time::timeout(TIMEOUT / 4, backend.get(&address())).await, Ok(Ok(_))) {
        assert!(Instant::now() < deadline, "the dead connection is kept");
    }
}

#[tokio::test]
async fn a_cut_network() {
    let (_server, proxy, backend) = behind_a_proxy();
    works(&backend).await.unwrap();
    proxy.set(Fault::Cut);
    all_fail(&backend, &[Failure::Unreachable]).await;
    proxy.set(Fault::None);
    works_again(&backend).await;
}

#[tokio::test]
async fn nobody_listens() {
    let (_server, proxy, backend) = behind_a_proxy();
    works(&backend).await.unwrap();
    proxy.set(Fault::Refused);
    all_fail(&backend, &[Failure::Unreachable]).await;
    proxy.set(Fault::None);
    works_again(&backend).await;
}

#[tokio::test]
async fn garbage_for_answers() {
    let (_server, proxy, backend) = behind_a_proxy();
    works(&backend).await.unwrap();
    proxy.set(Fault::Garbage);
    assert_eq!(failure("get", backend.get(&address())).await, Failure::Protocol);
    all_fail(&backend, &[Failure::Protocol, Failure::Unreachable, Failure::Timeout]).await;
    proxy.set(Fault::None);
    works_again(&backend).await;
}

#[tokio::test]
async fn answers_that_come_late() {
    let (_server, proxy, backend) = behind_a_proxy();
    works(&backend).await.unwrap();
    proxy.set(Fault::Delay(TIMEOUT / 10));
    works(&backend).await.unwrap();
    proxy.set(Fault::Delay(4 * TIMEOUT));
    all_fail(&backend, &[Failure::Timeout]).await;
    proxy.set(Fault::None);
    works_again(&backend).await;
}

#[tokio::test]
async fn answers_that_trickle() {
    let (_server, proxy, backend) = behind_a_proxy();
    let address = address();
    backend.set(&address, vec![7; 10_000].into(), None).await.unwrap();
    proxy.set(Fault::Trickle(TIMEOUT / 100));
    assert_eq!(failure("get", backend.get(&address)).await, Failure::Timeout);
    proxy.set(Fault::None);
    works_again(&backend).await;
}

/// What is answered late is never taken for the answer to something else.
#[tokio::test]
async fn late_answers_belong_to_their_own_questions() {
    let (_server, proxy, backend) = behind_a_proxy();
    let addresses: Vec<_> = (0..20).map(|n| Address::new("user", &n.to_string(), Fingerprint(7))).collect();
    for address in &addresses {
        backend.set(address, address.to_string().into(), None).await.unwrap();
    }
    let mut found = 0;
    for round in 0..200_usize {
        proxy.set(match round % 3 {
            0 => Fault::Delay(TIMEOUT / 20),
            1 => Fault::Delay(TIMEOUT / 10),
            _ => Fault::None,
        });
        let address = &addresses[round % addresses.len()];
        let patience = Duration::from_millis(round as u64 % 20);
        match tokio::time::timeout(patience, backend.get(address)).await {
            Ok(Ok(bytes)) => {
                assert_eq!(bytes.unwrap(), address.to_string());
                found += 1;
            }
            Ok(Err(error)) => assert!(matches!(error, Error::Backend { .. })),
            Err(_) => {}
        }
    }
    assert!(found > 0, "nothing was answered at all");
}

#[tokio::test]
async fn a_stopped_and_a_killed_server() {
    let mut server = RedisServer::start();
    let backend = open(server.url());
    for kill in [false, true] {
        works_again(&backend).await;
        if kill {
            server.kill();
        } else {
            server.stop();
        }
        all_fail(&backend, &[Failure::Unreachable]).await;
        server.restart();
        works_again(&backend).await;
    }
}

/// A connection that was closed while nobody used it costs no call: that is noticed before something is sent on it.
#[tokio::test]
async fn a_restart_between_two_calls_is_not_noticed() {
    let mut server = RedisServer::start();
    let backend = open(server.url());
    for _ in 0..5 {
        works(&backend).await.unwrap();
        server.restart();
        // So that the runtime hears of the closed connection. In a program it is never this idle.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        works(&backend).await.unwrap();
    }
}

/// Scripts are called by hashes that a new server does not know.
#[tokio::test]
async fn a_server_that_forgot_the_scripts() {
    let server = RedisServer::start();
    let backend = open(server.url());
    for _ in 0..3 {
        works(&backend).await.unwrap();
        server.cli(&["SCRIPT", "FLUSH"]);
        let several: Vec<_> = (0..1_000).map(|n| Address::new("user", &n.to_string(), Fingerprint(7))).collect();
        backend.remove_many(&several).await.unwrap();
        server.cli(&["SCRIPT", "FLUSH"]);
    }
}

#[tokio::test]
async fn a_frozen_server() {
    let server = RedisServer::start();
    let backend = open(server.url());
    works(&backend).await.unwrap();
    let paused = server.pause();
    all_fail(&backend, &[Failure::Timeout]).await;
    drop(paused);
    works_again(&backend).await;
}

#[tokio::test]
async fn a_server_that_sleeps() {
    let server = RedisServer::start();
    let backend = open(server.url());
    works(&backend).await.unwrap();
    let _sleeping = server.cli_detached(&["DEBUG", "SLEEP", "2"]);
    until_it_fails(&backend, Failure::Timeout).await;
    assert_eq!(failure("get", backend.get(&address())).await, Failure::Timeout);
    works_again(&backend).await;
}

#[tokio::test]
async fn a_server_that_pauses_its_clients() {
    let server = RedisServer::start();
    let backend = open(server.url());
    works(&backend).await.unwrap();
    server.cli(&["CLIENT", "PAUSE", "60000", "WRITE"]);
    assert_eq!(backend.get(&address()).await.unwrap(), None);
    assert_eq!(failure("set", backend.set(&address(), "value".into(), None)).await, Failure::Timeout);
    server.cli(&["CLIENT", "UNPAUSE"]);
    works_again(&backend).await;
    // Nobody can end this one, so it ends by itself.
    server.cli(&["CLIENT", "PAUSE", "2000", "ALL"]);
    assert_eq!(failure("get", backend.get(&address())).await, Failure::Timeout);
    assert_eq!(failure("set", backend.set(&address(), "value".into(), None)).await, Failure::Timeout);
    works_again(&backend).await;
}

#[tokio::test]
async fn a_script_that_does_not_end() {
    let server = RedisServer::options().set("busy-reply-threshold", "50").start();
    let backend = open(server.url());
    works(&backend).await.unwrap();
    let _endless = server.cli_detached(&["EVAL", "while true do end", "0"]);
    until_it_fails(&backend, Failure::Busy).await;
    all_fail(&backend, &[Failure::Busy]).await;
    server.cli(&["SCRIPT", "KILL"]);
    works_again(&backend).await;
}

async fn until_it_fails(backend: &RedisBackend, expected: Failure) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match backend.get(&address()).await {
            Err(Error::Backend { failure, .. }) if failure == expected => return,
            _ => assert!(Instant::now() < deadline, "never {expected:?}"),
        }
    }
}

/// Invalidations go through: they free memory.
#[tokio::test]
async fn memory_is_full() {
    let server = RedisServer::start();
    let backend = open(server.url());
    let (address, ttl) = (address(), Duration::from_secs(60));
    let (old, marker) = (Witness([1; 24]), Witness([2; 24]));
    backend.announce("user", address.fingerprint()).await.unwrap();
    let generation = backend.generation(&Address::new("user", "", Fingerprint(0)), ttl).await.unwrap();
    backend.claim(&address, old, ttl).await.unwrap();
    server.cli(&["CONFIG", "SET", "maxmemory", "1"]);
    let other = Address::new("user", "2", Fingerprint(7));
    assert_eq!(failure("set", backend.set(&other, "value".into(), None)).await, Failure::NotWritable);
    assert_eq!(failure("claim", backend.claim(&other, marker, ttl)).await, Failure::NotWritable);
    let late = backend.store(&address, old, Some("value".into()), None);
    assert_eq!(failure("store", late).await, Failure::NotWritable);
    assert_eq!(backend.look(&address).await.unwrap().bytes.unwrap(), old.0[..]);
    assert_eq!(backend.generation(&Address::new("user", "", Fingerprint(0)), ttl).await.unwrap(), generation);
    assert!(backend.store(&address, old, None, None).await.unwrap(), "the marker is dropped");
    server.cli(&["CONFIG", "SET", "maxmemory", "0"]);
    backend.claim(&address, old, ttl).await.unwrap();
    server.cli(&["CONFIG", "SET", "maxmemory", "1"]);
    backend.remove_many(std::slice::from_ref(&address)).await.unwrap();
    let looked = backend.look(&address).await.unwrap();
    assert_eq!((looked.bytes, looked.generation), (None, Some(generation)));
    backend.clear("user").await.unwrap();
    assert_eq!(backend.look(&address).await.unwrap().generation, None);
    assert_eq!(
        failure("generation", backend.generation(&Address::new("user", "", Fingerprint(0)), ttl)).await,
        Failure::NotWritable
    );
    server.cli(&["CONFIG", "SET", "maxmemory", "0"]);
    works(&backend).await.unwrap();
}

#[tokio::test]
async fn a_replica_takes_no_writes() {
    let master = RedisServer::start();
    let replica = RedisServer::options().set("replicaof", &format!("127.0.0.1 {}", master.port())).start();
    cachekit_tests::eventually("the replica is in step", || replica.info("master_link_status") == "up");
    let backend = open(replica.url());
    assert_eq!(backend.get(&address()).await.unwrap(), None);
    assert_eq!(failure("set", backend.set(&address(), "value".into(), None)).await, Failure::NotWritable);
    let several = [address()];
    assert_eq!(failure("remove_many", backend.remove_many(&several)).await, Failure::NotWritable);
    assert_eq!(failure("clear", backend.clear("user")).await, Failure::NotWritable);
    replica.cli(&["REPLICAOF", "NO", "ONE"]);
    works_again(&backend).await;
}

#[tokio::test]
async fn a_server_that_cannot_save() {
    let server = RedisServer::options().set("stop-writes-on-bgsave-error", "yes").start();
    let backend = open(server.url());
    works(&backend).await.unwrap();
    server.cli(&["CONFIG", "SET", "save", "1 1"]);
    // A folder in the way of the file that it writes.
    std::fs::create_dir(server.folder().join("dump.rdb")).unwrap();
    cachekit_tests::eventually("a save fails", || {
        if server.info("rdb_bgsave_in_progress") == "0" {
            server.cli(&["BGSAVE"]);
        }
        server.info("rdb_last_bgsave_status") == "err"
    });
    assert_eq!(failure("set", backend.set(&address(), "value".into(), None)).await, Failure::NotWritable);
    assert_eq!(backend.get(&address()).await.unwrap(), None);
    server.cli(&["CONFIG", "SET", "save", ""]);
    works_again(&backend).await;
}

#[tokio::test]
async fn a_server_that_is_loading() {
    let mut server = RedisServer::start();
    server.cli(&["DEBUG", "POPULATE", "3000", "key", "100"]);
    server.cli(&["SAVE"]);
    // A millisecond for each key.
    server.kill();
    let port = server.port();
    let mut server =
        server.with_settings(&[("key-load-delay", "1000"), ("loading-process-events-interval-bytes", "1024")]);
    assert_eq!(server.port(), port);
    server.restart_loading();
    let backend = open(server.url());
    until_it_fails(&backend, Failure::Busy).await;
    for failure in [
        failure("get", backend.get(&address())).await,
        failure("set", backend.set(&address(), "value".into(), None)).await,
    ] {
        assert_eq!(failure, Failure::Busy);
    }
    works_again(&backend).await;
}

#[tokio::test]
async fn a_password_that_changes() {
    let server = RedisServer::options().password("first").start();
    let backend = open(server.url());
    works(&backend).await.unwrap();
    server.cli(&["CONFIG", "SET", "requirepass", "second"]);
    let wrong = open(server.url());
    all_fail(&wrong, &[Failure::Misconfigured]).await;
    let address = format!("redis://:second@127.0.0.1:{}", server.port());
    works(&open(address)).await.unwrap();
}

#[tokio::test]
async fn somebody_elses_data() {
    let server = RedisServer::start();
    let backend = open(server.url());
    let address = address();
    server.cli(&["RPUSH", "ck:default:d:{user:1}:0000000000000007", "x"]);
    assert_eq!(failure("get", backend.get(&address)).await, Failure::Protocol);
    assert_eq!(backend.look(&address).await.unwrap().bytes, None);
    assert_eq!(backend.scan(None, None, 10).await.unwrap().entries, []);
    server.cli(&["SET", "ck:default:s:g:{user}", "no generation"]);
    assert_eq!(backend.look(&address).await.unwrap().generation, None);
    backend.remove_many(std::slice::from_ref(&address)).await.unwrap();
    works(&backend).await.unwrap();
}

/// While it is down, calls fail at once: for an attempt to connect only the caller waits who makes it, and the next one is made after a pause.
#[tokio::test]
async fn a_dead_server_costs_nothing_most_of_the_time() {
    let (_server, proxy, backend) = behind_a_proxy();
    works(&backend).await.unwrap();
    // New connections are accepted and stay silent: every attempt takes its time.
    proxy.set(Fault::HalfOpen);
    all_fail(&backend, &[Failure::Timeout]).await;
    let before = proxy.accepted();
    let callers: Vec<_> = (0..20)
        .map(|_| {
            let backend = backend.clone();
            tokio::spawn(async move {
                let (start, mut slow) = (Instant::now(), 0_u64);
                while start.elapsed() < 30 * TIMEOUT {
                    let call = Instant::now();
                    assert!(backend.get(&address()).await.is_err());
                    slow += u64::from(call.elapsed() > TIMEOUT / 2);
                    tokio::task::yield_now().await;
                }
                slow
            })
        })
        .collect();
    let mut slow = 0;
    for caller in callers {
        slow += caller.await.unwrap();
    }
    let attempts = proxy.accepted() - before;
    // One attempt may have begun before, and one be under way still.
    assert!(slow <= attempts + 1, "{slow} slow calls for {attempts} attempts");
    // Without pauses one would follow the other, each for twice the timeout: fifteen.
    assert!(attempts <= 10, "{attempts} attempts");
}

/// Hundreds of callers through an outage: all end in time, one connects for all, and nothing is left behind.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_callers_through_faults() {
    let (_server, proxy, backend) = behind_a_proxy();
    works(&backend).await.unwrap();
    let over = Arc::new(AtomicBool::new(false));
    let callers: Vec<_> = (0..200)
        .map(|n| {
            let (backend, over) = (backend.clone(), over.clone());
            tokio::spawn(async move {
                let address = Address::new("of_callers", &n.to_string(), Fingerprint(7));
                let (mut longest, mut found, mut failed) = (Duration::ZERO, 0_u64, 0_u64);
                while !over.load(Ordering::SeqCst) {
                    let start = Instant::now();
                    let result = match backend.set(&address, address.to_string().into(), None).await {
                        Ok(()) => backend.get(&address).await,
                        Err(error) => Err(error),
                    };
                    match result {
                        Ok(bytes) => {
                            assert_eq!(bytes.unwrap(), address.to_string());
                            found += 1;
                        }
                        Err(_) => failed += 1,
                    }
                    longest = longest.max(start.elapsed());
                    tokio::task::yield_now().await;
                }
                (longest, found, failed)
            })
        })
        .collect();
    for fault in [Fault::Stall, Fault::Cut, Fault::Garbage, Fault::HalfOpen, Fault::Refused, Fault::Delay(2 * TIMEOUT)]
    {
        proxy.set(fault);
        until_it_fails_somehow(&backend).await;
        proxy.set(Fault::None);
        works_again(&backend).await;
    }
    over.store(true, Ordering::SeqCst);
    let (mut longest, mut found, mut failed) = (Duration::ZERO, 0, 0);
    for caller in callers {
        let one = caller.await.unwrap();
        (longest, found, failed) = (longest.max(one.0), found + one.1, failed + one.2);
    }
    println!("{found} found, {failed} failed, the longest took {longest:?}, {} connections", proxy.accepted());
    // Two calls each.
    assert!(longest <= 2 * IN_TIME, "{longest:?}");
    assert!(found > 0 && failed > 0);
    // One for all, and again after each fault and each pause.
    assert!(proxy.accepted() < 100, "{} connections", proxy.accepted());
}

async fn until_it_fails_somehow(backend: &RedisBackend) {
    let deadline = Instant::now() + PATIENCE;
    while backend.get(&address()).await.is_ok() {
        assert!(Instant::now() < deadline, "never fails");
    }
}
