//! What is told of a run.

use super::{
    check::{Row, Seen, Violation},
    faults::Fault,
    history::{Change, Event, Outcome, What},
};
use std::{collections::BTreeMap, fmt, time::Duration};

/// How many violations are shown with the history of their keys.
const SHOWN: usize = 5;

/// What a run has counted, and what it has found.
#[derive(Debug, Default)]
pub struct Report {
    pub(crate) calls: u64,
    pub(crate) loads: u64,
    pub(crate) syncs: u64,
    /// By what was invalidated, and by what that returned.
    pub(crate) changes: BTreeMap<(&'static str, &'static str), u64>,
    pub(crate) faults: BTreeMap<Fault, u64>,
    pub(crate) rows: BTreeMap<Row, Seen>,
    pub(crate) violations: u64,
    /// Processes that ended though nobody had ended them.
    pub(crate) died: Vec<usize>,
    /// The first of them, and what happened to the key around it.
    pub(crate) shown: Vec<(Violation, Vec<Event>)>,
}

impl Report {
    /// Calls that were given something older than promised.
    #[must_use]
    pub fn violations(&self) -> u64 {
        self.violations
    }

    /// Processes that ended by themselves: something in them panicked.
    #[must_use]
    pub fn died(&self) -> &[usize] {
        &self.died
    }

    /// Calls that were checked.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.calls
    }

    /// How often the functions computed.
    #[must_use]
    pub fn loads(&self) -> u64 {
        self.loads
    }

    /// Invalidations of which all processes were told when they returned.
    #[must_use]
    pub fn shared(&self) -> u64 {
        self.changes.iter().filter(|((_, outcome), _)| *outcome == "Shared").map(|(_, count)| count).sum()
    }

    /// Faults that were inflicted.
    #[must_use]
    pub fn faults(&self) -> u64 {
        self.faults.values().sum()
    }

    /// Those after which another server is the master.
    #[must_use]
    pub fn failovers(&self) -> u64 {
        [Fault::Kill, Fault::Depose].iter().filter_map(|fault| self.faults.get(fault)).sum()
    }

    pub(crate) fn count(&mut self, change: &Change) {
        let what = match change.what {
            What::Key(_) => "keys",
            What::Group(_) => "tags",
            What::Kind(_) => "clears",
        };
        let outcome = match change.outcome {
            Outcome::Shared => "Shared",
            Outcome::Queued => "Queued",
            Outcome::Local => "Local",
        };
        *self.changes.entry((what, outcome)).or_default() += 1;
    }

    /// `history`: of its key.
    pub(crate) fn violated(&mut self, violation: Violation, history: impl FnOnce() -> Vec<Event>) {
        self.violations += 1;
        if self.shown.len() < SHOWN {
            self.shown.push((violation, history()));
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} calls, {} of which computed; {} syncs", self.calls, self.loads, self.syncs)?;
        let changes: Vec<_> =
            self.changes.iter().map(|((what, outcome), count)| format!("{count} {what} {outcome}")).collect();
        writeln!(f, "invalidations: {}", changes.join(", "))?;
        let faults: Vec<_> = self.faults.iter().map(|(fault, count)| format!("{count} × {}", fault.name())).collect();
        writeln!(f, "faults: {}", faults.join(", "))?;
        writeln!(f, "\n{:38} {:>20} {:>14} {:>12}", "row", "bound", "largest seen", "stale calls")?;
        for row in Row::ALL {
            let seen = self.rows.get(&row).copied().unwrap_or_default();
            let largest = millis(seen.largest);
            writeln!(f, "{:38} {:>20} {largest:>14} {:>12}", row.name(), row.bound(), seen.stale)?;
        }
        if !self.died.is_empty() {
            writeln!(f, "\nprocesses that ended by themselves: {:?}", self.died)?;
        }
        writeln!(f, "\n{} violations", self.violations)?;
        for (violation, history) in &self.shown {
            show(f, violation, history)?;
        }
        Ok(())
    }
}

fn show(f: &mut fmt::Formatter<'_>, violation: &Violation, history: &[Event]) -> fmt::Result {
    let Violation { call, row, stale, change } = violation;
    let origin = call.start;
    let kind = super::KINDS[call.place.kind].name;
    writeln!(
        f,
        "\nnode {} was given version {} of {kind}({}), {} too old: {}, bound {}",
        call.node,
        call.version,
        call.place.key,
        millis(*stale),
        row.name(),
        row.bound()
    )?;
    if let Some(change) = change {
        writeln!(f, "  missed: {}", line(&Event::Change(change.clone()), origin, call.place.index()))?;
    }
    writeln!(f, "  what happened to the key, in milliseconds since the call began:")?;
    history.iter().try_for_each(|event| writeln!(f, "  {}", line(event, origin, call.place.index())))
}

fn line(event: &Event, origin: u64, index: usize) -> String {
    let at = |time: u64| format!("{:+.3}", (i128::from(time) - i128::from(origin)) as f64 / 1e6);
    match event {
        Event::Call(call) => {
            let how = if call.is_joined { ", joining another call" } else { "" };
            format!("{}..{} node {} was given {}{how}", at(call.start), at(call.end), call.node, call.version)
        }
        Event::Change(change) => {
            let places = change.what.places().into_iter().map(super::Place::index);
            let version = places.zip(&change.versions).find(|(of, _)| *of == index).map_or(0, |(_, version)| *version);
            let (start, end) = (at(change.start), at(change.end));
            format!("{start}..{end} node {} made it {version}: {:?} {:?}", change.node, change.what, change.outcome)
        }
        Event::Synced(node, start, end) => format!("{}..{} node {node} synced", at(*start), at(*end)),
        Event::Until(node, time) => format!("{} node {node} has reported", at(*time)),
    }
}

fn millis(nanos: u64) -> String {
    format!("{:.2} ms", Duration::from_nanos(nanos).as_secs_f64() * 1e3)
}
