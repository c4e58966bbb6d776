//! Where in the source a cache is built.

use std::{fmt, panic::Location};

/// The line of code that builds a cache: for an annotated function that of its attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Place {
    /// As the compiler was given it.
    pub file: &'static str,
    /// From 1 on.
    pub line: u32,
    /// From 1 on.
    pub column: u32,
}

impl Place {
    pub(crate) fn of(location: &'static Location<'static>) -> Self {
        Place { file: location.file(), line: location.line(), column: location.column() }
    }
}

/// `src/users.rs:12`.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}
