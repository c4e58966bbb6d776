//! Tables for people. One that is wider than the terminal becomes a paragraph for each row, because wrapped lines cannot be read.

use comfy_table::{Attribute, Cell, CellAlignment, ContentArrangement, presets};
use std::io::{self, IsTerminal};
use unicode_width::UnicodeWidthStr;

/// A table: names above, texts to the left and numbers to the right.
pub(crate) struct Table {
    table: comfy_table::Table,
    numbers: Vec<bool>,
    colours: bool,
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// Fewer columns are read also where a line is wrapped: the last of them is a sentence.
const MANY: usize = 4;

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
        // To the right alone: before a title in bold a space would be part of what is bold.
        for (at, column) in table.column_iter_mut().enumerate() {
            column.set_padding((0, if at + 1 < numbers.len() { 2 } else { 0 }));
        }
        if colours {
            table.enforce_styling();
        } else {
            table.force_no_tty();
        }
        let columns = columns.iter().map(|column| column.trim_start_matches('#').to_owned()).collect();
        Table { table, numbers, colours, columns, rows: Vec::new() }
    }

    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = impl ToString>) {
        self.marked(cells, &[]);
    }

    /// A row in which these columns stand out.
    pub(crate) fn marked(&mut self, cells: impl IntoIterator<Item = impl ToString>, marks: &[usize]) {
        let texts: Vec<String> = cells.into_iter().map(|cell| cell.to_string()).collect();
        let cells = texts.iter().zip(&self.numbers).enumerate().map(|(at, (text, is_number))| {
            let cell = aligned(Cell::new(text), *is_number);
            if self.colours && marks.contains(&at) { cell.add_attribute(Attribute::Bold) } else { cell }
        });
        let cells: Vec<Cell> = cells.collect();
        self.table.add_row(cells);
        self.rows.push(texts);
    }

    /// For a terminal of that width; `None`: for whatever else reads it.
    pub(crate) fn render(&self, width: Option<usize>) -> String {
        let text = self.table.to_string();
        let lines = text.lines().map(str::trim_end);
        let lines: Vec<&str> = lines.collect();
        let columns = self.table.column_max_content_widths();
        let needed =
            columns.iter().map(|width| usize::from(*width)).sum::<usize>() + 2 * columns.len().saturating_sub(1);
        match width {
            Some(width) if self.columns.len() >= MANY && needed > width => self.paragraphs(width),
            _ => lines.join("\n"),
        }
    }

    /// Each row as its first cell, and below it the others with their titles.
    fn paragraphs(&self, width: usize) -> String {
        let paragraph = |row: &Vec<String>| {
            let head = row.first().map(String::as_str).unwrap_or_default();
            let mut text = if self.colours { format!("\x1b[1m{head}\x1b[0m") } else { head.to_owned() };
            let mut used = usize::MAX;
            for (title, cell) in self.columns.iter().zip(row).skip(1) {
                let pair = format!("{title} {}", cell.trim_end());
                if used.saturating_add(3 + pair.width()) > width {
                    text.push_str("\n  ");
                    used = 2;
                } else {
                    text.push_str("   ");
                    used += 3;
                }
                text.push_str(&pair);
                used += pair.width();
            }
            text
        };
        self.rows.iter().map(paragraph).collect::<Vec<_>>().join("\n")
    }
}

fn aligned(cell: Cell, is_number: bool) -> Cell {
    if is_number { cell.set_alignment(CellAlignment::Right) } else { cell }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_that_is_too_wide_becomes_paragraphs() {
        let mut table = Table::new(&["cache", "#hits", "#misses", "strategy"]);
        table.row(["shop::user", "12 345", "678", "s3-tinylfu"]);
        table.row(["shop::page", "1", "2", "lru"]);
        let wide = "cache         hits  misses  strategy\nshop::user  12 345     678  s3-tinylfu\nshop::page       1       2  lru";
        assert_eq!(table.render(None), wide);
        assert_eq!(table.render(Some(38)), wide);
        let narrow = "shop::user\n  hits 12 345   misses 678\n  strategy s3-tinylfu\nshop::page\n  hits 1   misses 2   strategy lru";
        assert_eq!(table.render(Some(37)), narrow);
        assert!(table.render(Some(1)).contains("strategy lru"));
    }
}
