//! Tables for people.

use comfy_table::{Attribute, Cell, CellAlignment, ContentArrangement, presets};
use std::io::{self, IsTerminal};

/// A table: names above, texts to the left and numbers to the right.
pub(crate) struct Table {
    table: comfy_table::Table,
    numbers: Vec<bool>,
    colours: bool,
}

impl Table {
    /// A column whose name begins with `#` has numbers.
    pub(crate) fn new(columns: &[&str]) -> Self {
        let colours = super::is_coloured(io::stdout().is_terminal());
        let mut table = comfy_table::Table::new();
        table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
        let numbers: Vec<bool> = columns.iter().map(|column| column.starts_with('#')).collect();
        let header = columns.iter().zip(&numbers).map(|(column, is_number)| {
            let cell = aligned(Cell::new(column.trim_start_matches('#')), *is_number);
            if colours { cell.add_attribute(Attribute::Bold) } else { cell }
        });
        table.set_header(header.collect::<Vec<_>>());
        if colours {
            table.enforce_styling();
        } else {
            table.force_no_tty();
        }
        Table { table, numbers, colours }
    }

    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = impl ToString>) {
        self.marked(cells, &[]);
    }

    /// A row in which these columns stand out.
    pub(crate) fn marked(&mut self, cells: impl IntoIterator<Item = impl ToString>, marks: &[usize]) {
        let cells = cells.into_iter().zip(&self.numbers).enumerate().map(|(at, (text, is_number))| {
            let cell = aligned(Cell::new(text.to_string()), *is_number);
            if self.colours && marks.contains(&at) { cell.add_attribute(Attribute::Bold) } else { cell }
        });
        let cells: Vec<Cell> = cells.collect();
        self.table.add_row(cells);
    }

    pub(crate) fn render(&self) -> String {
        let text = self.table.to_string();
        let lines = text.lines().map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end());
        lines.collect::<Vec<_>>().join("\n")
    }
}

fn aligned(cell: Cell, is_number: bool) -> Cell {
    if is_number { cell.set_alignment(CellAlignment::Right) } else { cell }
}
