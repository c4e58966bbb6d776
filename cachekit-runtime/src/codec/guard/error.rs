//! Errors whose messages stay short.

use crate::error::shortened;
use serde::de::{Error, StdError};
use std::fmt;

/// The format's error, with a message that does not quote the whole of a long string, which would take memory and fill logs.
#[derive(Debug)]
pub(super) struct Short<E>(pub(super) E);

impl<E: fmt::Display> fmt::Display for Short<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<E: StdError> StdError for Short<E> {}

// All other constructors of the trait make a message and come here.
impl<E: Error> Error for Short<E> {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Short(E::custom(shortened(message)))
    }
}
