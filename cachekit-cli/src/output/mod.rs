//! How answers look: tables for people, JSON for programs, colours only on a terminal.

mod table;
mod units;

pub(crate) use table::Table;
pub(crate) use units::{age, bytes, count, left, many, percent, percent_of_some, rate, span};

use crate::failure::Failure;
use serde::Serialize;
use std::io::{self, BufWriter, IsTerminal, Stdout, Write};

/// The standard output.
pub(crate) struct Out {
    pub(crate) json: bool,
    to: BufWriter<Stdout>,
}

impl Out {
    pub(crate) fn new(json: bool) -> Self {
        Out { json, to: BufWriter::new(io::stdout()) }
    }

    /// A document for programs, on one line.
    pub(crate) fn document(&mut self, document: &impl Serialize) -> Result<(), Failure> {
        serde_json::to_writer(&mut self.to, document).map_err(io::Error::from)?;
        self.to.write_all(b"\n")?;
        Ok(())
    }

    pub(crate) fn line(&mut self, line: &str) -> Result<(), Failure> {
        Ok(writeln!(self.to, "{line}")?)
    }

    pub(crate) fn table(&mut self, table: &Table) -> Result<(), Failure> {
        self.line(&table.render(width()))
    }

    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        Ok(self.to.flush()?)
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.to.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// How wide the terminal is; `None`: the output is none.
fn width() -> Option<usize> {
    let size = io::stdout().is_terminal().then(crossterm::terminal::size);
    size.and_then(Result::ok).map(|(width, _)| usize::from(width)).filter(|width| *width > 0)
}

/// Colours where a person looks, and has not said `NO_COLOR`.
pub(crate) fn is_coloured(terminal: bool) -> bool {
    terminal
        && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
        && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

fn styled(text: &str, code: &str) -> String {
    match is_coloured(io::stderr().is_terminal()) {
        true => format!("\x1b[{code}m{text}\x1b[0m"),
        false => text.to_owned(),
    }
}

/// On the standard error.
pub(crate) fn bold(text: &str) -> String {
    styled(text, "1")
}

/// What went wrong, and what to do next, on the standard error.
pub(crate) fn complain(failure: &Failure) {
    let mut text = format!("{} {failure}\n", styled("error:", "1;31"));
    if let Some(next) = failure.next_step() {
        text.push_str(&format!("{} {next}\n", styled("next:", "1;36")));
    }
    // Where nobody hears it there is nothing left to do.
    io::stderr().write_all(text.as_bytes()).ok();
}

/// Something beside the answer, on the standard error.
pub(crate) fn remark(text: &str) {
    io::stderr().write_all(format!("{text}\n").as_bytes()).ok();
}
