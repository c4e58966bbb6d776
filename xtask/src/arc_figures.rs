//! `cargo xtask arc-figures`: `cachekit simulate` against figures that others have published.
//!
//! The trace is not part of the project: its owners ask for the paper to be cited, and it has its place at <https://github.com/moka-rs/cache-trace>. So this is no part of
//! `cargo xtask test`, whose test of LRU is against the plainest one.

use std::path::Path;

use crate::bench_report::json::Value;
use crate::shell::Cmd;
use crate::{Result, workspace};

const USAGE: &str = "`cargo xtask arc-figures --traces DIR`, where DIR has `arc-oltp.txt.zst`, a key a line";

/// Hit ratios of LRU on the trace OLTP in percent, by entries: Megiddo and Modha, "ARC: A Self-Tuning, Low Overhead Replacement Cache", FAST 2003.
const PUBLISHED: [(u32, f64); 5] = [(1_000, 32.83), (2_000, 42.47), (5_000, 53.65), (10_000, 60.70), (15_000, 64.63)];

/// Of the same trace: another one has other figures.
const REQUESTS: f64 = 914_145.0;

/// In points.
const MAY_DIFFER: f64 = 0.2;

pub(crate) fn main(words: &[&str]) -> Result {
    let ["--traces", folder] = words else { return Err(format!("the folder of the trace is needed: {USAGE}")) };
    let trace = workspace::root().join(folder).join("arc-oltp.txt.zst");
    if !trace.is_file() {
        return Err(format!("there is no {}: {USAGE}", trace.display()));
    }
    Cmd::cargo("build --quiet -p cachekit-cli").run()?;
    let (one, live) = (simulated(&trace, true)?, simulated(&trace, false)?);
    println!("LRU on OLTP, %\n{:>10}{:>12}{:>12}{:>12}", "entries", "published", "one shard", "as live");
    for (at, (entries, published)) in PUBLISHED.iter().enumerate() {
        println!("{entries:>10}{published:>12.2}{:>12.2}{:>12.2}", one[at], live[at]);
    }
    let off = off([("in one shard", &one), ("divided as live caches are", &live)]);
    if off.is_empty() { Ok(()) } else { Err(off.join("\n")) }
}

/// In percent, as [`PUBLISHED`] has them.
fn simulated(trace: &Path, in_one_shard: bool) -> Result<Vec<f64>> {
    let sizes = PUBLISHED.map(|(entries, _)| entries.to_string()).join(",");
    let program = workspace::target().join("debug/cachekit").display().to_string();
    let cmd = Cmd::new(&program).arg("simulate").arg(trace.display().to_string()).arg("--size").arg(sizes);
    let cmd = cmd.arg("--strategy").arg("lru").arg("--no-optimum").arg("--json");
    let cmd = if in_one_shard { cmd.arg("--one-shard") } else { cmd };
    figures(&Value::parse(&cmd.read()?)?)
}

fn figures(report: &Value) -> Result<Vec<f64>> {
    if report.get("requests").number() != Some(REQUESTS) {
        return Err(format!("that is not OLTP, which has {REQUESTS} requests"));
    }
    let of = |entries: u32| {
        let row = report.get("results").list().iter().find(|row| row.get("capacity").number() == Some(entries.into()));
        row.and_then(|row| row.get("hit_ratio").number()).map(|ratio| 100.0 * ratio)
    };
    let figures = PUBLISHED.iter().map(|(entries, _)| of(*entries).ok_or_else(|| format!("no figure of {entries}")));
    figures.collect()
}

/// What is farther from the published figures than it may be.
fn off(all: [(&str, &[f64]); 2]) -> Vec<String> {
    let pairs = all.into_iter().flat_map(|(how, figures)| {
        PUBLISHED.iter().zip(figures).map(move |((entries, published), figure)| (how, entries, published, figure))
    });
    pairs
        .filter(|(_, _, published, figure)| (*figure - *published).abs() > MAY_DIFFER)
        .map(|(how, entries, published, figure)| {
            format!("{entries} entries {how} hit {figure:.2} %, and {published:.2} % are published")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_that_is_off_is_named() {
        let right = PUBLISHED.map(|(_, published)| published + 0.15);
        let mut wrong = right;
        wrong[3] += 0.1;
        assert_eq!(off([("a", &right), ("b", &right)]), [""; 0]);
        assert_eq!(off([("a", &right), ("b", &wrong)]), ["10000 entries b hit 60.95 %, and 60.70 % are published"]);
    }

    #[test]
    fn figures_are_those_of_the_trace_and_all_of_them() {
        let report = |requests: u32, sizes: &[u32]| {
            let rows = sizes.iter().map(|size| format!(r#"{{"capacity":{size},"hit_ratio":0.5}}"#));
            let rows = rows.collect::<Vec<_>>().join(",");
            Value::parse(&format!(r#"{{"requests":{requests},"results":[{rows}]}}"#)).unwrap()
        };
        let sizes = PUBLISHED.map(|(entries, _)| entries);
        assert_eq!(figures(&report(914_145, &sizes)).unwrap(), [50.0; 5]);
        assert!(figures(&report(914_145, &sizes[1..])).unwrap_err().contains("no figure of 1000"));
        assert!(figures(&report(7, &sizes)).unwrap_err().contains("not OLTP"));
        for words in [&[][..], &["--traces"], &["--traces", "/nowhere/at/all"], &["--x", "y"]] {
            assert!(main(words).unwrap_err().contains("arc-oltp.txt.zst"), "{words:?}");
        }
    }
}
