//! The errors of a run: what a `Deserialize` says against a probe is part of its shape.

use serde::de::{self, Expected, Unexpected};
use std::fmt::{self, Display};

/// An error on its way out of a run.
#[derive(Debug)]
pub(super) struct Rejection {
    pub(super) text: String,
    /// It is among the facts already, or none of the type's.
    pub(super) is_noted: bool,
    /// The next run will do something about it.
    pub(super) is_settled: bool,
}

impl Rejection {
    fn new(text: String) -> Self {
        Rejection { text, is_noted: false, is_settled: false }
    }

    /// The tracer does not want to go on here, which says nothing about the type.
    pub(super) fn ours(text: &str) -> Self {
        Rejection { text: text.to_owned(), is_noted: true, is_settled: false }
    }
}

impl Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Rejection {}

/// Worded here, so that another version of serde gives the same shapes.
impl de::Error for Rejection {
    fn custom<T: Display>(message: T) -> Self {
        Rejection::new(format!("says {message}"))
    }

    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Rejection::new(format!("type {unexpected} for {expected}"))
    }

    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Rejection::new(format!("value {unexpected} for {expected}"))
    }

    fn invalid_length(length: usize, expected: &dyn Expected) -> Self {
        Rejection::new(format!("length {length} for {expected}"))
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Rejection::new(format!("variant {variant} of {expected:?}"))
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Rejection::new(format!("field {field} of {expected:?}"))
    }

    fn missing_field(field: &'static str) -> Self {
        Rejection::new(format!("missing {field}"))
    }

    fn duplicate_field(field: &'static str) -> Self {
        Rejection::new(format!("twice {field}"))
    }
}
