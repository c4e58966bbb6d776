//! The file backend beside bare redb and the disk store of `cached`: looks and stores per second.

use bytes::Bytes;
use cached::{ConcurrentCached, RedbCache};
use cachekit_benches::{args::Args, json, keys::scatter, stats::Quartiles};
use cachekit_runtime::{
    Error,
    backend::{Address, Backend, Failure, FileBackend, Fingerprint},
};
use redb::{Database, Durability, ReadableDatabase, TableDefinition};
use std::{
    future::Future,
    hint::black_box,
    path::Path,
    pin::pin,
    sync::{Arc, Barrier},
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
    time::Instant,
};
use tempfile::TempDir;

const USAGE: &str = "\
cargo bench --bench file -- [FLAGS]
  --rounds N        turns of each contestant (25)
  --ops N           operations per turn and thread (20000; a hundredth where each waits for the disk)
  --keys N          entries (10000)
  --threads 1,2     thread counts, for looks
  --only A,B,…      contestants or groups whose name contains one of these
  --quick           7 rounds of 5000 operations";

const TABLE: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("entries");

/// What is done, and on how large values.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Looks,
    Stores,
    DurableStores,
    Invalidations,
}

/// An operation on the entry of this number.
type Operation = Box<dyn Fn(usize) + Send + Sync>;

struct Contestant {
    name: &'static str,
    kind: Kind,
    length: usize,
    operation: Operation,
    /// At the end of a turn, within its time.
    finish: Box<dyn Fn() + Send + Sync>,
    /// Operations per second, of each round, and by number of threads.
    rates: Vec<(usize, Vec<f64>)>,
    _folder: Arc<TempDir>,
}

fn main() {
    let mut args = Args::parse(USAGE);
    if args.ops == Args::default().ops {
        args.ops = 20_000;
    }
    if args.quick {
        args.ops = 5_000;
    }
    if args.keys == Args::default().keys {
        args.keys = 10_000;
    }
    let keys: Arc<Vec<String>> = Arc::new((0..args.keys as u64).map(|n| format!("user:{:016x}", scatter(n))).collect());
    let mut all: Vec<Contestant> = [100, 4_000]
        .into_iter()
        .flat_map(|length| [ours(&keys, length), bare(&keys, length), peer(&keys, length)])
        .flatten()
        .collect();
    all.retain(|contestant| args.wants(&[contestant.name, &contestant.group()]));
    all.sort_by_key(|contestant| (contestant.kind as usize, contestant.length));
    for round in 0..args.rounds {
        let count = all.len();
        for at in 0..count {
            let contestant = &mut all[(at + round * 5) % count];
            let threads: &[usize] = if contestant.kind == Kind::Looks { &args.threads } else { &[1] };
            for threads in threads {
                contestant.turn(*threads, round, &args);
            }
        }
        eprint!("\rround {} of {}", round + 1, args.rounds);
    }
    eprintln!();
    report(&all, &args);
}

impl Contestant {
    fn group(&self) -> String {
        let what = match self.kind {
            Kind::Looks => "looks",
            Kind::Stores => "stores, on the disk at the end of the turn",
            Kind::DurableStores => "stores, each on the disk when it returns",
            Kind::Invalidations => "invalidations, each on the disk when it returns",
        };
        format!("{what}, {} bytes", self.length)
    }

    fn turn(&mut self, threads: usize, round: usize, args: &Args) {
        let waits = matches!(self.kind, Kind::DurableStores | Kind::Invalidations);
        let ops = if waits { (args.ops / 100).max(1) } else { args.ops };
        let barrier = Barrier::new(threads + 1);
        let start = thread::scope(|scope| {
            for thread in 0..threads {
                let (operation, barrier) = (&self.operation, &barrier);
                scope.spawn(move || {
                    barrier.wait();
                    for n in 0..ops as u64 {
                        operation(scatter(n ^ (thread as u64) << 40 ^ (round as u64) << 48) as usize % args.keys);
                    }
                });
            }
            barrier.wait();
            Instant::now()
        });
        (self.finish)();
        let rate = (ops * threads) as f64 / start.elapsed().as_secs_f64();
        match self.rates.iter_mut().find(|(count, _)| *count == threads) {
            Some((_, rates)) => rates.push(rate),
            None => self.rates.push((threads, vec![rate])),
        }
    }
}

fn value(length: usize) -> Vec<u8> {
    (0..length as u64).map(|n| scatter(n) as u8).collect()
}

fn contestant(
    name: &'static str,
    (kind, length): (Kind, usize),
    folder: &Arc<TempDir>,
    operation: impl Fn(usize) + Send + Sync + 'static,
    finish: impl Fn() + Send + Sync + 'static,
) -> Contestant {
    Contestant {
        name,
        kind,
        length,
        operation: Box::new(operation),
        finish: Box::new(finish),
        rates: Vec::new(),
        _folder: Arc::clone(folder),
    }
}

fn folder() -> Arc<TempDir> {
    // Below the target folder: the temporary one may be in memory.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"));
    Arc::new(TempDir::new_in(target).expect("a folder"))
}

fn ours(keys: &Arc<Vec<String>>, length: usize) -> Vec<Contestant> {
    let name = "cachekit, file";
    let make = |kind| {
        let folder = folder();
        let backend = Arc::new(FileBackend::builder(folder.path()).open());
        let addresses = keys.iter().filter_map(|key| Address::from_id(key, Fingerprint(1)));
        let addresses: Arc<Vec<Address>> = Arc::new(addresses.collect());
        let bytes = Bytes::from(value(length));
        for address in addresses.iter() {
            store(&backend, address, bytes.clone());
        }
        drive(backend.flush()).expect("written");
        let (writes, flushes) = (Arc::clone(&backend), Arc::clone(&backend));
        let operation: Operation = match kind {
            Kind::Looks => Box::new(move |n| drop(black_box(drive(writes.get(&addresses[n])).expect("looked")))),
            Kind::Stores => Box::new(move |n| store(&writes, &addresses[n], bytes.clone())),
            Kind::DurableStores => Box::new(move |n| {
                store(&writes, &addresses[n], bytes.clone());
                drive(writes.flush()).expect("written");
            }),
            Kind::Invalidations => Box::new(move |n| {
                drive(writes.remove_many(std::slice::from_ref(&addresses[n]))).expect("invalidated");
            }),
        };
        contestant(name, (kind, length), &folder, operation, move || {
            if kind == Kind::Stores {
                drive(flushes.flush()).expect("written");
            }
        })
    };
    [Kind::Looks, Kind::Stores, Kind::DurableStores, Kind::Invalidations].map(make).into()
}

/// Where the disk is behind, it is waited for.
fn store(backend: &FileBackend, address: &Address, bytes: Bytes) {
    loop {
        match drive(backend.set(address, bytes.clone(), None)) {
            Ok(()) => return,
            Err(Error::Backend { failure: Failure::Busy, .. }) => drive(backend.flush()).expect("written"),
            Err(error) => panic!("{error}"),
        }
    }
}

fn bare(keys: &Arc<Vec<String>>, length: usize) -> Vec<Contestant> {
    let make = |kind, name, held: bool| {
        let folder = folder();
        let database = Database::builder().set_cache_size(16 << 20).create(folder.path().join("bare.redb"));
        let database = Arc::new(database.expect("a database"));
        let bytes = value(length);
        let write = move |database: &Database, key: &str, bytes: &[u8], durability| {
            let mut transaction = database.begin_write().expect("ours");
            transaction.set_durability(durability).expect("before anything else");
            transaction.open_table(TABLE).expect("the table").insert(key, bytes).expect("written");
            transaction.commit().expect("written");
        };
        let transaction = database.begin_write().expect("ours");
        for key in keys.iter() {
            transaction.open_table(TABLE).expect("the table").insert(key.as_str(), &*bytes).expect("written");
        }
        transaction.commit().expect("written");
        let (keys, writes, flushes) = (Arc::clone(keys), Arc::clone(&database), Arc::clone(&database));
        let first = keys[0].clone();
        let last = bytes.clone();
        let operation: Operation = match kind {
            Kind::Looks if held => {
                let table = database.begin_read().expect("read").open_table(TABLE).expect("the table");
                Box::new(move |n| {
                    let found = table.get(keys[n].as_str()).expect("read");
                    black_box(found.map(|found| Bytes::copy_from_slice(found.value())));
                })
            }
            Kind::Looks => Box::new(move |n| {
                let table = database.begin_read().expect("read").open_table(TABLE).expect("the table");
                let found = table.get(keys[n].as_str()).expect("read");
                black_box(found.map(|found| Bytes::copy_from_slice(found.value())));
            }),
            Kind::Stores => Box::new(move |n| write(&writes, &keys[n], &bytes, Durability::None)),
            Kind::DurableStores => Box::new(move |n| write(&writes, &keys[n], &bytes, Durability::Immediate)),
            Kind::Invalidations => Box::new(move |n| {
                let transaction = writes.begin_write().expect("ours");
                transaction.open_table(TABLE).expect("the table").remove(keys[n].as_str()).expect("written");
                transaction.commit().expect("written");
            }),
        };
        contestant(name, (kind, length), &folder, operation, move || {
            if kind == Kind::Stores {
                write(&flushes, &first, &last, Durability::Immediate);
            }
        })
    };
    vec![
        make(Kind::Looks, "redb, a transaction a look", false),
        make(Kind::Looks, "redb, one snapshot for all", true),
        make(Kind::Stores, "redb, a transaction a store", false),
        make(Kind::DurableStores, "redb, a transaction a store", false),
        make(Kind::Invalidations, "redb, a transaction a removal", false),
    ]
}

fn peer(keys: &Arc<Vec<String>>, length: usize) -> Vec<Contestant> {
    let make = |kind: Kind| {
        let folder = folder();
        let builder = RedbCache::<String, Vec<u8>>::builder("bench").disk_dir(folder.path());
        let cache = Arc::new(builder.durable(kind != Kind::Stores && kind != Kind::Looks).build().expect("a store"));
        let bytes = value(length);
        let ready = RedbCache::<String, Vec<u8>>::cache_set;
        // In one process a store is opened once, so the filling is by its own durability; a tenth of the keys is enough where each waits for the disk.
        let filled =
            if matches!(kind, Kind::DurableStores | Kind::Invalidations) { keys.len() / 10 } else { keys.len() };
        for key in keys.iter().take(filled) {
            ready(&cache, key.clone(), bytes.clone()).expect("written");
        }
        let (keys, ours, flushes) = (Arc::clone(keys), Arc::clone(&cache), Arc::clone(&cache));
        let operation: Operation = match kind {
            Kind::Looks => Box::new(move |n| drop(black_box(ours.cache_get(&keys[n]).expect("read")))),
            Kind::Stores | Kind::DurableStores => {
                Box::new(move |n| drop(ours.cache_set(keys[n].clone(), bytes.clone()).expect("written")))
            }
            Kind::Invalidations => Box::new(move |n| drop(ours.cache_remove(&keys[n]).expect("written"))),
        };
        contestant("cached: RedbCache", (kind, length), &folder, operation, move || {
            if kind == Kind::Stores {
                flushes.flush().expect("written");
            }
        })
    };
    [Kind::Looks, Kind::Stores, Kind::DurableStores, Kind::Invalidations].map(make).into()
}

fn report(all: &[Contestant], args: &Args) {
    let mut rows = Vec::new();
    let mut last = String::new();
    for contestant in all {
        for (threads, rates) in &contestant.rates {
            let group = contestant.group();
            if group != last {
                println!(
                    "\n{group}\n  {:<34} {:>7} {:>12} {:>24} {:>9}",
                    "", "threads", "per second", "quartiles", "/redb"
                );
                last.clone_from(&group);
            }
            let reference = all.iter().find(|other| other.name.starts_with("redb, a") && other.group() == group);
            let paired = reference.and_then(|other| other.rates.iter().find(|(count, _)| count == threads));
            let ratio = paired.map(|(_, others)| Quartiles::of_ratios(rates, others));
            let rate = Quartiles::of(rates.clone());
            println!(
                "  {:<34} {threads:>7} {:>12.0} {:>24} {:>9}",
                contestant.name,
                rate.median,
                format!("{:.0}..{:.0}", rate.low, rate.high),
                ratio.map_or_else(|| "-".to_owned(), |ratio| format!("{:.2}", ratio.median)),
            );
            rows.push(json::object(&[
                ("group", json::text(&group)),
                ("contestant", json::text(contestant.name)),
                ("threads", threads.to_string()),
                ("per_second", json::quartiles(Some(rate))),
                ("to_redb", json::quartiles(ratio)),
            ]));
        }
    }
    let settings = [
        ("rounds", args.rounds.to_string()),
        ("ops", args.ops.to_string()),
        ("keys", args.keys.to_string()),
        ("lines", json::lines(&rows)),
    ];
    json::save_and_say(&json::document("file", args, &settings), "file");
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// As a sync caller does: on this thread, and most of the time ready at once.
fn drive<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        return output;
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}
