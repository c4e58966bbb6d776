//! A function that is memoized in a Redis over loopback, beside the same by hand and by peers: hits, misses, and hits in the memory in front of Redis.
//!
//! The bars: on hits at least 0.95 of the calls per second of a hand-written `GET` and decode at 1 and 16 tasks, and 0.88 at 256; a hit in the memory
//! in front of Redis takes at most twice the time of one in a cache of memory alone, and one with four tags at most 1.3 times that without.

mod functions;

use cachekit_benches::{args::Args, json, stats::Quartiles};
use cachekit_tests::redis_server::RedisServer;
use functions::{LOADS, URL, by_cached, by_hand, by_hitbox, ours};
use std::{
    future::Future,
    hint::black_box,
    sync::atomic::{AtomicU64, Ordering},
    time::Instant,
};
use tokio::{
    runtime::{Builder, Runtime},
    task::unconstrained,
};

const USAGE: &str = "\
cargo bench --bench redis -- [FLAGS]
  --rounds N        turns of each contestant (15)
  --ops N           calls per turn where many tasks call (40000); a twentieth where one does, an eighth of both for misses, 25 times as many in memory
  --keys N          entries that are read (1000)
  --only A,B,…      contestants or groups (as: json hits at 16) whose name contains one of these; the first of a group always runs
  --quick           5 rounds of 10000 calls";

const TASKS: [usize; 3] = [1, 16, 256];

/// So many hits in memory for one that asks Redis.
const NEAR: usize = 25;

/// The contestant whose hits are in memory, with Redis behind.
const IN_FRONT: &str = "memory in front of redis";

/// The same with tags.
const TAGGED: &str = "with four tags";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Hits,
    Misses,
    /// No server takes part.
    Near,
}

/// From which key on, how many tasks, how many calls of each.
type Turn = Box<dyn Fn(&Runtime, Keys, usize, usize) -> f64>;

/// Which keys a turn calls with.
#[derive(Debug, Clone, Copy)]
enum Keys {
    /// Those below this one, again and again.
    Below(u64),
    /// From this one on, each once.
    From(u64),
}

impl Keys {
    fn key(self, task: usize, at: usize, calls: usize) -> u64 {
        match self {
            Keys::Below(end) => (task * 7_919 + at) as u64 % end,
            Keys::From(start) => start + (task * calls + at) as u64,
        }
    }
}

struct Contestant {
    name: &'static str,
    turn: Turn,
}

/// Those that are compared; the first is what the others are measured by.
struct Group {
    kind: Kind,
    name: &'static str,
    contestants: Vec<Contestant>,
}

/// One row.
struct Measured {
    group: &'static str,
    kind: Kind,
    name: &'static str,
    tasks: usize,
    rates: Vec<f64>,
    reference: Vec<f64>,
}

fn main() {
    let mut args = Args::parse(USAGE);
    let default = Args::default();
    (args.rounds, args.ops) = match (args.quick, args.rounds, args.ops) {
        (true, ..) => (5, 10_000),
        (false, rounds, ops) => {
            (if rounds == default.rounds { 15 } else { rounds }, if ops == default.ops { 40_000 } else { ops })
        }
    };
    let server = RedisServer::start();
    URL.set(server.url()).expect("once");
    cachekit::configure().redis(server.url()).apply().expect("a configuration");
    // One thread: what a task costs is not hidden by another core.
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(by_hand::connect());
    let mut bench = Bench { runtime, server, args, next: AtomicU64::new(1 << 32), measured: Vec::new() };
    for group in groups() {
        bench.run(&group);
    }
    report(&bench.measured, &bench.args);
}

struct Bench {
    runtime: Runtime,
    server: RedisServer,
    args: Args,
    /// The next key that nobody has used.
    next: AtomicU64,
    measured: Vec<Measured>,
}

impl Bench {
    fn run(&mut self, group: &Group) {
        for tasks in TASKS.into_iter().filter(|tasks| group.kind != Kind::Near || *tasks == 1) {
            let title = format!("{} at {tasks} tasks", group.name);
            let mut contestants: Vec<_> = group.contestants.iter().collect();
            let first = contestants.remove(0);
            contestants.retain(|contestant| self.args.wants(&[contestant.name, &title]));
            if contestants.is_empty() {
                continue;
            }
            contestants.insert(0, first);
            let mut rates = vec![Vec::new(); contestants.len()];
            for round in 0..=self.args.rounds {
                if group.kind == Kind::Misses {
                    // What others left would grow without end.
                    self.server.cli(&["FLUSHALL", "SYNC"]);
                }
                for at in 0..rates.len() {
                    // Another first one each time.
                    let at = (at + round) % rates.len();
                    let rate = self.turn(group.kind, contestants[at], tasks);
                    // The first round warms up.
                    if round > 0 {
                        rates[at].push(rate);
                    }
                }
                eprint!("\r{title}: round {round} of {}    ", self.args.rounds);
            }
            let reference = rates[0].clone();
            for (contestant, rates) in contestants.into_iter().zip(rates) {
                let (group, kind, name) = (group.name, group.kind, contestant.name);
                self.measured.push(Measured { group, kind, name, tasks, rates, reference: reference.clone() });
            }
        }
        eprintln!();
    }

    /// Calls per second.
    fn turn(&self, kind: Kind, contestant: &Contestant, tasks: usize) -> f64 {
        let ops = if tasks == 1 { self.args.ops / 20 } else { self.args.ops };
        let ops = match kind {
            Kind::Hits => ops,
            Kind::Misses => ops / 8,
            Kind::Near => self.args.ops * NEAR,
        };
        let calls = (ops / tasks).max(1);
        let turn = |keys, calls| (contestant.turn)(&self.runtime, keys, tasks, calls);
        if kind == Kind::Misses {
            let fresh = |calls: usize| Keys::From(self.next.fetch_add((tasks * calls) as u64, Ordering::Relaxed));
            turn(fresh(calls / 8 + 1), calls / 8 + 1);
            let before = LOADS.load(Ordering::Relaxed);
            let rate = turn(fresh(calls), calls);
            let loads = LOADS.load(Ordering::Relaxed) - before;
            assert_eq!(loads, (calls * tasks) as u64, "{} computes each key once", contestant.name);
            return rate;
        }
        let keys = Keys::Below(self.args.keys as u64);
        (contestant.turn)(&self.runtime, keys, 1, self.args.keys);
        let before = LOADS.load(Ordering::Relaxed);
        let rate = turn(keys, calls);
        assert_eq!(LOADS.load(Ordering::Relaxed), before, "{} finds each key", contestant.name);
        rate
    }
}

fn contestant<F>(name: &'static str, call: impl Fn(u64) -> F + Copy + Send + Sync + 'static) -> Contestant
where
    F: Future<Output: Send> + Send + 'static,
{
    let turn = move |runtime: &Runtime, keys: Keys, tasks: usize, calls: usize| {
        runtime.block_on(async {
            let start = Instant::now();
            let one = move |task| async move {
                for at in 0..calls {
                    black_box(call(keys.key(task, at, calls)).await);
                }
            };
            // Without tokio's budget for tasks that never wait: it would take hits in memory for that.
            let all: Vec<_> = (0..tasks).map(|task| tokio::spawn(unconstrained(one(task)))).collect();
            for task in all {
                task.await.expect("its end");
            }
            (calls * tasks) as f64 / start.elapsed().as_secs_f64()
        })
    };
    Contestant { name, turn: Box::new(turn) }
}

fn groups() -> Vec<Group> {
    let json = || {
        vec![
            contestant("by hand", by_hand::json),
            contestant("cachekit", ours::json),
            contestant("cached: AsyncRedisCache, msgpack", by_cached::msgpack),
            contestant("hitbox, json", by_hitbox::json),
        ]
    };
    let postcard = || {
        vec![
            contestant("by hand", by_hand::postcard),
            contestant("cachekit", ours::postcard),
            contestant("hitbox, bincode", by_hitbox::bincode),
        ]
    };
    let near_number = vec![contestant("memory alone", ours::memory_number), contestant(IN_FRONT, ours::near_number)];
    let near_tagged = vec![contestant(IN_FRONT, ours::near_number), contestant(TAGGED, ours::near_tagged)];
    let near_user = vec![contestant("memory alone", ours::memory), contestant(IN_FRONT, ours::near)];
    vec![
        Group { kind: Kind::Hits, name: "json hits", contestants: json() },
        Group { kind: Kind::Hits, name: "postcard hits", contestants: postcard() },
        Group { kind: Kind::Near, name: "memory hits of a number", contestants: near_number },
        Group { kind: Kind::Near, name: "memory hits of seven texts", contestants: near_user },
        Group { kind: Kind::Near, name: "memory hits with tags", contestants: near_tagged },
        Group { kind: Kind::Misses, name: "json misses", contestants: json() },
        Group { kind: Kind::Misses, name: "postcard misses", contestants: postcard() },
    ]
}

impl Measured {
    /// What ours are to reach, as a part of the reference's calls per second.
    fn bar(&self) -> Option<f64> {
        match (self.name, self.kind, self.tasks) {
            ("cachekit", Kind::Hits, 256) => Some(0.88),
            ("cachekit", Kind::Hits, _) => Some(0.95),
            (IN_FRONT, ..) if self.group != "memory hits with tags" => Some(0.5),
            (TAGGED, ..) => Some(1.0 / 1.3),
            _ => None,
        }
    }

    /// How many microseconds of this one thread, the library's and the kernel's work in it, a call takes more than by the reference.
    fn more(&self) -> Quartiles {
        Quartiles::of(
            self.rates.iter().zip(&self.reference).map(|(rate, reference)| 1e6 / rate - 1e6 / reference).collect(),
        )
    }
}

fn report(all: &[Measured], args: &Args) {
    let mut rows = Vec::new();
    let mut last = String::new();
    for measured in all {
        let group = format!("{} at {} tasks", measured.group, measured.tasks);
        if group != last {
            println!(
                "\n{group}\n  {:<34} {:>11} {:>22} {:>8} {:>14} {:>9} {:>10}",
                "", "calls/s", "quartiles", "/first", "quartiles", "+µs/call", "bar"
            );
            last.clone_from(&group);
        }
        let rate = Quartiles::of(measured.rates.clone());
        let ratio = Quartiles::of_ratios(&measured.rates, &measured.reference);
        let more = measured.more();
        let bar = measured.bar();
        let verdict = bar.map(|bar| format!("{bar:.2} {}", if ratio.median >= bar { "met" } else { "MISSED" }));
        println!(
            "  {:<34} {:>11.0} {:>22} {:>8.3} {:>14} {:>9.2} {:>10}",
            measured.name,
            rate.median,
            format!("{:.0}..{:.0}", rate.low, rate.high),
            ratio.median,
            format!("{:.3}..{:.3}", ratio.low, ratio.high),
            more.median,
            verdict.unwrap_or_default(),
        );
        rows.push(json::object(&[
            ("group", json::text(measured.group)),
            ("contestant", json::text(measured.name)),
            ("tasks", measured.tasks.to_string()),
            ("per_second", json::quartiles(Some(rate))),
            ("to_first", json::quartiles(Some(ratio))),
            ("more_micros", json::quartiles(Some(more))),
            ("bar", json::number(bar)),
        ]));
    }
    let settings = [
        ("rounds", args.rounds.to_string()),
        ("ops", args.ops.to_string()),
        ("keys", args.keys.to_string()),
        ("lines", json::lines(&rows)),
    ];
    json::save_and_say(&json::document("redis", args, &settings), "redis");
}
