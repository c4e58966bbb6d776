//! What a check finds.

use std::fmt;

/// A warning is printed and does not fail the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    Error,
    Warning,
}

/// One finding: where, what is wrong and what to do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Problem {
    path: String,
    line: Option<usize>,
    pub(crate) level: Level,
    text: String,
}

impl Problem {
    /// A problem of a file as a whole.
    pub(crate) fn file(path: &str, text: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line: None, level: Level::Error, text: text.into() }
    }

    /// A problem at a line, counted from 1.
    pub(crate) fn at(path: &str, line: usize, text: impl Into<String>) -> Self {
        Self { line: Some(line), ..Self::file(path, text) }
    }

    pub(crate) fn warning(self) -> Self {
        Self { level: Level::Warning, ..self }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        let warning = if self.level == Level::Warning { "warning: " } else { "" };
        write!(f, ": {warning}{}", self.text)
    }
}
