//! What the cache thinks of one key.

use super::{Cache, entry::Worth};
use crate::{
    key::{Key, Parts},
    memory::Bound,
    output::Value,
};
use std::{fmt, time::Duration};

/// What a call for one key would meet now. Changes nothing and counts as no use.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Explain {
    /// Name of the cache.
    pub cache: String,
    /// What is there.
    pub state: State,
    /// How long ago the value was stored; `None` if there is none, or in a cache without any freshness argument.
    pub age: Option<Duration>,
    /// How long it stays fresh; `None`: for ever, or there is none.
    pub ttl_left: Option<Duration>,
    /// How many tags it carries.
    pub tags: usize,
    /// A load of the key is under way, which a call would join.
    pub loading: bool,
    /// The strategy of the cache.
    pub strategy: String,
}

/// What is there for a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// A fresh value: a hit.
    Fresh,
    /// A fresh value past its refresh point: a hit, and a refresh.
    RefreshDue,
    /// A value past its ttl, within the stale allowance: a stale hit, and a refresh.
    Stale,
    /// A value past its ttl or idle time: a miss.
    Expired,
    /// A value with a tag that was invalidated since: a miss.
    Invalidated,
    /// Nothing: a miss.
    Absent,
}

impl fmt::Display for Explain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Fresh => "fresh: a call would hit",
            State::RefreshDue => "fresh and due for a refresh: a call would hit and refresh it",
            State::Stale => "stale within its allowance: a call would get it and refresh it",
            State::Expired => "expired: a call would load",
            State::Invalidated => "invalidated by a tag: a call would load",
            State::Absent => "absent: a call would load",
        };
        write!(f, "{}: {state}", self.cache)?;
        if let Some(age) = self.age {
            write!(f, ", {age:?} old")?;
        }
        if let Some(left) = self.ttl_left {
            write!(f, ", fresh for another {left:?}")?;
        }
        if self.loading {
            f.write_str(", and a load is under way")?;
        }
        Ok(())
    }
}

pub(crate) fn explain<P: Parts, V: Value>(cache: &Cache<P::Key, V>, parts: &P) -> Explain
where
    P::Key: Key,
{
    let cache = cache.here();
    let core = &cache.core;
    let hash = core.hash(parts);
    let is_key = |key: &P::Key| parts.matches_key(key);
    let seen = core.inspect(hash, is_key);
    Explain {
        cache: core.settings.name.clone().into_owned(),
        state: match seen.as_ref().map(|seen| seen.worth) {
            None => State::Absent,
            Some(Worth::Fresh) => State::Fresh,
            Some(Worth::Ahead) => State::RefreshDue,
            Some(Worth::Stale) => State::Stale,
            Some(Worth::Expired) => State::Expired,
            Some(Worth::Invalidated) => State::Invalidated,
        },
        age: seen.as_ref().and_then(|seen| seen.age),
        ttl_left: seen.as_ref().and_then(|seen| seen.left),
        tags: seen.as_ref().map_or(0, |seen| seen.tags),
        loading: core.flights.contains(hash, is_key),
        strategy: match core.table.bound() {
            Bound::Unbounded => "unbounded".to_owned(),
            _ => match core.adapt.current() {
                Some(current) => format!("adaptive, now {current}"),
                None => core.live.strategy().name().to_owned(),
            },
        },
    }
}
