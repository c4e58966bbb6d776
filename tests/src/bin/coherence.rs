//! The checker of what is promised across processes, and each of its processes: see `cachekit_tests::coherence`.

use cachekit_tests::coherence::{self, Plan};
use std::{process::exit, time::Duration};

const USAGE: &str = "coherence --seed N --minutes M [--nodes N] [--without epochs,witness,lease,boot] [--often lease,boot] [--expect violations]";

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let Some(("node", rest)) = words.split_first().map(|(first, rest)| (first.as_str(), rest)) {
        return coherence::node::main(rest);
    }
    let (plan, are_expected) = read(&words).unwrap_or_else(|problem| {
        eprintln!("{problem}\n{USAGE}");
        exit(2)
    });
    let report = coherence::run(&plan);
    println!("seed {}\n{report}", plan.seed);
    let is_as_expected = (report.violations() > 0) == are_expected && report.died().is_empty();
    if are_expected && report.violations() == 0 {
        println!("violations were expected, and there is none");
    }
    exit(i32::from(!is_as_expected));
}

/// The plan, and whether violations are expected.
fn read(words: &[String]) -> Result<(Plan, bool), String> {
    let mut are_expected = false;
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut plan =
        Plan { seed: 1, duration: Duration::from_secs(60), nodes: 4, without: Vec::new(), often: Vec::new(), program };
    for pair in words.chunks(2) {
        let [flag, value] = pair else { return Err(format!("`{}` needs a value", pair[0])) };
        let number = || value.parse::<f64>().ok().filter(|number| *number > 0.0).ok_or(format!("{flag} {value}?"));
        match flag.as_str() {
            "--seed" => plan.seed = value.parse().map_err(|error| format!("{flag} {value}: {error}"))?,
            "--minutes" => plan.duration = Duration::from_secs_f64(number()? * 60.0),
            "--nodes" => plan.nodes = number()? as usize,
            "--expect" if value == "violations" => are_expected = true,
            "--often" => plan.often = value.split(',').map(str::to_owned).collect(),
            "--without" => plan.without = value.split(',').map(str::to_owned).collect(),
            _ => return Err(format!("unknown flag `{flag}`")),
        }
    }
    let parts = ["epochs", "witness", "lease", "boot"];
    match plan.without.iter().chain(&plan.often).find(|part| !parts.contains(&part.as_str())) {
        Some(other) => Err(format!("`{other}` cannot be switched off: one of {}", parts.join(", "))),
        None => Ok((plan, are_expected)),
    }
}
