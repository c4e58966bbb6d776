//! The seconds that annotated functions add to a build: the same functions plain and annotated, dependencies built before.

use super::probe::Probe;
use super::timing::Timings;
use crate::{Result, workspace};

const FUNCTIONS: usize = 100;

/// The shapes, taken in turn; `#` is the function's number.
const SHAPES: [&str; 4] = [
    "pub fn square_#(n: u64) -> u64 {\n    n.wrapping_mul(n) ^ #\n}\n",
    "pub fn label_#(id: u64, name: &str) -> String {\n    format!(\"{id}:{name}:#\")\n}\n",
    "pub fn parse_#(text: &str) -> Result<i64, std::num::ParseIntError> {\n    Ok(text.trim().parse::<i64>()? + #)\n}\n",
    "pub async fn join_#(left: String, right: u32) -> Option<String> {\n    (right > #).then(|| format!(\"{left}-{right}\"))\n}\n",
];

pub(super) fn run(rounds: usize) -> Result {
    let dependency = format!("cachekit = {{ path = \"{}/cachekit\" }}", workspace::root().display());
    let mut rows = Vec::new();
    for (name, attribute) in [("plain", ""), ("annotated", "#[cachekit::cache]\n")] {
        let probe = Probe::new(&format!("functions-{name}"), &dependency, &source(attribute))?;
        probe.fetch()?;
        for command in ["check", "build"] {
            probe.time(command)?;
        }
        rows.push((name, probe, [("check", Timings::default()), ("build", Timings::default())]));
    }
    for _ in 0..rounds {
        for (_, probe, timings) in &mut rows {
            for (command, timings) in timings {
                timings.push(probe.rebuild(command)?);
            }
        }
    }
    println!("\n{FUNCTIONS} functions, dependencies built before\n{:<32} {:>8} {:>8}", "", "best s", "median s");
    for (name, _, timings) in &rows {
        for (command, timings) in timings {
            println!("{:<32} {:>8.2} {:>8.2}", format!("cargo {command}, {name}"), timings.best(), timings.median());
        }
    }
    for at in 0..2 {
        let ((command, annotated), (_, plain)) = (&rows[1].2[at], &rows[0].2[at]);
        let (best, median) = (annotated.best() - plain.best(), annotated.median() - plain.median());
        println!("{:<32} {best:>8.2} {median:>8.2}", format!("added to cargo {command}"));
    }
    Ok(())
}

fn source(attribute: &str) -> String {
    let function = |number: usize| {
        let text = SHAPES[number % SHAPES.len()].replace('#', &number.to_string());
        format!("\n/// Function {number}.\n{attribute}{text}")
    };
    let functions: String = (0..FUNCTIONS).map(function).collect();
    format!("//! {FUNCTIONS} functions.\n{functions}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_crates_hold_the_same_functions() {
        let (plain, annotated) = (source(""), source("#[cachekit::cache]\n"));
        assert_eq!(annotated.matches("#[cachekit::cache]").count(), FUNCTIONS);
        assert_eq!(annotated.replace("#[cachekit::cache]\n", ""), plain);
        assert_eq!(plain.matches("\npub ").count(), FUNCTIONS);
        assert!(plain.contains("fn square_0(") && plain.contains("fn join_99("));
    }
}
