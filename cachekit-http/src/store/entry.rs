//! What is stored.

use super::given::Given;
use crate::policy::Head;
use bytes::Bytes;
use http::HeaderName;
use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

/// A value of the cache.
#[derive(Debug)]
pub enum Stored {
    /// A response.
    Response(Arc<Entry>),
    /// At the key of a URI whose responses vary: on what.
    Recipe(Recipe),
}

impl Stored {
    /// How long it is worth keeping.
    #[must_use]
    pub fn kept_for(&self) -> Duration {
        match self {
            Stored::Response(entry) => entry.kept_for,
            Stored::Recipe(recipe) => recipe.kept_for,
        }
    }

    /// How many bytes it takes, about.
    #[must_use]
    pub fn weight(&self) -> u64 {
        let bytes = match self {
            Stored::Response(entry) => {
                let fields: usize =
                    entry.head.fields.iter().map(|(name, value)| name.as_str().len() + value.len() + 64).sum();
                let tags: usize = entry.tags.iter().map(|tag| tag.len() + 24).sum();
                // Twice: as they are stored, and as they were given last.
                2 * fields + tags + entry.body.len() + 384
            }
            Stored::Recipe(recipe) => recipe.names.iter().map(|name| name.as_str().len() + 32).sum::<usize>() + 128,
        };
        bytes as u64
    }
}

/// A response.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// All but its body.
    pub head: Head,
    /// Its body, complete.
    pub body: Bytes,
    /// The tags of the rule that it came by.
    pub tags: Vec<String>,
    /// How long it is worth keeping, from when it is stored.
    pub kept_for: Duration,
    pub(crate) given: Given,
}

impl Entry {
    /// An entry of these parts.
    #[must_use]
    pub fn new(head: Head, body: Bytes, tags: Vec<String>, kept_for: Duration) -> Self {
        Entry { head, body, tags, kept_for, given: Given::default() }
    }

    /// The same, but stale since then.
    #[must_use]
    pub fn stale_since(&self, then: SystemTime) -> Entry {
        let mut entry = self.clone();
        entry.head.terms.lifetime = entry.head.terms.lifetime.min(entry.head.age(then));
        entry
    }
}

/// On which request fields the responses of a URI depend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipe {
    /// Their names, sorted.
    pub names: Vec<HeaderName>,
    /// How long it is worth keeping, from when it is stored.
    pub kept_for: Duration,
    /// When that is over: not before any of the responses.
    pub kept_until: SystemTime,
}
