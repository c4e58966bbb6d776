//! What `Cache::record_trace` writes: hashes of keys, of all or of a sample.

use super::{Sink, input::Input};
use cachekit_runtime::advice::trace::{NotATrace, Reader};
use std::io;

/// How such a trace begins.
pub(super) const MAGIC: &[u8] = b"cktrace\n";

/// What is known of a recording beside its accesses.
pub(super) struct About {
    /// What was lost when it was recorded.
    pub(super) dropped: u64,
    /// Which part of the keys was recorded.
    pub(super) rate: f64,
    /// Its end is missing.
    pub(super) is_cut: bool,
}

pub(super) fn read(input: &mut Input, sink: &mut Sink<'_>) -> io::Result<About> {
    let mut reader = Reader::new(&mut *input).map_err(failed)?;
    let rate = (reader.header().limit as f64 / u64::MAX as f64).clamp(f64::MIN_POSITIVE, 1.0);
    for access in reader.by_ref() {
        // As a number, which is what it is numbered by.
        if !sink(access.map_err(failed)?.hash.to_string().as_bytes())? {
            break;
        }
    }
    Ok(About { dropped: reader.dropped(), rate, is_cut: reader.is_cut() })
}

fn failed(error: NotATrace) -> io::Error {
    match error {
        NotATrace::Io(error) => error,
        other => io::Error::other(other),
    }
}
