//! What the live updates of the admin page cost a service: the processor time of a process with a hundred caches while one connection is open.
//!
//! The bar: one percent of a core.

use cachekit::{
    Cache,
    admin::{self, Access, Scope},
};
use cachekit_benches::{args::Args, json, machine};
use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};
use tokio::net::TcpListener;

const USAGE: &str = "\
cargo bench --bench admin --features admin -- [FLAGS]
  --quick           5 seconds each instead of 30";

const CACHES: usize = 100;

/// Entries of each cache.
const ENTRIES: u64 = 1_000;

/// Entries of the cache of which the most is to be looked at.
const MANY: u64 = 1_000_000;

/// Two caches, as their names end.
const SMALL: &str = "0";
const LARGE: &str = "large";

fn live(cache: &str) -> String {
    format!("/api/live?cache=bench%3A%3A{cache}")
}

/// How often the page asks for top keys.
const TOP_EVERY: Duration = Duration::from_secs(5);

/// What a connection may take, in percent of a core.
const MOST: f64 = 1.0;

fn main() {
    let args = Args::parse(USAGE);
    if args.once.is_some() {
        return serve();
    }
    let time = Duration::from_secs(if args.quick { 5 } else { 30 });
    let service = Service::start();
    let idle = service.measured(time, Reading::default);
    let all = service.measured(time, || read(service.address, "/api/live", time));
    let one = service.measured(time, || read(service.address, &live(SMALL), time));
    let top = service.measured(time, || look_at_top(service.address, SMALL, time));
    let large = service.measured(time, || look_at_top(service.address, LARGE, time));
    println!("{CACHES} caches of {ENTRIES} entries, {time:?} each, on {}, {}", machine::processor(), machine::today());
    let rows = [
        ("nobody looks", &idle),
        ("the table of all is open", &all),
        ("one cache is open", &one),
        ("and its top keys are", &top),
        ("those of a million entries", &large),
    ];
    for (name, Measured { percent, reading: Reading { events, bytes } }) in &rows {
        println!("  {name:28} {percent:6.3} % of a core  {events:3} events  {bytes:9} bytes");
    }
    let of = |measured: &Measured| json::number(measured.percent);
    let settings = [
        ("caches", CACHES.to_string()),
        ("seconds", time.as_secs().to_string()),
        ("idle", of(&idle)),
        ("all", of(&all)),
        ("one", of(&one)),
        ("top", of(&top)),
        ("top_of_a_million", of(&large)),
    ];
    json::save_and_say(&json::document("admin", &args, &settings), "admin");
    let events = all.reading.events.min(one.reading.events).min(top.reading.events).min(large.reading.events);
    let most = all.percent.max(one.percent).max(top.percent) - idle.percent;
    assert!(
        events as u64 > time.as_secs() / 2,
        "an event each second was expected, and there were {events}: is the machine busy?"
    );
    assert!(most <= MOST, "a connection takes {most:.3} % of a core, and may take {MOST}");
}

/// A process that does nothing but answer.
struct Service {
    process: Child,
    address: SocketAddr,
}

#[derive(Default)]
struct Reading {
    events: usize,
    bytes: usize,
}

struct Measured {
    percent: f64,
    reading: Reading,
}

impl Service {
    fn start() -> Self {
        let mut process = Command::new(std::env::current_exe().expect("this program"))
            .args(["--once", "1", "1"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut line = String::new();
        BufReader::new(process.stdout.take().expect("its output")).read_line(&mut line).expect("its first line");
        Service { process, address: line.trim().parse().expect("an address") }
    }

    /// The processor time that it takes while something is done for so long.
    fn measured(&self, time: Duration, act: impl FnOnce() -> Reading) -> Measured {
        let (begin, before) = (Instant::now(), self.nanos());
        let reading = act();
        if let Some(left) = time.checked_sub(begin.elapsed()) {
            thread::sleep(left); // sleeps: it is the time that is measured
        }
        let (nanos, passed) = (self.nanos() - before, begin.elapsed());
        Measured { percent: 100.0 * nanos as f64 / passed.as_nanos() as f64, reading }
    }

    /// On the processor so far, by the scheduler.
    fn nanos(&self) -> u64 {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.process.id())).expect("it lives, and this is Linux");
        let of = |task: fs::DirEntry| {
            let text = fs::read_to_string(task.path().join("schedstat")).unwrap_or_default();
            text.split(' ').next().and_then(|nanos| nanos.parse::<u64>().ok()).unwrap_or(0)
        };
        tasks.map(|task| of(task.expect("a thread"))).sum()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It ends with its input.
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// Reads events as the page does.
fn read(address: SocketAddr, path: &str, time: Duration) -> Reading {
    let mut stream = TcpStream::connect(address).expect("it listens");
    write!(stream, "GET {path} HTTP/1.1\r\nhost: {address}\r\n\r\n").expect("it reads");
    let (begin, mut reading) = (Instant::now(), Reading::default());
    let mut buffer = vec![0; 1 << 20];
    while let Some(left) = time.checked_sub(begin.elapsed()).filter(|left| !left.is_zero()) {
        stream.set_read_timeout(Some(left)).expect("a timeout");
        let Ok(read @ 1..) = stream.read(&mut buffer) else { break };
        reading.bytes += read;
        reading.events += buffer[..read].windows(14).filter(|bytes| bytes == b"event: caches\n").count();
    }
    reading
}

/// As the page of a cache whose top keys are shown: the events, and the keys as often as the page asks for them.
fn look_at_top(address: SocketAddr, cache: &str, time: Duration) -> Reading {
    let path = format!("/api/caches/bench%3A%3A{cache}/top?keys=true");
    thread::scope(|scope| {
        let events = scope.spawn(|| read(address, &live(cache), time));
        let begin = Instant::now();
        let mut bytes = 0;
        while begin.elapsed() < time {
            bytes += ask(address, &path).len();
            thread::sleep(TOP_EVERY.min(time.saturating_sub(begin.elapsed()))); // sleeps: as the page does
        }
        let events = events.join().expect("it reads");
        Reading { bytes: events.bytes + bytes, ..events }
    })
}

/// The body of an answer that is 200.
fn ask(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("it listens");
    write!(stream, "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("\"share\""), "{answer}");
    answer.split_once("\r\n\r\n").map_or_else(String::new, |(_, body)| body.to_owned())
}

/// A hundred caches with entries, all kinds of which have been called, and the admin router.
fn serve() {
    let caches: Vec<Cache<u64, String>> = (0..CACHES)
        .map(|number| {
            let cache = Cache::builder()
                .name(format!("bench::{number}"))
                .capacity(2_000)
                .ttl(Duration::from_secs(3_600))
                .readable();
            cache.build()
        })
        .collect();
    for cache in &caches {
        (0..ENTRIES).chain(0..ENTRIES / 2).for_each(|key| _ = cache.get_or_compute(&key, || key.to_string()));
    }
    let large: Cache<u64, u64> = Cache::builder()
        .name("bench::large")
        .capacity(2 * MANY as usize)
        .ttl(Duration::from_secs(3_600))
        .readable()
        .build();
    (0..MANY).for_each(|key| _ = large.insert(key, key));
    // More keys than are followed, some of them popular; all of it before anybody measures.
    caches[0].start_top_keys();
    large.start_top_keys();
    for turn in 0..200 * ENTRIES {
        let _ = caches[0].get(&(turn % (turn % ENTRIES + 1)));
        let _ = large.get(&(turn.wrapping_mul(turn) % MANY));
    }
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
    let address = listener.local_addr().expect("its address");
    let admin = admin::router(|_| Some(Access::named("bench").may(Scope::Read).may_see_entries()));
    let service = admin.into_make_service_with_connect_info::<SocketAddr>();
    runtime.spawn(async move { axum::serve(listener, service).await });
    println!("{address}");
    let _ = std::io::stdin().read(&mut [0]);
}
