//! How far sampled estimates are off: the LRU curve, and each strategy at several sizes, beside simulations of all accesses.

use cachekit::{
    advice::{Estimator, Options, Present, Simulation},
    policy::Strategy,
};
use cachekit_benches::{
    args::Args,
    json,
    traces::{Trace, from_folder, synthetic},
};
use std::{
    collections::BTreeMap,
    hash::BuildHasher,
    path::PathBuf,
    process::exit,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    thread,
};

const USAGE: &str = "\
cargo bench --bench curve --features advice -- [FLAGS]
  --traces DIR      reads all *.txt and *.txt.zst of the folder, a key per line (the folder in CACHEKIT_TRACES, else synthetic ones)
  --only A,B,…      traces whose name contains one of these
  --keys N          keys that the LRU curve follows at most (16384)
  --one-in N        at most one key in so many is in the sample (1; `Cache::start_advice` takes 25)
  --rounds N        seeds of the hash (5)
  --threads N       so many traces at a time (2)
  --quick           only the first 100000 requests of each trace";

const AT_MOST: usize = 2;
const QUICK_REQUESTS: usize = 100_000;
const SEEDS: usize = 5;

/// What a strategy gives over all accesses is the median of so many hashes, where that depends on them: which keys collide in a sketch is left to chance, and a window that moves by
/// its own hit ratio may go another way for it.
const TRUTHS: u64 = 5;
const SAMPLES: usize = 16_384;

/// Sizes in percent of the distinct keys.
const PERCENT: [f64; 5] = [0.1, 1.0, 5.0, 10.0, 20.0];

/// The row of the LRU curve, beside those of the simulations.
const CURVE: &str = "lru, the curve";

/// In points.
const BAR: f64 = 2.0;

/// What one seed said of a cell.
#[derive(Debug, Clone, Copy)]
struct Said {
    hit_ratio: f64,
    error: f64,
    cliff: bool,
    predictable: bool,
}

/// One strategy at one size.
#[derive(Debug, Clone)]
struct Cell {
    trace: String,
    row: String,
    percent: f64,
    capacity: usize,
    truth: f64,
    /// From the least to the greatest of the hashes.
    luck: f64,
    said: Vec<Said>,
}

/// Median and range.
fn truth(trace: &Trace, strategy: &Strategy, capacity: usize) -> (f64, f64) {
    let mut all = Vec::new();
    for seed in 0..TRUTHS {
        let hasher = foldhash::fast::FixedState::with_seed(1_000 + seed);
        let mut simulation = Simulation::new(strategy, capacity);
        trace.keys.iter().for_each(|key| _ = simulation.access(hasher.hash_one(u64::from(*key))));
        all.push(simulation.hit_ratio().unwrap_or(0.0));
        // Two that are the same: it looks at no hash.
        if all.len() == 2 && all[0] == all[1] {
            break;
        }
    }
    all.sort_by(f64::total_cmp);
    (all[all.len() / 2], all[all.len() - 1] - all[0])
}

impl Cell {
    /// By how many points each seed is off, the least first.
    fn off(&self) -> Vec<f64> {
        let mut off: Vec<f64> = self.said.iter().map(|said| 100.0 * (said.hit_ratio - self.truth).abs()).collect();
        off.sort_by(f64::total_cmp);
        off
    }

    fn median(&self) -> f64 {
        self.off()[self.said.len() / 2]
    }

    fn worst(&self) -> f64 {
        self.off()[self.said.len() - 1]
    }

    /// What it says of its own error, median of the seeds, in points.
    fn stated(&self) -> f64 {
        let mut stated: Vec<f64> = self.said.iter().map(|said| 100.0 * said.error).collect();
        stated.sort_by(f64::total_cmp);
        stated[self.said.len() / 2]
    }

    fn is_flagged(&self) -> bool {
        2 * self.said.iter().filter(|said| !said.predictable).count() > self.said.len()
    }

    fn has_cliff(&self) -> bool {
        2 * self.said.iter().filter(|said| said.cliff).count() > self.said.len()
    }
}

fn main() {
    let args = Args::parse(USAGE);
    let folder = args.traces.clone().or_else(|| std::env::var_os("CACHEKIT_TRACES").map(PathBuf::from));
    let mut traces = match &folder {
        None => synthetic(),
        Some(folder) => from_folder(folder).unwrap_or_else(|error| {
            eprintln!("the traces in {} cannot be read: {error}", folder.display());
            exit(1)
        }),
    };
    traces.retain(|trace| args.only.is_empty() || args.wants(&[&trace.name]));
    if args.quick {
        traces = traces.into_iter().map(|trace| trace.shortened(QUICK_REQUESTS)).collect();
    }
    let defaults = Args::default();
    let seeds = if args.rounds == defaults.rounds || args.quick { SEEDS } else { args.rounds };
    let samples = if args.keys == defaults.keys { SAMPLES } else { args.keys };
    let threads = args.threads.iter().copied().max().unwrap_or(1).min(AT_MOST);
    let (next, done) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some((number, trace)) = traces.iter().enumerate().nth(next.fetch_add(1, Relaxed)) {
                    let cells = compare(trace, seeds, (samples, args.one_in));
                    done.lock().unwrap_or_else(PoisonError::into_inner).insert(number, cells);
                }
            });
        }
    });
    let cells: Vec<Cell> = done.into_inner().unwrap_or_else(PoisonError::into_inner).into_values().flatten().collect();
    print(&cells, seeds);
    json::save_and_say(&document(&args, folder.is_some(), &cells), "curve");
}

fn compare(trace: &Trace, seeds: usize, (samples, one_in): (usize, usize)) -> Vec<Cell> {
    let capacities = PERCENT.map(|percent| trace.capacity(percent));
    let mut cells: Vec<Cell> = Vec::new();
    for strategy in Strategy::fixed() {
        for (percent, capacity) in PERCENT.into_iter().zip(capacities) {
            let (truth, luck) = truth(trace, &strategy, capacity);
            let cell = |row: &str| Cell {
                trace: trace.name.clone(),
                row: row.to_owned(),
                percent,
                capacity,
                truth,
                luck,
                said: Vec::new(),
            };
            if matches!(strategy, Strategy::Lru) {
                cells.push(cell(CURVE));
            }
            cells.push(cell(strategy.name()));
        }
    }
    for seed in 0..seeds as u64 {
        let hasher = foldhash::fast::FixedState::with_seed(seed + 1);
        let options = Options::for_capacity(capacities[2]).capacities(capacities).samples(samples);
        let options = options.share(1.0 / one_in as f64);
        let mut estimator = Estimator::new(&options);
        trace.keys.iter().for_each(|key| estimator.access(hasher.hash_one(u64::from(*key))));
        let advice = estimator.advice(&Present::of_capacity(capacities[2] as u64, "lru"));
        for cell in &mut cells {
            let capacity = cell.capacity as u64;
            let said = if cell.row == CURVE {
                advice.lru.at(capacity).map(|point| Said {
                    hit_ratio: point.hit_ratio,
                    error: point.error,
                    cliff: point.cliff,
                    predictable: !point.cliff && 100.0 * point.error <= BAR,
                })
            } else {
                advice.outlook(&cell.row, capacity).map(|outlook| Said {
                    hit_ratio: outlook.hit_ratio,
                    error: outlook.error,
                    cliff: outlook.cliff,
                    predictable: outlook.predictable,
                })
            };
            cell.said.extend(said);
        }
    }
    cells.retain(|cell| !cell.said.is_empty());
    cells.sort_by(|a, b| (a.row != CURVE, &a.row).cmp(&(b.row != CURVE, &b.row)).then(a.capacity.cmp(&b.capacity)));
    cells
}

fn print(cells: &[Cell], seeds: usize) {
    println!(
        "true hit ratio in %, then by how many points the estimate is off: the median of {seeds} seeds / the worst;"
    );
    println!("^ cliff, ? not predictable for another reason; sizes in % of the distinct keys");
    for of_trace in cells.chunk_by(|a, b| a.trace == b.trace) {
        print!("\n{:<16}", of_trace[0].trace);
        PERCENT.iter().for_each(|percent| print!("{:>19}", format!("{percent} %")));
        println!();
        for of_row in of_trace.chunk_by(|a, b| a.row == b.row) {
            print!("  {:<14}", of_row[0].row);
            for cell in of_row {
                let mark = match (cell.has_cliff(), cell.is_flagged()) {
                    (true, _) => '^',
                    (false, true) => '?',
                    (false, false) => ' ',
                };
                print!("{:>8.2} {:>4.2}/{:>4.2}{mark}", 100.0 * cell.truth, cell.median(), cell.worst());
            }
            println!();
        }
    }
    let (beyond, within): (Vec<&Cell>, Vec<&Cell>) = cells.iter().partition(|cell| cell.median() > BAR);
    println!("\nmedian within {BAR} points: {} of {} cells", within.len(), cells.len());
    let flagged = cells.iter().filter(|cell| cell.is_flagged()).count();
    println!(
        "flagged as not predictable: {flagged} of them; {} of those within",
        within.iter().filter(|cell| cell.is_flagged()).count()
    );
    for cell in beyond {
        let flag = if cell.is_flagged() { "flagged" } else { "NOT FLAGGED" };
        println!(
            "  beyond: {} {} at {} entries: {:.2}, worst {:.2}, it states {:.2}, {flag}",
            cell.trace,
            cell.row,
            cell.capacity,
            cell.median(),
            cell.worst(),
            cell.stated()
        );
    }
    let lucky = |points: f64| cells.iter().filter(|cell| 100.0 * cell.luck > points).count();
    println!(
        "by the hash alone the truth varies by more than 1 point in {} cells, by more than 2 in {}:",
        lucky(1.0),
        lucky(BAR)
    );
    for cell in cells.iter().filter(|cell| 100.0 * cell.luck > BAR) {
        println!("  {} {} at {} entries: {:.2}", cell.trace, cell.row, cell.capacity, 100.0 * cell.luck);
    }
    let all =
        || cells.iter().flat_map(|cell| cell.said.iter().map(move |said| ((said.hit_ratio - cell.truth).abs(), said)));
    let worst = cells.iter().map(Cell::worst).fold(0.0, f64::max);
    let covered = all().filter(|(off, said)| *off <= said.error + 0.001).count();
    println!(
        "worst seed: {worst:.2} points; within the stated error (and a tenth of a point): {:.1} % of all estimates",
        100.0 * covered as f64 / all().count() as f64
    );
    for row in [CURVE]
        .into_iter()
        .chain(cells.iter().map(|cell| cell.row.as_str()).filter(|row| *row != CURVE))
        .collect::<std::collections::BTreeSet<_>>()
    {
        let of_row: Vec<&Cell> = cells.iter().filter(|cell| cell.row == row).collect();
        let mean = of_row.iter().map(|cell| cell.median()).sum::<f64>() / of_row.len() as f64;
        let worst_median = of_row.iter().map(|cell| cell.median()).fold(0.0, f64::max);
        let worst = of_row.iter().map(|cell| cell.worst()).fold(0.0, f64::max);
        println!(
            "  {row:<14} mean of the medians {mean:.2}, the worst of them {worst_median:.2}, worst seed {worst:.2}"
        );
    }
}

fn document(args: &Args, given: bool, cells: &[Cell]) -> String {
    let lines: Vec<String> = cells
        .iter()
        .map(|cell| {
            json::object(&[
                ("trace", json::text(&cell.trace)),
                ("percent", json::number(cell.percent)),
                ("capacity", cell.capacity.to_string()),
                ("contestant", json::text(&cell.row)),
                ("hit_ratio", format!("{:.6}", cell.truth)),
                ("off_median", json::number(cell.median())),
                ("off_worst", json::number(cell.worst())),
                ("luck", json::number(100.0 * cell.luck)),
                ("stated", json::number(cell.stated())),
                ("predictable", (!cell.is_flagged()).to_string()),
            ])
        })
        .collect();
    json::document("curve", args, &[("synthetic", (!given).to_string()), ("lines", json::lines(&lines))])
}
