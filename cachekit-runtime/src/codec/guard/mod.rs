//! The guard around a serde format: how deep a value may nest and how much memory the decoding of it may take.
//!
//! Most formats recurse once per level of nesting, whatever limits on bytes they have, so a few hundred bytes that nest deeply overflow the stack.
//! And a length is believed before there is anything behind it. The guard wraps the format's `Serializer` and `Deserializer`, and every seed, visitor
//! and access that they hand out: it counts levels on the way down and charges a [`Budget`] for what will be allocated.
//!
//! Encoding is guarded by the same depth, so that what nests too deeply to be read is not written.

mod budget;
mod de;
mod elements;
mod error;
mod rules;
mod ser;
mod ser_compound;

pub use budget::Budget;
pub use rules::Rules;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// How many values may be nested in each other: every struct, sequence, map, tuple, enum, newtype and `Some` is a level.
///
/// One less than 128, where serde_json's own limit is.
pub const MAX_DEPTH: usize = 127;

/// Serializes with the guard: for codecs of one's own over a serde format.
///
/// ```
/// # use cachekit_runtime as cachekit;
/// use cachekit::codec::guard::{self, Rules};
///
/// let mut out = Vec::new();
/// guard::serialize(&[1, 2, 3], &mut serde_json::Serializer::new(&mut out), Rules::default()).unwrap();
/// assert_eq!(out, b"[1,2,3]");
/// ```
///
/// # Errors
///
/// Those of the serializer, and its custom error where the value nests deeper than [`MAX_DEPTH`] or breaks one of the rules.
pub fn serialize<T, S>(value: &T, serializer: S, rules: Rules) -> Result<S::Ok, S::Error>
where
    T: Serialize + ?Sized,
    S: Serializer,
{
    value.serialize(ser::Guarded::top(serializer, rules))
}

/// Deserializes with the guard: for codecs of one's own over a serde format. `input` is how many bytes there are to read.
///
/// ```
/// # use cachekit_runtime as cachekit;
/// use cachekit::codec::guard::{self, Budget, Rules};
///
/// let mut input = serde_json::Deserializer::from_slice(b"[1,2,3]");
/// let value: Vec<u8> = guard::deserialize(&mut input, &Budget::new(1_000), 7, Rules::default()).unwrap();
/// assert_eq!(value, [1, 2, 3]);
/// ```
///
/// # Errors
///
/// Those of the deserializer, and its custom error where the input nests deeper than [`MAX_DEPTH`] or would take more memory than the budget has.
pub fn deserialize<'de, T, D>(deserializer: D, budget: &Budget, input: usize, rules: Rules) -> Result<T, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    budget.expect(input);
    T::deserialize(de::Guarded::top(deserializer, budget, rules, size_of::<T>())).map_err(|error| error.0)
}

#[cfg(test)]
mod tests;
