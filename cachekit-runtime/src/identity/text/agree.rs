//! Does the text of a key say what its `Eq` says? A type for which it does not would get another key's entries, or miss its own.

use super::KeyText;
use serde::Serialize;
use std::fmt;

/// Two keys of which `Eq` and text disagree.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Disagreement {
    /// They are equal, and their texts are not: an invalidation of one misses the entry of the other.
    TwoTexts(String, String),
    /// They are different, and have one text: one is given the value of the other.
    OneText(String),
}

impl fmt::Display for Disagreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Disagreement::TwoTexts(one, other) => {
                write!(f, "two keys are equal and serialize differently, as {one} and {other}")
            }
            Disagreement::OneText(text) => write!(f, "two keys are different and serialize alike, as {text}"),
        }
    }
}

impl std::error::Error for Disagreement {}

/// Compares what `Eq` and what the texts say of two keys. For debug builds: without `debug_assertions` it looks at nothing and finds nothing.
///
/// Call it where two keys meet anyway, such as the key of an entry and the one that is looked up.
#[must_use]
pub fn disagreement<K: Eq + Serialize + ?Sized>(one: &K, other: &K) -> Option<Disagreement> {
    if !cfg!(debug_assertions) {
        return None;
    }
    let (one_text, other_text) = (KeyText::of(one).ok()?, KeyText::of(other).ok()?);
    match (one == other, one_text.whole == other_text.whole) {
        (true, false) => Some(Disagreement::TwoTexts(one_text.whole, other_text.whole)),
        (false, true) => Some(Disagreement::OneText(one_text.whole)),
        _ => None,
    }
}
