//! Envelopes: what a backend holds of an entry.
//!
//! Everything that a backend holds begins with a [`Head`] of 24 bytes; markers, locks and tombstones are nothing else. A value goes on (all numbers
//! little-endian, lengths in bytes):
//!
//! | at | bytes | what |
//! |---|---|---|
//! | 0 | 7 | magic: `C6` and `cachek` |
//! | 7 | 1 | kind: `v` value, `m` marker, `l` lock, `t` tombstone |
//! | 8 | 16 | random id |
//! | 24 | 1 | version of what follows, 1 |
//! | 25 | 4 | CRC-32 of everything but itself |
//! | 29 | 4 | length of the whole |
//! | 33 | 2 | flags: 1 compressed by lz4, 2 ttl, 4 `stale_while_revalidate`, 8 `stale_if_error`, 16 generation, 32 soft versions |
//! | 35 | 1 | how many tags, at most 16 |
//! | 36 | 1 | length of the codec's name |
//! | 37 | 4 | length of the key |
//! | 41 | 8 | created, in milliseconds since the Unix epoch |
//! | 49 | 8 | fingerprint |
//! | 57 | 4 | if flagged: length before compression |
//! | | 8 | each if flagged, in the order of the flags: ttl, `stale_while_revalidate`, `stale_if_error` in milliseconds, generation |
//! | | | name of the codec; key (the address's id); per tag 2 bytes of length, name, 8 bytes of version, and if flagged 8 of the soft one; payload to the end |
//!
//! The CRC-32 sees every flipped bit and most other damage. It is no defence against those who write on purpose: whatever they
//! write, reading it gives a value of the right type or a [`Rejected`], without a panic and within `max_value_bytes`.
//!
//! There is one way to write each envelope. A change of the layout has another version, and old programs then count these entries as
//! missing.

mod head;
mod id;
mod open;
#[cfg(feature = "inspect")]
mod outline;
mod seal;

pub use head::{Head, Kind};
#[cfg(feature = "inspect")]
pub(crate) use open::Terms;
pub(crate) use open::open_value;
pub use open::{Envelope, Rejected, open};
#[cfg(feature = "inspect")]
pub use outline::{Outline, outline};
#[cfg(feature = "inspect")]
pub(crate) use seal::rewrite;
pub use seal::{Draft, MAX_TAGS};

use std::{sync::Arc, time::Duration};

const VERSION: u8 = 1;
const CHECKSUM: std::ops::Range<usize> = 25..29;
const FIXED: usize = 57;
#[cfg(feature = "inspect")]
const CREATED: std::ops::Range<usize> = 41..49;

mod flags {
    pub(super) const LZ4: u16 = 1;
    pub(super) const TTL: u16 = 2;
    pub(super) const REVALIDATE: u16 = 4;
    pub(super) const IF_ERROR: u16 = 8;
    pub(super) const GENERATION: u16 = 16;
    pub(super) const SOFT: u16 = 32;
    pub(super) const ALL: u16 = LZ4 | TTL | REVALIDATE | IF_ERROR | GENERATION | SOFT;
}

/// When an entry was made and how long it is good, in milliseconds. What is told in finer units is cut off, so that nothing is good for longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Freshness {
    /// When its value was there, in milliseconds since the Unix epoch by the clock of the backend.
    pub created: u64,
    /// How long it is fresh; `None`: for ever.
    pub ttl: Option<u64>,
    /// How long after the ttl it may be given while it is refreshed.
    pub revalidate: Option<u64>,
    /// How long after the ttl it may be given when the loader fails.
    pub if_error: Option<u64>,
}

impl Freshness {
    /// Created then, and good for so long.
    #[must_use]
    pub fn new(created: u64, ttl: Option<Duration>) -> Self {
        Freshness { created, ttl: ttl.map(milliseconds), revalidate: None, if_error: None }
    }

    /// With allowances to be given stale.
    #[must_use]
    pub fn stale(self, revalidate: Option<Duration>, if_error: Option<Duration>) -> Self {
        Freshness { revalidate: revalidate.map(milliseconds), if_error: if_error.map(milliseconds), ..self }
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// A tag of an entry and its version from before the entry's load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagVersion {
    /// The tag.
    pub name: Arc<str>,
    /// The version: with another one the entry is invalid.
    pub version: u64,
    /// The soft version: with another one it is stale. 0: the tag had not been made stale.
    pub soft: u64,
}

/// The checksum of an envelope, which leaves out its own place.
fn checksum(envelope: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(envelope.get(..CHECKSUM.start).unwrap_or_default());
    hasher.update(envelope.get(CHECKSUM.end..).unwrap_or_default());
    hasher.finalize()
}

#[cfg(test)]
mod tests;
