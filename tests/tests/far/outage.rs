//! Each fault of the network and of the server by itself: no call fails or waits too long, no value is wrong, what was invalidated meanwhile is gone for
//! everybody afterwards, and the backend is in use again without anyone's doing.

use super::nodes::{Node, PATIENCE, TIMEOUT, node, redis, redis_at};
use cachekit_runtime::{Cache, Delivery, Place};
use cachekit_tests::{
    eventually,
    fault_proxy::{Fault, FaultProxy},
    redis_server::{Detached, RedisServer},
};
use std::{
    sync::{
        Condvar, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

const NAME: &str = "far::outage";

/// Keys that every node has in use, from its first one on.
const KEYS: u64 = 4;

/// What a fault does to those who use the server.
#[derive(Clone, Copy, PartialEq)]
enum Means {
    /// Nothing can be asked of it: the breaker opens.
    Gone,
    /// It refuses all or some of what it is asked: nobody waits for it, and invalidations may have to wait.
    Refusing,
    /// It takes invalidations, and no entries.
    Full,
}

/// The versions of the values, by key.
struct Truth(Vec<AtomicU64>);

impl Truth {
    fn load(&self, key: u64) -> String {
        format!("{key}, version {}", self.0[key as usize].load(Ordering::SeqCst))
    }

    fn change(&self, key: u64) {
        self.0[key as usize].fetch_add(1, Ordering::SeqCst);
    }
}

/// Where all meet, again and again. As the barrier of the standard library, but that a party which has failed does not keep the others waiting.
struct Meeting {
    parties: usize,
    arrived: Mutex<usize>,
    changed: Condvar,
}

impl Meeting {
    fn of(parties: usize) -> Self {
        Meeting { parties, arrived: Mutex::new(0), changed: Condvar::new() }
    }

    fn wait(&self) {
        let mut arrived = self.arrived.lock().unwrap_or_else(PoisonError::into_inner);
        *arrived += 1;
        let all = arrived.next_multiple_of(self.parties);
        self.changed.notify_all();
        let met = self.changed.wait_timeout_while(arrived, 4 * PATIENCE, |arrived| *arrived < all);
        let is_late = met.unwrap_or_else(PoisonError::into_inner).1.timed_out();
        assert!(!is_late, "somebody has failed");
    }
}

/// One node through a fault that begins and ends where all meet.
fn through(node: &Node, first: u64, means: Means, truth: &Truth, begins: &Meeting, ends: &Meeting) {
    let keys = first..first + KEYS;
    let load = |key| truth.load(key);
    for key in keys.clone() {
        assert_eq!(node.call(key, || load(key)), load(key));
    }
    begins.wait();
    begins.wait();
    let (before, start) = (node.cache.stats().far, Instant::now());
    let mut is_over = false;
    let mut round = 0;
    while !is_over {
        assert!(start.elapsed() < PATIENCE, "not noticed: {:?}", node.cache.stats().far);
        for key in keys.clone() {
            truth.change(key);
            let delivery = node.invalidate(key);
            let expected = if means == Means::Full { Delivery::Shared } else { Delivery::Queued };
            assert_eq!(delivery, expected, "round {round}: {:?}", node.cache.stats().far);
            let right = load(key);
            assert_eq!(node.call(key, || load(key)), right);
            assert_eq!(node.get(key).unwrap_or(right.clone()), right);
        }
        let now = node.cache.stats().far;
        round += 1;
        is_over = match means {
            Means::Full => round == 3 && now.stores == before.stores,
            // Enough that it was not what one invalidation holds back.
            Means::Gone | Means::Refusing => now.skipped > before.skipped + 2 * KEYS && round >= 3,
        };
    }
    ends.wait();
    ends.wait();
    // In use again: what is computed is stored, and found.
    let (stores, start, mut key) = (node.cache.stats().far.stores, Instant::now(), first);
    while node.cache.stats().far.stores < stores + KEYS {
        assert!(start.elapsed() < PATIENCE, "not in use again: {:?}", node.cache.stats().far);
        truth.change(key);
        node.invalidate(key);
        assert_eq!(node.call(key, || load(key)), load(key));
        key = first + (key + 1 - first) % KEYS;
        thread::sleep(Duration::from_millis(5)); // sleeps: the background probe has its own time
    }
    eventually("an invalidation reaches the others again", || node.invalidate(first) == Delivery::Shared);
}

/// What ends a fault.
type Healing = Box<dyn FnOnce(&mut RedisServer)>;

/// The four kinds of nodes, each on a thread of its own, through a fault. `port` is what they connect to.
fn all_through(means: Means, port: u16, server: &mut RedisServer, fault: impl FnOnce(&mut RedisServer) -> Healing) {
    let kinds = [(false, false), (false, true), (true, false), (true, true)];
    let nodes = kinds.map(|(near, is_async)| Node { cache: node(NAME, port, near), is_async });
    let all_keys = 0..KEYS * nodes.len() as u64;
    let truth = Truth(all_keys.clone().map(|_| AtomicU64::new(0)).collect());
    let (begins, ends) = (Meeting::of(nodes.len() + 1), Meeting::of(nodes.len() + 1));
    let other = node(NAME, server.port(), false);
    thread::scope(|scope| {
        for (number, node) in nodes.iter().enumerate() {
            let (truth, begins, ends) = (&truth, &begins, &ends);
            scope.spawn(move || through(node, number as u64 * KEYS, means, truth, begins, ends));
        }
        begins.wait();
        cachekit_runtime::flush().wait();
        for key in all_keys.clone() {
            assert_eq!(other.get(&key), Some(truth.load(key)), "another node sees what was computed");
        }
        let heal = fault(server);
        begins.wait();
        ends.wait();
        heal(server);
        // What was invalidated meanwhile is gone, before anyone does anything.
        for key in all_keys.clone() {
            let is_gone = |found: Option<String>| found.is_none_or(|value| value == truth.load(key));
            if means == Means::Full {
                assert!(answer(&other, key).is_some_and(is_gone));
            } else {
                let queued = nodes[(key / KEYS) as usize].cache.stats().far;
                eventually(&format!("{key} is invalidated everywhere: {queued:?}"), || {
                    answer(&other, key).is_some_and(is_gone)
                });
                assert!(answer(&other, key).is_none_or(is_gone));
            }
        }
        ends.wait();
    });
    for node in &nodes {
        let far = node.cache.stats().far;
        assert_eq!(far.rejected, 0, "{far:?}");
        if means == Means::Gone {
            assert!(far.errors > 0 && far.skipped > 0, "{far:?}");
        }
    }
}

/// What its backend answers, if it does: that nothing is found says as little as that nobody could be asked. Only this thread may use the node.
fn answer(node: &Cache<u64, String>, key: u64) -> Option<Option<String>> {
    let answers = || {
        let far = node.stats().far;
        far.hits + far.misses
    };
    let before = answers();
    let found = node.get(&key);
    (answers() > before).then_some(found)
}

/// Does its backend answer?
fn answers(node: &Cache<u64, String>) -> bool {
    answer(node, u64::MAX).is_some()
}

fn of_the_network(fault: Fault) {
    let mut server = RedisServer::start();
    let proxy = FaultProxy::before(server.port());
    let port = proxy.port();
    all_through(Means::Gone, port, &mut server, move |_| {
        proxy.set(fault);
        Box::new(move |_| {
            proxy.set(Fault::None);
            // It lives as long as the test: who drops it closes its connections.
            std::mem::forget(proxy);
        })
    });
}

#[test]
fn answers_that_come_too_late() {
    of_the_network(Fault::Delay(4 * TIMEOUT));
}

#[test]
fn a_stalled_network() {
    of_the_network(Fault::Stall);
}

#[test]
fn cut_connections() {
    of_the_network(Fault::Cut);
}

#[test]
fn garbage_for_answers() {
    of_the_network(Fault::Garbage);
}

#[test]
fn a_peer_that_is_gone_without_a_word() {
    of_the_network(Fault::HalfOpen);
}

#[test]
fn nobody_listens() {
    of_the_network(Fault::Refused);
}

#[test]
fn answers_that_trickle() {
    of_the_network(Fault::Trickle(TIMEOUT));
}

/// Answers that are late, and in time: nobody loses anything.
#[test]
fn a_slow_network() {
    let server = RedisServer::start();
    let proxy = FaultProxy::before(server.port());
    for near in [false, true] {
        let (one, other) = (node("far::slow", proxy.port(), near), node("far::slow", proxy.port(), near));
        proxy.set(Fault::Delay(TIMEOUT / 50));
        // On a machine that has a lot to do an answer may be too late all the same: then another key has its turn.
        let is_stored = |key: &u64| {
            assert_eq!(one.get_or_compute(key, || "computed".to_owned()), "computed");
            cachekit_runtime::flush().wait();
            one.stats().far.stores == 1
        };
        let key = (0..10).map(|at| 2 * at + u64::from(near)).find(is_stored).expect("one of ten is stored");
        assert_eq!(other.get_or_compute(&key, || panic!("it is there")), "computed");
        assert_eq!(other.invalidate(&key), Delivery::Shared);
    }
}

#[test]
fn a_server_that_is_stopped_and_started_again() {
    let mut server = RedisServer::options().persistent().start();
    all_through(Means::Gone, server.port(), &mut server, |server| {
        server.stop();
        Box::new(RedisServer::restart)
    });
}

/// What it was told before is on its disk, so that what was invalidated comes back with it.
#[test]
fn a_server_that_is_killed_and_started_again() {
    let mut server = RedisServer::options().persistent().start();
    all_through(Means::Gone, server.port(), &mut server, |server| {
        server.kill();
        Box::new(RedisServer::restart)
    });
}

#[test]
fn a_frozen_server() {
    let mut server = RedisServer::start();
    let stopped = server.port();
    all_through(Means::Gone, stopped, &mut server, |server| {
        std::mem::forget(server.pause());
        // Its guard borrows the server; another one that ends has it go on too.
        Box::new(|server| drop(server.pause()))
    });
}

/// A command that keeps the server busy, and ends by itself.
fn of_a_busy_server(command: &[&str]) {
    let mut server = RedisServer::start();
    all_through(Means::Gone, server.port(), &mut server, |server| {
        let busy: Detached = server.cli_detached(command);
        // Until it is busy, nothing is wrong.
        let asks = node("far::busy", server.port(), false);
        eventually("the server is busy", || !answers(&asks));
        Box::new(|_| drop(busy))
    });
}

#[test]
fn a_server_that_sleeps() {
    of_a_busy_server(&["DEBUG", "SLEEP", "4"]);
}

#[test]
fn a_server_that_pauses_its_clients() {
    of_a_busy_server(&["CLIENT", "PAUSE", "4000", "ALL"]);
}

#[test]
fn a_server_whose_memory_is_full() {
    let mut server = RedisServer::start();
    all_through(Means::Full, server.port(), &mut server, |server| {
        server.cli(&["CONFIG", "SET", "maxmemory", "1"]);
        Box::new(|server| _ = server.cli(&["CONFIG", "SET", "maxmemory", "0"]))
    });
}

/// As after a failover that this program has not noticed.
#[test]
fn a_server_that_has_become_a_replica() {
    let master = RedisServer::start();
    let mut server = RedisServer::start();
    let port = master.port().to_string();
    all_through(Means::Refusing, server.port(), &mut server, move |server| {
        server.cli(&["REPLICAOF", "127.0.0.1", &port]);
        Box::new(move |server| {
            server.cli(&["REPLICAOF", "NO", "ONE"]);
            drop(master);
        })
    });
}

#[test]
fn a_server_that_is_loading() {
    let mut server = RedisServer::start();
    server.cli(&["DEBUG", "POPULATE", "4000", "key", "100"]);
    // A millisecond for each key.
    let slowly = [("key-load-delay", "1000"), ("loading-process-events-interval-bytes", "1024")];
    server = server.with_settings(&slowly);
    all_through(Means::Refusing, server.port(), &mut server, |server| {
        server.cli(&["SAVE"]);
        server.restart_loading();
        Box::new(|server| eventually("it is loaded", || server.cli(&["PING"]) == "PONG"))
    });
}

/// What is misconfigured is a matter of people: the pauses between two attempts are the longest. A call that asks more often would be told nothing new.
#[test]
fn a_password_that_changes() {
    let server = RedisServer::options().user("app on >right ~ck:* +@all").start();
    let url = format!("redis://app:right@127.0.0.1:{}", server.port());
    let nodes = [(false, false), (false, true), (true, false), (true, true)].map(|(near, is_async)| {
        let mut places = vec![Place::own(redis_at(&url))];
        if near {
            places.insert(0, Place::memory());
        }
        let cache = Cache::builder().name("far::password").timeout(TIMEOUT).backends(places).build();
        Node { cache, is_async }
    });
    let other: Cache<u64, String> =
        Cache::builder().name("far::password").backends([Place::own(redis(server.port()))]).build();
    for (key, node) in (0..).zip(&nodes) {
        node.call(key, || "first".to_owned());
        eventually("it is stored", || other.get(&key).as_deref() == Some("first"));
    }
    server.cli(&["ACL", "SETUSER", "app", "resetpass", ">changed"]);
    server.cli(&["CLIENT", "KILL", "USER", "app"]);
    for (key, node) in (0..).zip(&nodes) {
        let before = node.cache.stats().far;
        for version in 0..10 {
            let right = format!("version {version}");
            assert_eq!(node.invalidate(key), Delivery::Queued);
            assert_eq!(node.call(key, || right.clone()), right);
        }
        let far = node.cache.stats().far;
        assert!(far.skipped >= before.skipped + 10 && far.errors > before.errors, "{far:?}");
        assert_eq!(other.get(&key).as_deref(), Some("first"), "it is not delivered yet");
    }
    server.cli(&["ACL", "SETUSER", "app", "resetpass", ">right"]);
    for (key, node) in (0..).zip(&nodes) {
        eventually("the invalidation is delivered", || other.get(&key).is_none());
        eventually("it is in use again", || {
            node.invalidate(key);
            node.call(key, || "second".to_owned());
            other.get(&key).as_deref() == Some("second")
        });
    }
}
