//! `cachekit bench`: how fast a store answers from here.

use super::spread::{Percentiles, Spread};
use crate::{
    args::BenchArgs,
    failure::{Exit, Failure},
    interrupt,
    output::{self, Out, Table},
    progress, store,
};
use bytes::Bytes;
use cachekit_runtime::{
    Error,
    backend::{Address, Backend, Fingerprint},
};
use serde::Serialize;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// The namespace in Redis unless another is said, and the cache.
const NAME: &str = "cachekit-bench";

/// What is written may be left behind by a bench that is killed; not for longer.
const TTL: Duration = Duration::from_secs(600);

#[derive(Serialize)]
struct Document<'a> {
    store: &'a str,
    seconds: f64,
    callers: u16,
    value_bytes: u64,
    operations: Vec<Operation>,
}

#[derive(Serialize)]
struct Operation {
    operation: &'static str,
    calls: u64,
    failed: u64,
    per_second: f64,
    /// In nanoseconds, to an eighth.
    latency_ns: Option<Percentiles>,
}

#[derive(Default)]
struct Measured {
    latencies: Spread,
    failed: u64,
}

impl Measured {
    fn add(&mut self, began: Instant, result: &Result<(), Error>) {
        match result {
            Ok(()) => self.latencies.add(u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX)),
            Err(_) => self.failed += 1,
        }
    }

    fn merge(&mut self, other: &Measured) {
        self.latencies.merge(&other.latencies);
        self.failed += other.failed;
    }
}

pub(crate) async fn run(mut args: BenchArgs, out: &mut Out) -> Result<Exit, Failure> {
    args.source.connect.namespace.get_or_insert_with(|| NAME.to_owned());
    let store = Arc::new(store::open(&args.source)?);
    store.backend().ping().await?;
    interrupt::note();
    let bar = progress::bar(Some(args.seconds), "s", out.json);
    let ended = Arc::new(AtomicBool::new(false));
    let began = Instant::now();
    let size = usize::try_from(args.value_bytes).map_err(|_| Failure::usage("no value is so long"))?;
    let value = Bytes::from(vec![b'x'; size]);
    let callers: Vec<_> = (0..args.callers)
        .map(|caller| {
            let (store, ended) = (store.clone(), ended.clone());
            let (keys, reads) = (args.keys, args.reads);
            let value = value.clone();
            tokio::spawn(async move { call(store.backend(), &ended, u64::from(caller), keys, reads, &value).await })
        })
        .collect();
    let until = Duration::from_secs(args.seconds);
    while began.elapsed() < until && !interrupt::asked() {
        tokio::time::sleep(Duration::from_millis(20).min(until.saturating_sub(began.elapsed()))).await; // sleeps: the load runs for so long
        bar.set_position(began.elapsed().as_secs());
    }
    ended.store(true, Ordering::Relaxed);
    let (mut reads, mut writes) = (Measured::default(), Measured::default());
    for caller in callers {
        let (read, written) = caller.await.map_err(|error| Failure::other(format_args!("a caller ended: {error}")))?;
        reads.merge(&read);
        writes.merge(&written);
    }
    let took = began.elapsed();
    bar.finish_and_clear();
    store.backend().clear(NAME).await?;
    store.backend().flush().await?;
    let operations = vec![operation("get", &reads, took), operation("set", &writes, took)];
    let (seconds, callers, value_bytes) = (took.as_secs_f64(), args.callers, args.value_bytes);
    let document = Document { store: &store.name, seconds, callers, value_bytes, operations };
    if out.json {
        out.document(&document)?;
    } else {
        show(&document, out)?;
    }
    if interrupt::asked() {
        return Err(Failure::interrupted("interrupted: the figures are of a shorter time"));
    }
    Ok(Exit::Fine)
}

async fn call(
    backend: &dyn Backend,
    ended: &AtomicBool,
    caller: u64,
    keys: u64,
    reads: u8,
    value: &Bytes,
) -> (Measured, Measured) {
    let (mut read, mut written) = (Measured::default(), Measured::default());
    // A generator of Knuth's is random enough to spread the load, and the same in each run.
    let mut random = caller.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    while !ended.load(Ordering::Relaxed) {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let address = Address::new(NAME, &((random >> 33) % keys).to_string(), Fingerprint(0));
        let began = Instant::now();
        if (random >> 16) % 100 < u64::from(reads) {
            read.add(began, &backend.get(&address).await.map(drop));
        } else {
            written.add(began, &backend.set(&address, value.clone(), Some(TTL)).await);
        }
        // A store in files answers at once, and would keep this thread for itself.
        tokio::task::yield_now().await;
    }
    (read, written)
}

fn operation(operation: &'static str, measured: &Measured, took: Duration) -> Operation {
    let calls = measured.latencies.count();
    let per_second = calls as f64 / took.as_secs_f64();
    Operation { operation, calls, failed: measured.failed, per_second, latency_ns: measured.latencies.percentiles() }
}

fn show(document: &Document<'_>, out: &mut Out) -> Result<(), Failure> {
    let Document { store, seconds, callers, value_bytes, operations } = document;
    out.line(&format!("{store}: {callers} callers for {seconds:.1} s, values of {value_bytes} bytes\n"))?;
    let mut table = Table::new(&["operation", "#calls", "#failed", "#per second", "#p50", "#p90", "#p99", "#max"]);
    for Operation { operation, calls, failed, per_second, latency_ns } in operations {
        let time =
            |of: fn(&Percentiles) -> u64| latency_ns.as_ref().map_or_else(|| "-".to_owned(), |all| micros(of(all)));
        table.row([
            (*operation).to_owned(),
            output::count(*calls),
            output::count(*failed),
            output::count(*per_second as u64),
            time(|all| all.p50),
            time(|all| all.p90),
            time(|all| all.p99),
            time(|all| all.max),
        ]);
    }
    out.table(&table)
}

fn micros(nanos: u64) -> String {
    match nanos {
        0..10_000 => format!("{:.1} µs", nanos as f64 / 1e3),
        10_000..10_000_000 => format!("{} µs", nanos / 1_000),
        _ => format!("{} ms", nanos / 1_000_000),
    }
}
