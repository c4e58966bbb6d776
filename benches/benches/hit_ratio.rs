//! Hit ratios on traces: our strategies beside the peers and the optimum.

use cachekit::policy::Strategy;
use cachekit_benches::{
    args::Args,
    json,
    replay::{Cell, Kind, Player, Summary, beside_simulations, players, replay, replay_with, table},
    traces::{Trace, from_folder, synthetic},
};
use std::{path::PathBuf, process::exit};

const USAGE: &str = "\
cargo bench --bench hit_ratio -- [FLAGS]
  --traces DIR      replays all *.txt and *.txt.zst of the folder, a key per line (the folder in CACHEKIT_TRACES, else synthetic ones)
  --only A,B,…      traces or caches whose name contains one of these; the optimum always runs
  --entries N       caches of this size alone
  --threads N       so many caches at a time (2)
  --quick           only the first 100000 requests of each trace
With `--features advice` before the `--`, each of our caches is compared with what `cachekit simulate` says of it, and a difference is a failure.";

const AT_MOST: usize = 2;
const QUICK_REQUESTS: usize = 100_000;

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
    let mut players = players();
    // A name of a trace chooses traces, one of a cache caches; both may be given.
    let some_trace = !args.only.is_empty() && traces.iter().any(|trace| args.wants(&[&trace.name]));
    let some_player = !args.only.is_empty() && players.iter().any(|player| args.wants(&[&player.name]));
    traces.retain(|trace| !some_trace || args.wants(&[&trace.name]));
    players.retain(|player| !some_player || player.kind == Kind::Optimum || args.wants(&[&player.name]));
    if traces.is_empty() {
        eprintln!("no traces: a folder with *.txt or *.txt.zst is needed");
        exit(1);
    }
    if args.quick {
        traces = traces.into_iter().map(|trace| trace.shortened(QUICK_REQUESTS)).collect();
    }
    let threads = args.threads.iter().copied().max().unwrap_or(1).min(AT_MOST);
    if let Some(entries) = args.entries {
        let cells = replay_with(&traces, &players, threads, entries);
        for Cell { trace, player, hits, hit_ratio, .. } in &cells {
            println!("{trace:24}{player:32}{hits:>12} hits{:>10.4} %", 100.0 * hit_ratio);
        }
        return compare(&cells);
    }
    let cells = replay(&traces, &players, threads);
    let summary = Summary::of(&cells);
    print!("{}", table(&cells, &summary));
    println!("\nhits over requests in percent; sizes in percent of each trace's distinct keys");
    json::save_and_say(&document(&args, folder.is_some(), &traces, &players, &cells, &summary), "hit_ratio");
    compare(&cells);
}

fn compare(cells: &[Cell]) {
    let (compared, differ) = beside_simulations(cells);
    if compared > 0 {
        println!("cachekit simulate: {} of {compared} cells the same, hit for hit", compared - differ.len());
    }
    if !differ.is_empty() {
        eprintln!("{}", differ.join("\n"));
        exit(1);
    }
}

fn document(
    args: &Args,
    given: bool,
    traces: &[Trace],
    players: &[Player],
    cells: &[Cell],
    summary: &Summary,
) -> String {
    let traces: Vec<String> = traces
        .iter()
        .map(|trace| {
            json::object(&[
                ("name", json::text(&trace.name)),
                ("requests", trace.keys.len().to_string()),
                ("distinct", trace.distinct.to_string()),
            ])
        })
        .collect();
    let players: Vec<String> = players
        .iter()
        .map(|player| {
            json::object(&[("name", json::text(&player.name)), ("kind", json::text(&player.kind.to_string()))])
        })
        .collect();
    let cells: Vec<String> = cells
        .iter()
        .map(|cell| {
            json::object(&[
                ("trace", json::text(&cell.trace)),
                ("percent", json::number(cell.percent)),
                ("capacity", cell.capacity.to_string()),
                ("contestant", json::text(&cell.player)),
                ("hit_ratio", format!("{:.6}", cell.hit_ratio)),
            ])
        })
        .collect();
    json::document(
        "hit_ratio",
        args,
        &[
            ("default", json::text(&format!("cachekit, {}", Strategy::default()))),
            ("synthetic", (!given).to_string()),
            ("best_fixed_per_trace", json::number(summary.best_per_trace)),
            ("best_fixed_per_cell", json::number(summary.best_per_cell)),
            ("traces", json::lines(&traces)),
            ("contestants", json::lines(&players)),
            ("lines", json::lines(&cells)),
        ],
    )
}
