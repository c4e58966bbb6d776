//! The text of a key: what stands in an address for the arguments.
//!
//! It is injective: two keys have one text only if their `Serialize` says the same of them. It is readable, and the same on every machine and in every
//! version of a program whose arguments are the same:
//!
//! | value | text |
//! |---|---|
//! | several arguments | `42,"Ann"`; one: `42`; none: nothing |
//! | numbers | `42`, `-7`, `0.5`, `1.0`, `1e300`, `nan`, `-inf` |
//! | strings, `char`s, bytes | `"Ann"`, `'a'`, `x"00ff"` |
//! | `bool`, `Option` | `true`, `none`, `some(42)` |
//! | tuples, sequences, maps | `(1,2)`, `(1,)`, `()`; `[1,2]`; `["a":1]`, `[:]` |
//! | structs | `(id=1,name="Ann")`, `(=)` without fields |
//! | variants | `Admin`, `Id(7)`, `Pair(1,2)`, `Single(1,)`, `Named(id=1)` |
//!
//! Names of structs are left out, and a newtype is written as what it wraps: so an argument may get a type of its own, or another name of its type,
//! and the programs before and after it still invalidate each other's entries. A unit is an empty tuple.
//!
//! Braces, control characters and invisible marks are escaped as `%7B`, letters beyond ASCII are not. A text of more than
//! [`LONGEST`] bytes is replaced in addresses by its beginning and a hash. Types may write themselves as to a human-readable format: an address is
//! `"127.0.0.1"`. Maps are taken in the order in which a type writes them. `-0.0` and `0.0` are two keys; all NaNs are one.

mod agree;
mod escape;
mod name;
mod parse;
#[cfg(test)]
mod tests;
mod tree;
mod write;

pub use agree::{Disagreement, disagreement};
pub use name::{cache_name, original_name, tag_name};
pub use parse::parse;
pub use tree::{Content, Tree};

use serde::ser::{self, Serialize};
use std::fmt::{self, Display};
use write::Writer;

/// The longest text that stands in an address as it is, in bytes.
pub const LONGEST: usize = 200;

/// Few keys are longer, in bytes, with the name of the cache that will stand before them.
const USUAL: usize = 64;

/// How much of a longer one stays readable, in bytes.
const BEGINNING: usize = 64;

/// The length of a hash: 128 bits in hexadecimal digits.
const HASH: usize = 32;

/// Between the beginning of a text and its hash. In a whole text it stands within quotes only, or as an escape.
const BEFORE_HASH: char = '~';

/// The text of a key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct KeyText {
    whole: String,
    short: Option<String>,
}

impl KeyText {
    /// The text of `key`.
    ///
    /// # Errors
    ///
    /// [`Unwritable`] if the key's `Serialize` fails, or it is deeper than 128 levels.
    pub fn of<K: Serialize + ?Sized>(key: &K) -> Result<Self, Unwritable> {
        // Room for most keys, which would otherwise be moved while they grow.
        let mut whole = String::with_capacity(USUAL);
        key.serialize(Writer { out: &mut whole, depth: 0, is_whole: true })?;
        let short = shortened(&whole);
        Ok(KeyText { whole, short })
    }

    /// Writes the [whole](Self::whole) text of `key` at the end of `text`, which stays as it is if that fails.
    ///
    /// # Errors
    ///
    /// As [`of`](Self::of).
    pub fn append<K: Serialize + ?Sized>(text: &mut String, key: &K) -> Result<(), Unwritable> {
        let before = text.len();
        let written = key.serialize(Writer { out: &mut *text, depth: 0, is_whole: true });
        written.inspect_err(|_| text.truncate(before))
    }

    /// Of what stands in an address, of a long key too.
    #[cfg(feature = "registry")]
    pub(crate) fn in_short(text: &str) -> Self {
        let short = if is_hashed(text) { Some(text.to_owned()) } else { shortened(text) };
        KeyText { whole: text.to_owned(), short }
    }

    /// All of it, and what stands in the address if that is something else.
    pub(crate) fn into_parts(self) -> (String, Option<String>) {
        (self.whole, self.short)
    }

    /// What stands in the address: at most [`LONGEST`] bytes.
    #[must_use]
    pub fn in_address(&self) -> &str {
        self.short.as_deref().unwrap_or(&self.whole)
    }

    /// All of it, which an envelope holds, so that no entry is taken for another's.
    #[must_use]
    pub fn whole(&self) -> &str {
        &self.whole
    }

    /// As [`whole`](Self::whole), without the rest.
    #[must_use]
    pub fn into_whole(self) -> String {
        self.whole
    }
}

/// Shown as in an address.
impl Display for KeyText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.in_address())
    }
}

/// Why a key has no text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unwritable {
    /// It is deeper than 128 levels.
    #[error("a key of more than 128 levels has no text")]
    TooDeep,
    /// Its `Serialize` failed.
    #[error("the key cannot be written: {0}")]
    Failed(String),
}

impl ser::Error for Unwritable {
    fn custom<T: Display>(message: T) -> Self {
        Unwritable::Failed(message.to_string())
    }
}

/// Is it the beginning of a text with its hash, as it stands in the address of a long key?
#[must_use]
pub fn is_hashed(text: &str) -> bool {
    text.rsplit_once(BEFORE_HASH).is_some_and(|(_, hash)| {
        hash.len() == HASH && hash.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    })
}

/// What stands in an address for this text; `None`: itself.
#[cfg(feature = "inspect")]
pub(crate) fn short(whole: &str) -> Option<String> {
    shortened(whole)
}

fn shortened(whole: &str) -> Option<String> {
    if whole.len() <= LONGEST {
        return None;
    }
    let mut end = BEGINNING;
    // Neither within a character nor within an escape.
    let is_cut = |end: usize| whole.as_bytes().get(end.saturating_sub(2)..end).is_some_and(|last| last.contains(&b'%'));
    while end > 0 && (!whole.is_char_boundary(end) || is_cut(end)) {
        end -= 1;
    }
    let hash = blake3::hash(whole.as_bytes()).to_hex();
    let (beginning, hash) = (whole.get(..end).unwrap_or_default(), hash.get(..HASH).unwrap_or_default());
    Some(format!("{beginning}{BEFORE_HASH}{hash}"))
}
