//! The table that the tour prints.

use cachekit::Stats;
use std::{fmt, time::Duration};

#[derive(Default)]
pub(crate) struct Table {
    rows: Vec<Row>,
}

pub(crate) struct Row {
    cells: [String; 8],
}

const HEAD: [&str; 8] = ["function", "kind", "calls", "computed", "hits", "without", "with", "faster"];

impl Row {
    pub(crate) fn new(
        function: &str,
        kind: &str,
        calls: usize,
        stats: &Stats,
        without: Duration,
        with: Duration,
    ) -> Row {
        let faster = without.as_secs_f64() / with.as_secs_f64().max(1e-9);
        let cells = [
            function.to_owned(),
            kind.to_owned(),
            calls.to_string(),
            stats.loads.to_string(),
            stats.hits.to_string(),
            milliseconds(without),
            milliseconds(with),
            format!("{faster:.1}x"),
        ];
        Row { cells }
    }
}

fn milliseconds(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}

impl Table {
    pub(crate) fn add(&mut self, row: Row) {
        self.rows.push(row);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths: [usize; 8] = std::array::from_fn(|column| {
            self.rows.iter().map(|row| row.cells[column].len()).chain([HEAD[column].len()]).max().unwrap_or(0)
        });
        let line = |f: &mut fmt::Formatter<'_>, cells: [&str; 8]| {
            for (column, (cell, width)) in cells.iter().zip(widths).enumerate() {
                // Words to the left, numbers to the right.
                if column < 2 { write!(f, "{cell:<width$}  ")? } else { write!(f, "{cell:>width$}  ")? }
            }
            writeln!(f)
        };
        line(f, HEAD)?;
        let rule = widths.map(|width| "-".repeat(width));
        line(f, std::array::from_fn(|column| rule[column].as_str()))?;
        for row in &self.rows {
            line(f, std::array::from_fn(|column| row.cells[column].as_str()))?;
        }
        Ok(())
    }
}
