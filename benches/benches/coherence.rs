//! What staying coherent costs a Redis server: fills while many processes hear of every change.
//!
//! The bar: a fill takes the server at most 1.5 times the time with 50 nodes that listen of what it takes with none.

use cachekit_benches::{args::Args, json, stats::Quartiles};
use cachekit_runtime::{
    Cache, Place,
    backend::redis::{RedisBackend, Settings},
};
use cachekit_tests::{node::Node, redis_server::RedisServer};
use std::{sync::atomic::AtomicU64, time::Duration};
use tokio::runtime::{Builder, Runtime};

const USAGE: &str = "\
cargo bench --bench coherence -- [FLAGS]
  --rounds N        turns with and without nodes that listen (7)
  --ops N           fills of a turn (20000)
  --quick           3 rounds of 5000 fills";

/// How many nodes listen.
const NODES: usize = 50;

/// Fills at once.
const TASKS: u64 = 16;

/// What the server's time for a fill may be with all nodes, by that with none.
const WITH_NODES: f64 = 1.5;

fn main() {
    let mut args = Args::parse(USAGE);
    let default = Args::default();
    (args.rounds, args.ops) = match args.quick {
        true => (3, 5_000),
        false => (
            if args.rounds == default.rounds { 7 } else { args.rounds },
            if args.ops == default.ops { 20_000 } else { args.ops },
        ),
    };
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let fills = Fills::measured(&runtime, &args);
    fills.print();
    let settings = [
        ("rounds", args.rounds.to_string()),
        ("ops", args.ops.to_string()),
        ("nodes", NODES.to_string()),
        ("fill_alone", json::quartiles(Some(Quartiles::of(fills.alone.clone())))),
        ("fill_with_nodes", json::quartiles(Some(Quartiles::of(fills.with_nodes.clone())))),
        ("ratio", json::quartiles(Some(Quartiles::of_ratios(&fills.with_nodes, &fills.alone)))),
    ];
    json::save_and_say(&json::document("coherence", &args, &settings), "coherence");
}

fn backend(server: &RedisServer) -> RedisBackend {
    Settings::new(server.url()).open().expect("a URL")
}

fn number(server: &RedisServer, name: &str) -> f64 {
    server.info(name).parse().expect("a number")
}

/// Microseconds of the server for each fill.
#[derive(Default)]
struct Fills {
    alone: Vec<f64>,
    with_nodes: Vec<f64>,
}

impl Fills {
    fn measured(runtime: &Runtime, args: &Args) -> Self {
        let mut fills = Self::default();
        let server = RedisServer::start();
        let cache = Cache::builder()
            .name("filled")
            .ttl(Duration::from_secs(600))
            .backends([Place::own(backend(&server))])
            .build();
        let mut next = 0;
        let mut turn = |many: u64| {
            let before = cpu_micros(&server);
            runtime.block_on(fill(&cache, next..next + many));
            next += many;
            (cpu_micros(&server) - before) / many as f64
        };
        turn(1_000);
        for round in 0..args.rounds {
            fills.alone.push(turn(args.ops as u64));
            let nodes: Vec<_> = (0..NODES).map(|_| Node::new("filled", backend(&server))).collect();
            let source = AtomicU64::new(7);
            for node in &nodes {
                runtime.block_on(node.hears(u64::MAX, &source));
            }
            fills.with_nodes.push(turn(args.ops as u64));
            drop(nodes);
            eprint!("\rfills: round {} of {}    ", round + 1, args.rounds);
            server.cli(&["FLUSHALL", "SYNC"]);
        }
        eprintln!();
        fills
    }

    fn print(&self) {
        let (alone, with_nodes) = (Quartiles::of(self.alone.clone()), Quartiles::of(self.with_nodes.clone()));
        let ratio = Quartiles::of_ratios(&self.with_nodes, &self.alone);
        let verdict = if ratio.median <= WITH_NODES { "met" } else { "MISSED" };
        println!(
            "server time of a fill: {:.1} us alone, {:.1} us with {NODES} nodes that listen: {:.2} ({:.2}..{:.2}; bar {WITH_NODES} {verdict})",
            alone.median, with_nodes.median, ratio.median, ratio.low, ratio.high
        );
    }
}

/// Each key once, computed and stored.
async fn fill(cache: &Cache<u64, u64>, keys: std::ops::Range<u64>) {
    let tasks = (0..TASKS).map(|task| {
        let (cache, keys) = (cache.clone(), keys.clone());
        tokio::spawn(async move {
            for key in keys.filter(|key| key % TASKS == task) {
                cache.get_or_compute_async(&key, || async { key }).await;
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.expect("its end");
    }
    cachekit_runtime::flush().await;
}

/// User and system time of the server's process.
fn cpu_micros(server: &RedisServer) -> f64 {
    (number(server, "used_cpu_user") + number(server, "used_cpu_sys")) * 1e6
}
