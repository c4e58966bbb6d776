//! The table and the JSON file of a benchmark that takes turns.

use crate::{
    args::Args,
    contestant::{Contestant, Label, Promise},
    json,
    rounds::Measured,
    stats::Quartiles,
};
use std::{collections::HashSet, fmt::Write as _};

/// What macros are compared with: memoization written by hand.
pub const BY_HAND: &str = "quick_cache, by hand";

/// What caches are compared with.
pub const QUICK: &str = "quick_cache";

/// With whom the contestants of a benchmark are compared.
#[derive(Debug, Clone, Copy)]
pub struct Report {
    /// The benchmark.
    pub name: &'static str,
    /// Everything is compared with the contestant of this name.
    pub reference: &'static str,
    /// Like for like: those of a promise are compared with this one.
    pub peer_of: fn(Promise) -> Option<&'static str>,
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

impl Report {
    /// Those asked for, and the reference of each of their groups.
    #[must_use]
    pub fn chosen(&self, mut numbered: Vec<(usize, Contestant)>, args: &Args) -> Vec<(usize, Contestant)> {
        let wanted = |label: &Label| args.wants(&[&label.name, &label.group]);
        let groups: HashSet<String> = numbered
            .iter()
            .filter(|(_, contestant)| wanted(&contestant.label))
            .map(|(_, contestant)| contestant.label.group.clone())
            .collect();
        numbered.retain(|(_, Contestant { label, .. })| {
            wanted(label) || (label.name == self.reference && groups.contains(&label.group))
        });
        numbered
    }

    /// Computes the lines. `instructions` knows those of one contestant.
    pub fn lines<'a>(
        &self,
        all: &'a [Measured],
        mut instructions: impl FnMut(&Measured) -> Option<f64>,
    ) -> Vec<Line<'a>> {
        let ratio = |measured: &Measured, name: &str| {
            let same = |other: &&Measured| {
                other.label.name == name
                    && other.label.group == measured.label.group
                    && other.threads == measured.threads
            };
            all.iter().find(same).map(|other| Quartiles::of_ratios(&measured.nanos, &other.nanos))
        };
        all.iter()
            .map(|measured| Line {
                measured,
                nanos: Quartiles::of(measured.nanos.clone()),
                to_reference: ratio(measured, self.reference),
                to_peer: (self.peer_of)(measured.label.promise).and_then(|peer| ratio(measured, peer)),
                instructions: instructions(measured),
            })
            .collect()
    }

    /// The same for programs; every number that the table has, with quartiles.
    #[must_use]
    pub fn json(&self, lines: &[Line<'_>], args: &Args) -> String {
        let rows: Vec<String> = lines
            .iter()
            .map(|line| {
                let Measured { label, threads, hit_ratio, .. } = line.measured;
                json::object(&[
                    ("group", json::text(&label.group)),
                    ("contestant", json::text(&label.name)),
                    ("promise", json::text(&label.promise.to_string())),
                    ("threads", threads.to_string()),
                    ("ns", json::quartiles(Some(line.nanos))),
                    ("to_quick_cache", json::quartiles(line.to_reference)),
                    ("to_peer", json::quartiles(line.to_peer)),
                    ("hit_ratio", json::number(*hit_ratio)),
                    ("instructions", json::number(line.instructions)),
                ])
            })
            .collect();
        let settings = [
            ("rounds", args.rounds.to_string()),
            ("ops", args.ops.to_string()),
            ("keys", args.keys.to_string()),
            ("lines", json::lines(&rows)),
        ];
        json::document(self.name, args, &settings)
    }
}

/// The table, a group and a number of threads after the other.
#[must_use]
pub fn table(lines: &[Line<'_>]) -> String {
    let mut text = String::new();
    let mut parts: Vec<(&str, usize)> = Vec::new();
    for line in lines {
        let part = part(line);
        if !parts.contains(&part) {
            parts.push(part);
        }
    }
    // One group's thread counts stand below each other.
    parts.sort_by_key(|(group, _)| lines.iter().position(|line| line.measured.label.group == *group));
    for (group, threads) in parts {
        let plural = if threads == 1 { "" } else { "s" };
        let _ = writeln!(text, "\n{group}, {threads} thread{plural}");
        let _ = writeln!(
            text,
            "  {:<42} {:<11} {:>8} {:>17} {:>8} {:>8} {:>6} {:>6}",
            "", "promise", "ns", "quartiles", "/quick", "/peer", "hits", "instr"
        );
        for line in lines.iter().filter(|line| part(line) == (group, threads)) {
            row(&mut text, line);
        }
    }
    text
}

fn part<'a>(line: &Line<'a>) -> (&'a str, usize) {
    (&line.measured.label.group, line.measured.threads)
}

fn row(text: &mut String, line: &Line<'_>) {
    let ratio = |ratio: Option<Quartiles>| ratio.map_or_else(|| "-".to_owned(), |ratio| format!("{:.2}", ratio.median));
    let _ = writeln!(
        text,
        "  {:<42} {:<11} {:>8.1} {:>8.1}{:>9} {:>8} {:>8} {:>6} {:>6}",
        line.measured.label.name,
        line.measured.label.promise,
        line.nanos.median,
        line.nanos.low,
        format!("..{:.1}", line.nanos.high),
        ratio(line.to_reference),
        ratio(line.to_peer),
        line.measured.hit_ratio.map_or_else(|| "-".to_owned(), |ratio| format!("{:.1}%", 100.0 * ratio)),
        line.instructions.map_or_else(|| "-".to_owned(), |count| format!("{count:.0}")),
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workers::Work;

    #[test]
    fn the_reference_runs_beside_whoever_was_asked_for() {
        let contestant = |name: &str, group: &str| {
            let label = Label { name: name.to_owned(), group: group.to_owned(), promise: Promise::Bound };
            Contestant::new(label, |_| -> Work<_> { unreachable!("nobody runs") })
        };
        let all = ["one", "two"]
            .iter()
            .flat_map(|group| [contestant(QUICK, group), contestant("ours", group), contestant("x", group)]);
        let report = Report { name: "t", reference: QUICK, peer_of: |_| None };
        let args =
            |only: &[&str]| Args { only: only.iter().map(|part| (*part).to_owned()).collect(), ..Args::default() };
        let numbered: Vec<_> = all.enumerate().collect();
        let numbers = |only: &[&str]| -> Vec<usize> {
            report.chosen(numbered.clone(), &args(only)).into_iter().map(|(number, _)| number).collect()
        };
        assert_eq!(numbers(&["ours"]), [0, 1, 3, 4]);
        assert_eq!(numbers(&["two"]), [3, 4, 5]);
        assert_eq!(numbers(&[]).len(), 6);
    }
}
