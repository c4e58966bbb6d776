//! What can come late, not fit or not be read: a store after its invalidation, a full server, a connection that nobody reads, holders of locks that are killed.

use cachekit_runtime::{
    Builder, Cache, Delivery, Place, backend::redis::Settings, invalidate_tag_async, invalidate_tag_soft_async,
};
use cachekit_tests::{
    child,
    fault_proxy::{Fault, FaultProxy},
    node::Node,
    redis_server::RedisServer,
    waiting::{comes_true, eventually},
};
use std::{
    process::{Command, Stdio},
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// What the table promises, with a margin of four.
const BOUND: Duration = Duration::from_secs(4 * 2);

fn far(name: &'static str, url: &str) -> Cache<u64, u64> {
    let redis = Settings::new(url).response_timeout(Duration::from_secs(2)).open().expect("settings");
    let builder = Cache::builder().name(name).ttl(Duration::from_secs(600)).timeout(Duration::from_millis(300));
    builder.backends([Place::own(redis)]).build()
}

/// Without the witness it is stored, which the second half sees: the test can fail.
#[test]
fn a_store_that_the_server_runs_after_the_invalidation() {
    const TEST: &str = "a_store_that_the_server_runs_after_the_invalidation";
    match child::role() {
        Some(role) => assert_eq!(late_store(), if role == "without" { 1 } else { 2 }),
        None => {
            child::run(TEST, "with", |_| {});
            child::run(TEST, "without", |command| _ = command.env("CACHEKIT_TEST_WITHOUT", "witness"));
        }
    }
}

/// What is read in the end, where 2 is the value of now.
#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn late_store() -> u64 {
    let server = RedisServer::start();
    let proxy = FaultProxy::before(server.port());
    let (slow, other) = (far("late", &server.url_at(proxy.port())), far("late", &server.url()));
    assert_eq!(slow.get_or_compute_async(&9, || async { 9 }).await, 9);
    // Its store is on the way when the way is blocked; the caller goes on after its time.
    let loaded = slow.get_or_compute_async(&1, || async {
        proxy.set(Fault::Stall);
        1
    });
    assert_eq!(loaded.await, 1);
    assert_eq!(other.invalidate_async(&1).await, Delivery::Shared);
    // Of this one command: the question itself changes the others.
    let scripts = || server.calls_of("evalsha");
    let before = scripts();
    assert!(before > 0, "the invalidation is one");
    proxy.set(Fault::None);
    eventually("the store arrives", || scripts() != before);
    cachekit_runtime::flush().await;
    other.get_or_compute_async(&1, || async { 2 }).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_whose_memory_is_full_takes_invalidations() {
    let server = RedisServer::options().set("maxmemory", "4mb").set("maxmemory-policy", "noeviction").start();
    let tagged = |builder: Builder<u64, u64>| {
        builder.tags_with(|key| vec![format!("full:{}", key % 2)]).stale_while_revalidate(Duration::from_millis(1))
    };
    let node = || Node::with("full", Settings::new(server.url()).open().expect("settings"), tagged);
    let (one, other) = (node(), node());
    let source = AtomicU64::new(1);
    for key in 0..4 {
        one.hears(key, &source).await;
        other.hears(key, &source).await;
    }
    // Until nothing more fits.
    let piece = "x".repeat(64 * 1024);
    let mut number = 0;
    while !server.cli(&["SET", &format!("junk:{number}"), &piece]).contains("OOM") {
        number += 1;
        assert!(number < 1_000, "it is never full");
    }
    source.store(2, Ordering::SeqCst);
    assert_eq!(one.cache.invalidate_async(&0).await, Delivery::Shared, "a key");
    assert_eq!(invalidate_tag_async("full:1").await, Delivery::Shared, "a tag");
    assert_eq!(invalidate_tag_soft_async("full:0").await, Delivery::Shared, "a tag that becomes stale");
    comes_true("an answer in time", || async { cachekit_runtime::sync().await.is_ok() }).await;
    tokio::time::sleep(Duration::from_millis(5)).await; // sleeps: the server's clock has to pass the stale allowance
    for key in 0..4 {
        for node in [&one, &other] {
            assert_eq!(node.call(key, &source).await, 2, "{key}");
        }
    }
    assert!(server.cli(&["SET", "junk", &piece]).contains("OOM"), "it is still full");
    assert_eq!(one.cache.clear_async().await, Delivery::Shared);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_stops_reading_is_closed_and_comes_back() {
    let server = RedisServer::start();
    server.cli(&["CONFIG", "SET", "client-output-buffer-limit", "pubsub 512kb 0 0"]);
    let proxy = FaultProxy::before(server.port());
    let settings = |url: &str| Settings::new(url).connect_timeout(Duration::from_millis(500)).open().expect("settings");
    let one = Node::new("stalled", settings(&server.url()));
    let other = Node::new("stalled", settings(&server.url_at(proxy.port())));
    let source = AtomicU64::new(1);
    one.hears(7, &source).await;
    other.hears(7, &source).await;
    let hearing = || {
        let clients = server.cli(&["CLIENT", "LIST", "TYPE", "pubsub"]);
        let memory = |line: &str| line.split(' ').find_map(|field| field.strip_prefix("omem=")?.parse::<u64>().ok());
        (clients.lines().count(), clients.lines().filter_map(memory).max().unwrap_or(0))
    };
    assert_eq!(hearing().0, 2);
    proxy.set(Fault::Stall);
    source.store(2, Ordering::SeqCst);
    assert_eq!(one.cache.invalidate_async(&7).await, Delivery::Shared);
    // News for a connection that nobody reads, more than the way to it holds.
    let (mut most, mut round, start) = (0, 0_u64, Instant::now());
    while hearing().0 == 2 {
        let keys: Vec<u64> = (0..512).map(|key| 1_000_000_000_000 + round * 512 + key).collect();
        one.cache.invalidate_many_async(&keys).await;
        round += 1;
        most = most.max(hearing().1);
        assert!(start.elapsed() < Duration::from_secs(120), "the server keeps what is not read: {most} bytes");
    }
    assert!(most <= 2 * 512 * 1024, "{most} bytes of a connection that nobody reads");
    // Meanwhile what it has in memory is not used: it was not confirmed for two seconds.
    comes_true("the lease ends", || async { other.call(7, &source).await == 2 }).await;
    proxy.set(Fault::None);
    other.hears(7, &source).await;
    source.store(3, Ordering::SeqCst);
    comes_true("an invalidation", || async { one.cache.invalidate_async(&7).await == Delivery::Shared }).await;
    let told = Instant::now();
    comes_true("the news", || async { other.call(7, &source).await == 3 }).await;
    assert!(told.elapsed() < BOUND, "{:?}", told.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_than_can_wait_for_a_server_is_delivered_as_a_clear() {
    // So many keys are remembered one by one.
    const MOST: u64 = 64 * 1024;
    let server = RedisServer::start();
    // What the server has stays, and nothing is on its way while it is down.
    let proxy = FaultProxy::before(server.port());
    let redis = || Settings::new(server.url_at(proxy.port())).open().expect("settings");
    let [one, other] = [(); 2].map(|()| Node::new("overflow", redis()));
    let (beside, far) = (Node::new("overflow_beside", redis()), far("overflow", &server.url()));
    let source = AtomicU64::new(1);
    for key in 0..8 {
        one.hears(key, &source).await;
        other.hears(key, &source).await;
        assert_eq!(far.get_async(&key).await, Some(1));
    }
    beside.hears(0, &source).await;
    let generation = || server.cli(&["GET", "ck:default:s:g:{overflow}"]);
    let before = generation();
    proxy.set(Fault::Refused);
    source.store(2, Ordering::SeqCst);
    // None of those that anybody has.
    let some: Vec<u64> = (0..MOST / 2).map(|key| 1_000_000 + key).collect();
    assert_eq!(one.cache.invalidate_many_async(&some).await, Delivery::Queued);
    assert_eq!(one.call(0, &source).await, 2, "there is no server");
    let rest: Vec<u64> = (MOST / 2..=MOST).map(|key| 1_000_000 + key).collect();
    assert_eq!(one.cache.invalidate_many_async(&rest).await, Delivery::Queued);
    proxy.set(Fault::None);
    comes_true("it is cleared", || async { generation() != before }).await;
    for key in 0..8 {
        comes_true("the news", || async { other.call(key, &source).await == 2 }).await;
        assert_eq!((one.call(key, &source).await, far.get_or_compute_async(&key, || async { 2 }).await), (2, 2));
    }
    assert_eq!(beside.call(0, &source).await, 1, "of another cache");
    for key in 0..8 {
        other.hears(key, &source).await;
        assert_eq!(other.call(key, &source).await, 2);
    }
}

const TTL: Duration = Duration::from_millis(1_500);
const KEYS: u64 = 20;

fn now() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a time").as_millis()
}

/// One load of each key and expiry by all processes together; a holder that is killed costs the key its lease, and one load more.
#[test]
fn four_processes_with_a_lock_load_each_key_once_for_each_expiry() {
    const TEST: &str = "four_processes_with_a_lock_load_each_key_once_for_each_expiry";
    if let Some(role) = child::role() {
        let [number, url, place] = &role.split('|').collect::<Vec<_>>()[..] else { panic!("{role}") };
        return loading(number, url, std::path::Path::new(place));
    }
    let server = RedisServer::start();
    let place = tempfile::tempdir().expect("a place");
    let mut processes: Vec<_> = (0..4)
        .map(|number| {
            let mut command = Command::new(std::env::current_exe().expect("the test binary"));
            let role = format!("{number}|{}|{}", server.url(), place.path().display());
            command.args(["--exact", TEST, "--nocapture"]).env("CACHEKIT_TESTS_CHILD", role).stdout(Stdio::null());
            command.spawn().expect("a process")
        })
        .collect();
    eventually("a process holds the lock of the key that it never gives back", || place.path().join("held").exists());
    let killed = std::fs::read_to_string(place.path().join("held")).expect("its number");
    let killed: usize = killed.parse().expect("a number");
    processes[killed].kill().expect("it lives");
    processes[killed].wait().expect("it has ended");
    for (number, process) in processes.iter_mut().enumerate().filter(|(number, _)| *number != killed) {
        assert!(process.wait().expect("it has ended").success(), "process {number}");
    }
    let mut loads: Vec<(u64, u128, String)> = Vec::new();
    for entry in std::fs::read_dir(place.path()).expect("the place") {
        let name = entry.expect("a file").file_name().into_string().expect("a name");
        if let Some(("load", rest)) = name.split_once('-') {
            let mut parts = rest.split('-');
            let mut part = || parts.next().expect("a part");
            loads.push((part().parse().expect("a key"), part().parse().expect("a time"), part().to_owned()));
        }
    }
    loads.sort_unstable();
    let first = loads.iter().map(|load| load.1).min().unwrap_or_default();
    let mut together = 0;
    for (one, next) in loads.iter().zip(loads.iter().skip(1)).filter(|(one, next)| one.0 == next.0) {
        // From the begin of a load to that of the next: its ttl begins after it.
        if next.1 - one.1 < TTL.as_millis() {
            together += 1;
            println!("{one:?} {next:?}, the first is {first}");
        }
    }
    // Also of what the one that was killed was loading: its leases last longer than a ttl.
    assert_eq!(together, 0, "of {} loads came before their time", loads.len());
    assert!(loads.len() >= 2 * KEYS as usize, "{} loads", loads.len());
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn loading(number: &str, url: &str, place: &std::path::Path) {
    let redis = Settings::new(url).response_timeout(Duration::from_secs(5)).open().expect("settings");
    let cache: Cache<u64, u64> = Cache::builder()
        .name("locked")
        .ttl(TTL)
        .lock(Duration::from_secs(3))
        .timeout(Duration::from_secs(5))
        .backends([Place::own(redis)])
        .build();
    let start = Instant::now();
    while start.elapsed() < 5 * TTL {
        let calls: Vec<_> = (0..KEYS)
            .map(|key| {
                let (cache, place, number) = (cache.clone(), place.to_owned(), number.to_owned());
                tokio::spawn(async move {
                    let load = || async {
                        std::fs::write(place.join(format!("load-{key}-{}-{number}", now())), "").expect("a file");
                        // One of them never comes back from its first load of this key.
                        if key == 0 && std::fs::File::create_new(place.join("holding")).is_ok() {
                            std::fs::write(place.join("held.new"), &number).expect("a file");
                            std::fs::rename(place.join("held.new"), place.join("held")).expect("a file");
                            std::future::pending::<()>().await;
                        }
                        tokio::time::sleep(Duration::from_millis(20)).await; // sleeps: the others have to meet the load
                        key
                    };
                    assert_eq!(cache.get_or_compute_async(&key, load).await, key);
                })
            })
            .collect();
        for call in calls {
            call.await.expect("no panic");
        }
    }
}
