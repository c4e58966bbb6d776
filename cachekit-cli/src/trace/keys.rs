//! A key a line; blank lines are none.

use super::{Sink, input::Input};
use std::io;

pub(super) fn read(input: &mut Input, sink: &mut Sink<'_>) -> io::Result<u64> {
    input.lines(|line| match line.trim_ascii() {
        b"" => Ok(true),
        key => sink(key),
    })?;
    Ok(0)
}
