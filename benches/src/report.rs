//! The table and the JSON file.

use crate::{
    args::Args,
    contestant::{Promise, Shape},
    rounds::Measured,
    stats::Quartiles,
};
use std::{
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
};

/// Everything is compared with the contestant of this name.
pub const REFERENCE: &str = "quick_cache, by hand";

/// Whom a contestant is compared with, like for like: those of a promise are compared with this one.
#[must_use]
pub fn peer_of(promise: Promise) -> Option<&'static str> {
    match promise {
        Promise::BoundAndTtl => Some("#[concurrent_cached(max_size, ttl)]"),
        Promise::Bound => Some(REFERENCE),
        Promise::Unbounded => Some("#[cached]"),
        Promise::Other => None,
    }
}

/// One line of the report.
#[derive(Debug)]
pub struct Line<'a> {
    measured: &'a Measured,
    nanos: Quartiles,
    to_reference: Option<Quartiles>,
    to_peer: Option<Quartiles>,
    instructions: Option<f64>,
}

/// Computes the lines. `instructions` knows those of one contestant.
pub fn lines<'a>(all: &'a [Measured], mut instructions: impl FnMut(&Measured) -> Option<f64>) -> Vec<Line<'a>> {
    let ratio = |measured: &Measured, name: &str| {
        let same = |other: &&Measured| {
            other.contestant.name == name
                && other.contestant.shape == measured.contestant.shape
                && other.threads == measured.threads
        };
        all.iter().find(same).map(|other| Quartiles::of_ratios(&measured.nanos, &other.nanos))
    };
    all.iter()
        .map(|measured| Line {
            measured,
            nanos: Quartiles::of(measured.nanos.clone()),
            to_reference: ratio(measured, REFERENCE),
            to_peer: peer_of(measured.contestant.promise).and_then(|peer| ratio(measured, peer)),
            instructions: instructions(measured),
        })
        .collect()
}

/// The table, a function and a number of threads after the other.
#[must_use]
pub fn table(lines: &[Line<'_>], threads: &[usize]) -> String {
    let mut text = String::new();
    for (shape, threads) in Shape::ALL.iter().flat_map(|shape| threads.iter().map(move |threads| (*shape, *threads))) {
        let rows: Vec<&Line<'_>> = lines
            .iter()
            .filter(|line| line.measured.contestant.shape == shape && line.measured.threads == threads)
            .collect();
        if rows.is_empty() {
            continue;
        }
        let plural = if threads == 1 { "" } else { "s" };
        let _ = writeln!(text, "\n{shape}, {threads} thread{plural}");
        let _ = writeln!(
            text,
            "  {:<42} {:<11} {:>8} {:>17} {:>8} {:>8} {:>6}",
            "", "promise", "ns", "quartiles", "/quick", "/peer", "instr"
        );
        for line in rows {
            let ratio =
                |ratio: Option<Quartiles>| ratio.map_or_else(|| "-".to_owned(), |ratio| format!("{:.2}", ratio.median));
            let _ = writeln!(
                text,
                "  {:<42} {:<11} {:>8.1} {:>8.1}{:>9} {:>8} {:>8} {:>6}",
                line.measured.contestant.name,
                line.measured.contestant.promise,
                line.nanos.median,
                line.nanos.low,
                format!("..{:.1}", line.nanos.high),
                ratio(line.to_reference),
                ratio(line.to_peer),
                line.instructions.map_or_else(|| "-".to_owned(), |count| format!("{count:.0}")),
            );
        }
    }
    text
}

/// The same for programs; every number that the table has, with quartiles.
#[must_use]
pub fn json(lines: &[Line<'_>], args: &Args) -> String {
    let quartiles = |value: Option<Quartiles>| {
        value.map_or_else(
            || "null".to_owned(),
            |q| format!(r#"{{"low":{:.4},"median":{:.4},"high":{:.4}}}"#, q.low, q.median, q.high),
        )
    };
    let rows: Vec<String> = lines
        .iter()
        .map(|line| {
            let Measured { contestant, threads, .. } = line.measured;
            format!(
                r#"{{"function":{},"contestant":{},"promise":{},"threads":{threads},"ns":{},"to_quick_cache":{},"to_peer":{},"instructions":{}}}"#,
                quoted(&contestant.shape.to_string()),
                quoted(contestant.name),
                quoted(&contestant.promise.to_string()),
                quartiles(Some(line.nanos)),
                quartiles(line.to_reference),
                quartiles(line.to_peer),
                line.instructions.map_or_else(|| "null".to_owned(), |count| format!("{count:.1}")),
            )
        })
        .collect();
    format!(
        "{{\"benchmark\":\"hit\",\"rounds\":{},\"ops\":{},\"keys\":{},\"lines\":[\n{}\n]}}\n",
        args.rounds,
        args.ops,
        args.keys,
        rows.join(",\n")
    )
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Writes it below the target folder and says where.
///
/// # Errors
/// Where the file cannot be written.
pub fn save(json: &str, name: &str) -> io::Result<PathBuf> {
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"), PathBuf::from);
    let folder = target.join("bench-results");
    fs::create_dir_all(&folder)?;
    let path = folder.join(format!("{name}.json"));
    fs::write(&path, json)?;
    Ok(path)
}
