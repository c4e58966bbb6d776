//! Entries without their types.

use crate::{
    cache::State,
    outcome::{Delivery, Tier},
};
use std::time::Duration;

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// The key's text, as operations take it: that of [`identity::text`](crate::identity::text), of which long ones are shortened. `#` and a hash, which is
    /// good in this process, where keys have no text. Keys may be personal data.
    pub key: String,
    /// The value as JSON. `None` where it was not asked for, has no `serde::Serialize`, or is not to be given.
    pub value: Option<Text>,
    /// What the cache says of the value in a few words that are nobody's data, where it was told how
    /// ([`Builder::described_by`](crate::Builder::described_by)): `200, 5120 bytes` of a response.
    pub about: Option<String>,
    /// Where it was found.
    pub tier: Tier,
    /// What it is worth.
    pub state: State,
    /// How long ago it was stored; `None` in a cache without any freshness argument.
    pub age: Option<Duration>,
    /// How long it stays fresh; `None`: for ever.
    pub ttl_left: Option<Duration>,
    /// How many tags it has.
    pub tags: usize,
}

/// The text of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Text {
    /// JSON, or its beginning.
    pub text: String,
    /// It is longer than [`LONGEST_VALUE`](super::LONGEST_VALUE), and this is the beginning.
    pub is_cut: bool,
}

/// Whether values are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Values {
    /// As text, where they have one.
    Written,
    /// Not at all.
    Hidden,
}

/// Where a list of entries goes on. Good for this cache in this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor(pub u64);

/// Some of the entries in memory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entries {
    /// The entries, in the order of their hashes.
    pub entries: Vec<Entry>,
    /// Where to go on; `None`: that was all.
    pub next: Option<Cursor>,
}

/// What an invalidation by prefix reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Invalidated {
    /// How many entries went, in memory and in backends, each key once for each place.
    pub entries: usize,
    /// Who was told.
    pub delivery: Delivery,
}

impl Invalidated {
    pub(super) fn new(entries: usize, delivery: Delivery) -> Self {
        Invalidated { entries, delivery }
    }
}
