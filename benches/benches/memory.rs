//! Bytes per entry at a million: ours beside the peers, each in a process of its own.

use allocation_counter::measure;
use cachekit::policy::Strategy;
use cachekit_benches::{
    args::Args,
    json,
    stores::{
        self, Home, Store, cached_lru, cached_lru_ttl, dash_map, foyer, lru_in_mutex, mini_moka, moka, moka_ttl, quick,
    },
    strategies::strategies,
};
use foyer_memory::S3FifoConfig;
use std::{fs, process::Command};

const USAGE: &str = "\
cargo bench --bench memory -- [FLAGS]
  --entries N       entries, and the bound of each cache (1000000)
  --only A,B,…      contestants whose name contains one of these
  --quick           100000 entries";

/// The number of entries where nothing else is asked for.
const MILLION: usize = 1_000_000;

/// Has one cache made and filled, and prints what it took.
type Fill = Box<dyn Fn(usize)>;

fn contestants() -> Vec<(String, Fill)> {
    let mut list: Vec<(String, Fill)> = Vec::new();
    let default = Strategy::default();
    let named = default.name().to_owned();
    add(&mut list, format!("cachekit, {named} (the default)"), move |room| stores::capacity(room, default.clone()));
    add(&mut list, "cachekit, ttl".to_owned(), stores::capacity_and_ttl);
    for strategy in strategies().into_iter().filter(|strategy| strategy.name() != named) {
        add(&mut list, format!("cachekit, {strategy}"), move |room| stores::capacity(room, strategy.clone()));
    }
    add(&mut list, "quick_cache".to_owned(), quick);
    add(&mut list, "moka".to_owned(), moka);
    add(&mut list, "moka with ttl".to_owned(), moka_ttl);
    add(&mut list, "mini-moka".to_owned(), mini_moka);
    add(&mut list, "foyer, s3-fifo".to_owned(), |room| foyer(room, S3FifoConfig::default()));
    add(&mut list, "cached: ShardedLruCache".to_owned(), cached_lru);
    add(&mut list, "cached: ShardedLruTtlCache".to_owned(), cached_lru_ttl);
    add(&mut list, "lru under a mutex".to_owned(), lru_in_mutex);
    add(&mut list, "dashmap, no bound".to_owned(), dash_map);
    list
}

fn add<H: Home<u64, u64>>(list: &mut Vec<(String, Fill)>, name: String, make: impl Fn(usize) -> H + 'static) {
    list.push((name, Box::new(move |entries| fill(entries, &make))));
}

/// Runs in the process of one contestant.
fn fill<H: Home<u64, u64>>(entries: usize, make: &dyn Fn(usize) -> H) {
    let before = resident();
    let mut home = None;
    let filled = measure(|| home = Some(insert(make(entries), 0, entries)));
    let Some(home) = home else { return };
    let (held, resident_filled) = (home.enter(0, Store::entries), resident());
    // Everything is replaced once, so that what a policy remembers of entries that went is there too.
    let mut home = Some(home);
    let churned = measure(|| home = home.take().map(|home| insert(home, entries, entries)));
    let held_later = home.map_or(0, |home| home.enter(0, Store::entries));
    println!(
        "{} {held} {} {} {held_later}",
        filled.bytes_current,
        resident_filled.saturating_sub(before),
        filled.bytes_current + churned.bytes_current,
    );
}

fn insert<H: Home<u64, u64>>(home: H, first: usize, count: usize) -> H {
    home.enter(0, |store| {
        for number in (first as u64..).take(count) {
            store.insert(cachekit_benches::keys::scatter(number), number);
            if number % 256 == 0 {
                store.settle();
            }
        }
        store.settle();
    });
    home
}

/// Bytes of this process that are in memory; 0 where the system does not say.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) * 1_024
}

struct Measured {
    name: String,
    requested: f64,
    resident: Option<f64>,
    churned: f64,
    held: usize,
}

/// Starts the process of one contestant and reads what it prints.
fn measured(number: usize, name: String, entries: usize) -> Result<Measured, String> {
    let program = std::env::current_exe().map_err(|error| format!("who am I: {error}"))?;
    let output = Command::new(program)
        .args(["--once", &number.to_string(), &entries.to_string()])
        .output()
        .map_err(|error| format!("the process of `{name}` does not start: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let numbers: Vec<f64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let [requested, held, resident, churned, held_later] = numbers[..] else {
        return Err(format!("the process of `{name}` said: {text}{}", String::from_utf8_lossy(&output.stderr)));
    };
    Ok(Measured {
        name,
        requested: requested / held,
        resident: (resident > 0.0).then_some(resident / held),
        churned: churned / held_later,
        held: held as usize,
    })
}

fn main() {
    let args = Args::parse(USAGE);
    if let Some((number, entries)) = args.once {
        if let Some((_, fill)) = contestants().get(number) {
            fill(entries);
        }
        return;
    }
    let entries = args.entries.unwrap_or(MILLION);
    let chosen = contestants().into_iter().enumerate().filter(|(_, (name, _))| args.wants(&[name]));
    let results: Vec<Measured> = chosen
        .filter_map(|(number, (name, _))| measured(number, name, entries).map_err(|error| eprintln!("{error}")).ok())
        .collect();
    println!("bytes per entry of {entries} entries, u64 to u64\n");
    println!("  {:<42} {:>10} {:>10} {:>10} {:>10}", "", "requested", "resident", "replaced", "entries");
    for line in &results {
        println!(
            "  {:<42} {:>10.1} {:>10} {:>10.1} {:>10}",
            line.name,
            line.requested,
            line.resident.map_or_else(|| "-".to_owned(), |bytes| format!("{bytes:.1}")),
            line.churned,
            line.held
        );
    }
    println!(
        "\nrequested: bytes asked of the allocator and not given back; resident: growth of the process (VmRSS); replaced: requested, after as many\n\
         new keys again; entries: held after the first filling"
    );
    json::save_and_say(&document(&args, entries, &results), "memory");
}

fn document(args: &Args, entries: usize, results: &[Measured]) -> String {
    let lines: Vec<String> = results
        .iter()
        .map(|line| {
            json::object(&[
                ("contestant", json::text(&line.name)),
                ("requested", json::number(line.requested)),
                ("resident", json::number(line.resident)),
                ("replaced", json::number(line.churned)),
                ("held", line.held.to_string()),
            ])
        })
        .collect();
    json::document("memory", args, &[("entries", entries.to_string()), ("lines", json::lines(&lines))])
}
