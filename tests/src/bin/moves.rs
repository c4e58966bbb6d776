//! Moves of the command `cachekit`, interrupted and resumed: see `cachekit_tests::moves`.

use cachekit_tests::moves::{Plan, run};
use std::process::exit;

const USAGE: &str = "moves --command PATH [--entries N]";

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let plan = read(&words).unwrap_or_else(|problem| {
        eprintln!("{problem}\n{USAGE}");
        exit(2)
    });
    let report = run(&plan).unwrap_or_else(|problem| {
        eprintln!("{problem}");
        exit(1)
    });
    println!("{report}");
    let mistakes = report.mistakes();
    mistakes.iter().for_each(|mistake| eprintln!("{mistake}"));
    exit(i32::from(!mistakes.is_empty()));
}

fn read(words: &[String]) -> Result<Plan, String> {
    let mut plan = Plan { command: "cachekit".into(), entries: 1_000_000 };
    for pair in words.chunks(2) {
        let [flag, value] = pair else { return Err(format!("`{}` needs a value", pair[0])) };
        match flag.as_str() {
            "--command" => plan.command = value.into(),
            // A tenth of them is moved too, and has to take long enough to be interrupted.
            "--entries" => {
                plan.entries =
                    value.parse().ok().filter(|entries| *entries >= 100_000).ok_or("100000 entries are the least")?;
            }
            _ => return Err(format!("unknown flag `{flag}`")),
        }
    }
    Ok(plan)
}
