//! A load of 500 callers over 10 000 keys through 20 faults in a row, of the network and of the server, checked against the history of each key.

use cachekit_runtime::{Cache, Delivery, Place, backend::redis};
use cachekit_tests::{
    fault_proxy::{Fault, FaultProxy},
    lag::Lag,
    redis_server::RedisServer,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

const CALLERS: usize = 500;
const KEYS: u64 = 10_000;
const MAX_LOADS: usize = 64;
const TIMEOUT: Duration = Duration::from_millis(250);
/// A fault lasts so long; then all is well, until the backend is in use again.
const FAULT: Duration = Duration::from_millis(400);

/// What is cached: the versions of the keys, and what is promised of them.
struct Truth {
    versions: Vec<AtomicU64>,
    /// No call on the node that invalidated may see an older one.
    here: Vec<AtomicU64>,
    /// No call on any node may.
    everywhere: Vec<AtomicU64>,
    loading: AtomicUsize,
    most_loading: AtomicUsize,
}

impl Truth {
    fn new() -> Self {
        let zeros = || std::iter::repeat_with(|| AtomicU64::new(0)).take(KEYS as usize).collect();
        Truth {
            versions: zeros(),
            here: zeros(),
            everywhere: zeros(),
            loading: AtomicUsize::new(0),
            most_loading: AtomicUsize::new(0),
        }
    }

    async fn load(&self, key: u64) -> u64 {
        let now = self.loading.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_loading.fetch_max(now, Ordering::SeqCst);
        let version = self.versions[key as usize].load(Ordering::SeqCst);
        tokio::task::yield_now().await;
        self.loading.fetch_sub(1, Ordering::SeqCst);
        version
    }
}

struct Counts {
    lag: Lag,
    calls: AtomicU64,
    writes: AtomicU64,
    shared: AtomicU64,
    stale_here: AtomicU64,
    stale_there: AtomicU64,
    late: AtomicU64,
    slowest: AtomicU64,
}

impl Counts {
    fn new() -> Self {
        let zero = || AtomicU64::new(0);
        Counts {
            lag: Lag::watch(),
            calls: zero(),
            writes: zero(),
            shared: zero(),
            stale_here: zero(),
            stale_there: zero(),
            late: zero(),
            slowest: zero(),
        }
    }
}

fn node(proxy: &FaultProxy, near: bool) -> Cache<u64, u64> {
    let settings = redis::Settings::new(format!("redis://127.0.0.1:{}", proxy.port()));
    let backend = settings.namespace("storm").response_timeout(TIMEOUT).open().expect("settings");
    let mut places = vec![Place::own(backend)];
    if near {
        places.insert(0, Place::memory());
    }
    Cache::builder()
        .name("far::storm")
        .ttl(Duration::from_secs(60))
        .max_loads(MAX_LOADS)
        .timeout(TIMEOUT)
        .backends(places)
        .build()
}

/// Between two calls of one caller, where the machine has nothing else to do.
const PAUSE: Duration = Duration::from_millis(25);

/// Waits until the caller's next call. The longer tasks wait for their turn, the fewer calls are made: else 500 callers on a busy machine would keep every task
/// from being polled, no answer of the server would be read in time, and the test would measure the machine.
async fn pause(lag: &Lag) {
    tokio::time::sleep(PAUSE + 8 * lag.now()).await; // sleeps: it is the load
}

/// A caller of the node that writes: it invalidates what it changes, and reads.
async fn here(node: Cache<u64, u64>, truth: Arc<Truth>, counts: Arc<Counts>, stop: Arc<AtomicBool>, mut seed: u64) {
    while !stop.load(Ordering::Relaxed) {
        pause(&counts.lag).await;
        let key = random(&mut seed) % KEYS;
        if random(&mut seed).is_multiple_of(10) {
            let version = truth.versions[key as usize].fetch_add(1, Ordering::SeqCst) + 1;
            let delivery = node.invalidate_async(&key).await;
            counts.writes.fetch_add(1, Ordering::Relaxed);
            truth.here[key as usize].fetch_max(version, Ordering::SeqCst);
            if delivery == Delivery::Shared {
                counts.shared.fetch_add(1, Ordering::Relaxed);
                truth.everywhere[key as usize].fetch_max(version, Ordering::SeqCst);
            }
        } else {
            let floor = truth.here[key as usize].load(Ordering::SeqCst);
            if call(&node, &truth, &counts, key).await < floor {
                counts.stale_here.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

/// A caller of another node, which only reads.
async fn there(node: Cache<u64, u64>, truth: Arc<Truth>, counts: Arc<Counts>, stop: Arc<AtomicBool>, mut seed: u64) {
    while !stop.load(Ordering::Relaxed) {
        pause(&counts.lag).await;
        let key = random(&mut seed) % KEYS;
        let floor = truth.everywhere[key as usize].load(Ordering::SeqCst);
        if call(&node, &truth, &counts, key).await < floor {
            counts.stale_there.fetch_add(1, Ordering::Relaxed);
        }
    }
}

async fn call(node: &Cache<u64, u64>, truth: &Truth, counts: &Counts, key: u64) -> u64 {
    let (start, lost) = (Instant::now(), counts.lag.so_far());
    let version = node.get_or_compute_async(&key, || truth.load(key)).await;
    let took = start.elapsed();
    counts.calls.fetch_add(1, Ordering::Relaxed);
    counts.slowest.fetch_max(took.as_millis() as u64, Ordering::Relaxed);
    // Its own look, and perhaps that of the caller whose load it waited for; with a margin of four for a machine that is busy with 500 callers, and without
    // what every task lost meanwhile.
    if took > 4 * 2 * TIMEOUT && took > 4 * 2 * TIMEOUT + (counts.lag.settled().await - lost) {
        counts.late.fetch_add(1, Ordering::Relaxed);
    }
    version
}

fn random(seed: &mut u64) -> u64 {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    *seed
}

async fn faults(server: &mut RedisServer, proxy: &FaultProxy, nodes: [&Cache<u64, u64>; 2], lag: &Lag) {
    let mut seed = 0x5eed;
    for round in 0..20_u64 {
        match (round + random(&mut seed) % 2) % 10 {
            0 => proxy.set(Fault::Delay(Duration::from_millis(50))),
            1 => proxy.set(Fault::Stall),
            2 => proxy.set(Fault::Cut),
            3 => proxy.set(Fault::Garbage),
            4 => proxy.set(Fault::HalfOpen),
            5 => proxy.set(Fault::Refused),
            6 => proxy.set(Fault::Trickle(Duration::from_millis(5))),
            7 => server.kill(),
            8 => drop(server.cli_detached(&["CLIENT", "PAUSE", "300"])),
            _ => _ = server.cli(&["CONFIG", "SET", "maxmemory", "1"]),
        }
        tokio::time::sleep(FAULT).await; // sleeps: the fault has to meet the load
        proxy.set(Fault::None);
        if server.is_running() {
            server.cli(&["CONFIG", "SET", "maxmemory", "0"]);
        } else {
            server.restart();
        }
        for node in nodes {
            let (stores, start, lost) = (node.stats().far.stores, Instant::now(), lag.so_far());
            while node.stats().far.stores < stores + 100 {
                assert!(
                    start.elapsed() < Duration::from_secs(30) + 4 * (lag.so_far() - lost),
                    "in use again, round {round}: {:?}",
                    node.stats().far
                );
                tokio::time::sleep(Duration::from_millis(10)).await; // sleeps: the background probe has its own time
            }
        }
    }
}

fn resident_kilobytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse().ok()).unwrap_or(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_notices_twenty_faults_in_a_row() {
    let mut server = RedisServer::start();
    let proxy = FaultProxy::before(server.port());
    let (truth, counts, stop) = (Arc::new(Truth::new()), Arc::new(Counts::new()), Arc::new(AtomicBool::new(false)));
    let (one, other) = (node(&proxy, true), node(&proxy, false));
    let before = resident_kilobytes();
    let callers: Vec<_> = (0..CALLERS)
        .map(|caller| {
            let (truth, counts, stop) = (truth.clone(), counts.clone(), stop.clone());
            let seed = 0x9e37_79b9_7f4a_7c15 ^ (caller as u64 + 1);
            if caller % 2 == 0 {
                tokio::spawn(here(one.clone(), truth, counts, stop, seed))
            } else {
                tokio::spawn(there(other.clone(), truth, counts, stop, seed))
            }
        })
        .collect();
    faults(&mut server, &proxy, [&one, &other], &counts.lag).await;
    stop.store(true, Ordering::Relaxed);
    let ended = tokio::time::timeout(Duration::from_secs(30), async {
        for caller in callers {
            caller.await.expect("no call panics");
        }
    });
    ended.await.expect("no caller is stuck");
    let grown = resident_kilobytes().saturating_sub(before);
    let get = |count: &AtomicU64| count.load(Ordering::SeqCst);
    println!(
        "{} calls, {} invalidations ({} shared), stale {} here and {} there, {} late (slowest {} ms; {:?} lost by every task), at most {} loaders, {} kB more\n{}\n{:?}",
        get(&counts.calls),
        get(&counts.writes),
        get(&counts.shared),
        get(&counts.stale_here),
        get(&counts.stale_there),
        get(&counts.late),
        get(&counts.slowest),
        counts.lag.so_far(),
        truth.most_loading.load(Ordering::SeqCst),
        grown,
        one.stats(),
        [one.stats().far, other.stats().far],
    );
    assert!(get(&counts.calls) > 10_000, "the load went on");
    assert_eq!((get(&counts.stale_here), get(&counts.stale_there)), (0, 0));
    assert_eq!(get(&counts.late), 0);
    // What a stalled leader holds, who takes its load over goes over the limit with; that is counted.
    let over: u64 = [&one, &other].iter().map(|node| node.stats().over_limit).sum();
    assert!(truth.most_loading.load(Ordering::SeqCst) as u64 <= 2 * MAX_LOADS as u64 + over, "two nodes");
    assert!(grown < 300_000, "{grown} kB");
    let far = one.stats().far;
    assert!(far.hits > 0 && far.errors > 0 && far.skipped > 0, "faults were met, and the breaker opened");
}
