//! What the first bytes of an entry say: for who looks at many and at no value.

use super::{CREATED, FIXED, Head, Kind, VERSION};
use crate::backend::HEAD;

/// What the first bytes of an entry say, unchecked: the checksum is over all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outline {
    /// What it is.
    pub kind: Kind,
    /// When its value was made, in milliseconds since 1970 by the clock of the backend; `None` for what has no value.
    pub created: Option<u64>,
}

impl Outline {
    /// So many bytes are enough.
    pub const BYTES: usize = FIXED;
}

/// Reads the first [`Outline::BYTES`] of what a backend holds, or all of it; `None`: it is not ours, or of a later version.
#[must_use]
pub fn outline(first: &[u8]) -> Option<Outline> {
    // The head of something that has more behind it than a marker may have.
    let kind = match Head::read(first) {
        Ok(head) => head.kind(),
        Err(_) => return None,
    };
    if kind != Kind::Value {
        return Some(Outline { kind, created: None });
    }
    if *first.get(HEAD)? != VERSION {
        return None;
    }
    let created = first.get(CREATED)?.first_chunk().map(|bytes| u64::from_le_bytes(*bytes));
    Some(Outline { kind, created })
}
