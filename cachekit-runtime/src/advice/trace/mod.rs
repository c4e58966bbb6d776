//! Streams of accesses as files: hashed keys, and when they came. `docs/traces.md` has the format.
//!
//! ```
//! # use cachekit_runtime as cachekit;
//! use cachekit::advice::trace::{Header, Reader, Writer};
//! use std::time::Duration;
//!
//! let mut writer = Writer::new(Vec::new(), &Header::default())?;
//! writer.block(Duration::ZERO, 0, &[17, 99, 17])?;
//! writer.block(Duration::from_millis(20), 0, &[99])?;
//!
//! let mut reader = Reader::new(writer.finish()?.as_slice())?;
//! let hashes: Result<Vec<u64>, _> = reader.by_ref().map(|access| access.map(|access| access.hash)).collect();
//! assert_eq!((hashes?, reader.is_cut()), (vec![17, 99, 17, 99], false));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod reader;
mod recording;
mod writer;

pub use reader::{Access, NotATrace, Reader};
pub(crate) use recording::Recorder;
pub use recording::{Recorded, Recording};
pub use writer::Writer;

use std::time::Duration;

/// How a trace begins.
const MAGIC: [u8; 8] = *b"cktrace\n";

/// The version of the format that is written.
const VERSION: u16 = 1;

/// Bytes before the first block.
const HEADER: usize = 32;

/// Bytes of a block before its hashes.
const BLOCK: usize = 16;

/// The most accesses of a block: what a reader may allocate for a length that it has not verified.
const MOST: usize = 1 << 16;

/// What stands at the beginning of a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Header {
    /// The greatest hash that was recorded: `u64::MAX` if all keys were, half of it for every second key.
    pub limit: u64,
    /// When it began: time since 1970, in milliseconds. 0 if that is not known.
    pub began: Duration,
}

impl Default for Header {
    /// Of all keys, at no known time.
    fn default() -> Self {
        Header { limit: u64::MAX, began: Duration::ZERO }
    }
}

impl Header {
    /// Of one key in so many, chosen by their hashes.
    #[must_use]
    pub fn one_in(keys: u32) -> Self {
        Header { limit: u64::MAX / u64::from(keys.max(1)), ..Header::default() }
    }
}
