//! What can go wrong with names, and with keys that are given as text.

use super::Place;
use crate::Error;

/// Two places in the source give their caches one name. Only the first one's caches are in the registry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "two caches are called `{name}`: one is built at {first}, the other at {second}, which is therefore not in the registry: give one of them another `name`"
)]
#[non_exhaustive]
pub struct Conflict {
    /// The name.
    pub name: String,
    /// Who had it.
    pub first: Place,
    /// Who was given it too.
    pub second: Place,
}

/// Why an operation on a key that was given as text was not carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OperationError {
    /// The keys of the cache have no text.
    #[error(
        "the keys of `{cache}` are `{key_type}`, which has no `serde::Serialize`: name an entry by its hash, `#…`, as the list of entries has it"
    )]
    NoText {
        /// Name of the cache.
        cache: String,
        /// What its keys are.
        key_type: &'static str,
    },
    /// This is no key of the cache, and no entry in memory has that text.
    #[error(
        "`{key}` is no key of `{cache}`, whose keys are `{key_type}`: write it as the list of entries does, strings in quotes, several arguments with commas between"
    )]
    NoKey {
        /// Name of the cache.
        cache: String,
        /// What was given.
        key: String,
        /// What its keys are.
        key_type: &'static str,
    },
    /// A backend did not answer.
    #[error(transparent)]
    Backend(#[from] Error),
}
