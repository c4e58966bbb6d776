//! Reads per second from a Redis over loopback, one process: ours beside a `GET` by hand over the same kind of connection.
//!
//! `cargo bench --bench redis -- [--rounds N] [--only NAME]`. The contestants take turns in rounds; what is compared are the turns of one round.

use cachekit_runtime::backend::{Address, Backend, Fingerprint, SharedBackend, redis::Settings};
use cachekit_tests::redis_server::RedisServer;
use redis::aio::MultiplexedConnection;
use std::{
    future::Future,
    hint::black_box,
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::runtime::{Builder, Runtime};

const KEYS: usize = 1_000;
const VALUE: usize = 200;
const TASKS: [usize; 3] = [1, 16, 256];

/// One read of the key of this number.
type Read = Arc<dyn Fn(usize) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

struct Contestant {
    name: &'static str,
    read: Read,
}

fn main() {
    let arguments: Vec<_> = std::env::args().collect();
    let after = |name: &str| arguments.iter().skip_while(|word| *word != name).nth(1);
    let rounds = after("--rounds").and_then(|rounds| rounds.parse().ok()).unwrap_or(15);
    let server = RedisServer::start();
    // One thread: what a task costs is not hidden by another core.
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let mut contestants = contestants(&server, &runtime);
    if let Some(only) = after("--only") {
        contestants.retain(|contestant| contestant.name == only);
    }
    for tasks in TASKS {
        let reads = if tasks == 1 { 4_000 } else { 40_000 };
        let mut rates = vec![Vec::new(); contestants.len()];
        for round in 0..=rounds {
            for at in 0..contestants.len() {
                // Another first one each time.
                let at = (at + round) % contestants.len();
                let rate = turn(&runtime, &contestants[at].read, tasks, reads);
                // The first round warms up.
                if round > 0 {
                    rates[at].push(rate);
                }
            }
        }
        for (contestant, rate) in contestants.iter().zip(&rates) {
            let ratios = rate.iter().zip(&rates[0]).map(|(ours, first)| ours / first).collect();
            println!(
                "{tasks:>4} tasks  {:<12} {:>9.0} reads/s  {:.3} of {}",
                contestant.name,
                median(rate.clone()),
                median(ratios),
                contestants[0].name
            );
        }
    }
}

fn contestants(server: &RedisServer, runtime: &Runtime) -> Vec<Contestant> {
    let backend = Settings::new(server.url()).response_timeout(Duration::from_secs(10)).open().expect("a backend");
    let addresses: Vec<_> = (0..KEYS).map(|n| Address::new("user", &n.to_string(), Fingerprint(7))).collect();
    let addresses: Arc<[Address]> = addresses.into();
    let client = redis::Client::open(server.url()).expect("a client");
    let by_hand = runtime.block_on(async {
        for address in &*addresses {
            backend.set(address, vec![7; VALUE].into(), None).await.expect("a value");
        }
        backend
            .generation(&Address::new("user", "", Fingerprint(0)), Duration::from_secs(3_600))
            .await
            .expect("a generation");
        client.get_multiplexed_async_connection().await.expect("a connection")
    });
    let keys: Arc<[String]> = addresses
        .iter()
        .map(|address| format!("ck:default:d:{{{}}}:{}", address.id(), address.fingerprint()))
        .collect();
    let (for_get, for_look) = ((backend.clone(), addresses.clone()), (backend, addresses));
    vec![
        Contestant { name: "GET by hand", read: Arc::new(move |n| Box::pin(hand(by_hand.clone(), keys.clone(), n))) },
        Contestant {
            name: "get",
            read: Arc::new(move |n| {
                let (backend, addresses) = for_get.clone();
                Box::pin(async move { assert!(backend.get(&addresses[n]).await.is_ok_and(|found| found.is_some())) })
            }),
        },
        Contestant {
            name: "look",
            read: Arc::new(move |n| {
                let (backend, addresses) = for_look.clone();
                Box::pin(async move {
                    let looked = backend.look(&addresses[n]).await.expect("an answer");
                    assert!(looked.bytes.is_some() && looked.generation.is_some());
                })
            }),
        },
    ]
}

async fn hand(mut connection: MultiplexedConnection, keys: Arc<[String]>, n: usize) {
    let found: Option<Vec<u8>> = redis::cmd("GET").arg(&keys[n]).query_async(&mut connection).await.expect("an answer");
    assert!(black_box(found).is_some());
}

/// Reads per second.
fn turn(runtime: &Runtime, read: &Read, tasks: usize, reads: usize) -> f64 {
    runtime.block_on(async {
        let start = Instant::now();
        let all: Vec<_> = (0..tasks)
            .map(|task| {
                let read = read.clone();
                tokio::spawn(async move {
                    for at in 0..reads / tasks {
                        read((task * 7_919 + at) % KEYS).await;
                    }
                })
            })
            .collect();
        for task in all {
            task.await.expect("its end");
        }
        (reads / tasks * tasks) as f64 / start.elapsed().as_secs_f64()
    })
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all.get(all.len() / 2).copied().unwrap_or(f64::NAN)
}
