//! Caches as maps: hits, misses, insertions and a mix of them, ours beside the peers, interleaved in one process.

use cachekit_benches::{
    args::Args,
    contestant::{Contestant, Label},
    engine::parts,
    instructions, json,
    report::{self, QUICK, Report},
    rounds::{self, Measured},
};
use std::collections::HashMap;

const USAGE: &str = "\
cargo bench --bench engine -- [FLAGS]
  --rounds N        turns of each contestant (25)
  --ops N           calls per turn and thread (200000)
  --only A,B,…      contestants or loads whose name contains one of these; beside them quick_cache runs, as the reference
  --threads 1,2     thread counts
  --entries N       the largest of the caches whose size is varied (10000000)
  --quick           7 rounds of 50000 calls, up to 100000 entries
  --instructions    instructions per call, counted by callgrind, in a column of their own; not of the mix and of the sizes";

const REPORT: Report = Report { name: "engine", reference: QUICK, peer_of: |_| None };

fn main() {
    let args = Args::parse(USAGE);
    if let Some((number, ops)) = args.once {
        if let Some(contestant) = parts(&args).into_iter().flat_map(|part| part.contestants).nth(number) {
            rounds::once(&contestant, ops);
        }
        return;
    }
    let mut measured: Vec<Measured> = Vec::new();
    let mut counts: HashMap<Label, f64> = HashMap::new();
    let mut first = 0;
    for part in parts(&args) {
        let numbered = (first..).zip(part.contestants);
        let all: Vec<(usize, Contestant)> = numbered.inspect(|(number, _)| first = number + 1).collect();
        let chosen = REPORT.chosen(all, &args);
        if args.instructions && part.countable {
            counts.extend(chosen.iter().filter_map(|(number, contestant)| {
                Some((contestant.label.clone(), instructions::per_call(*number, &[])?))
            }));
        }
        let contestants: Vec<Contestant> = chosen.into_iter().map(|(_, contestant)| contestant).collect();
        if let Some(contestant) = contestants.first() {
            eprintln!("{}", contestant.label.group);
            measured.extend(rounds::measure(&contestants, &args));
        }
    }
    let lines = REPORT.lines(&measured, |measured| counts.get(&measured.label).copied());
    print!("{}", report::table(&lines));
    println!("\n/quick: time over that of {QUICK} in the same round; hits: the part of the calls that found their key");
    json::save_and_say(&REPORT.json(&lines, &args), REPORT.name);
}
