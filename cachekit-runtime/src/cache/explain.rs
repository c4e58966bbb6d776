//! What the cache thinks of one key.

use super::{Cache, entry::Worth, map::Borrowed};
use crate::{
    key::{Key, Parts},
    memory::Bound,
    output::Value,
    policy::Standing,
};
use std::{borrow::Borrow, fmt, hash::Hash, time::Duration};

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
    /// Where the entry stands with its policy; `None`: there is none, the cache is unbounded, or the policy does not say.
    pub policy: Option<Standing>,
    /// Where a backend of bytes has the entry, and which ones.
    pub far: FarPlaces,
}

/// Where the backends of a cache have the entry of a key. Says nothing of whether it is there: that would take asking them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FarPlaces {
    /// The names of the backends, nearest first; empty: none, or none that can be used.
    pub backends: Vec<String>,
    /// The address of the entry: name of the cache, arguments, fingerprint of the value's shape.
    pub address: Option<String>,
    /// Why each build of the program has entries of its own: the shape of the values cannot be traced, and no `version` was given. `None`: they are shared
    /// by all builds with values of that shape.
    pub tied_to_build: Option<String>,
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
    /// A copy that other processes may have changed meanwhile: a call asks the backend whether it has that still.
    Unsure,
    /// Nothing: a miss.
    Absent,
}

impl From<Worth> for State {
    fn from(worth: Worth) -> Self {
        match worth {
            Worth::Fresh => State::Fresh,
            Worth::Ahead => State::RefreshDue,
            Worth::Stale => State::Stale,
            Worth::Expired => State::Expired,
            Worth::Invalidated => State::Invalidated,
            Worth::Unsure => State::Unsure,
        }
    }
}

impl fmt::Display for Explain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Fresh => "fresh: a call would hit",
            State::RefreshDue => "fresh and due for a refresh: a call would hit and refresh it",
            State::Stale => "stale within its allowance: a call would get it and refresh it",
            State::Expired => "expired: a call would load",
            State::Invalidated => "invalidated by a tag: a call would load",
            State::Unsure => "to be compared with its backend: a call would ask there",
            State::Absent => "absent: a call would load",
        };
        write!(f, "{}: {state}", self.cache)?;
        if let Some(age) = self.age {
            write!(f, ", {age:?} old")?;
        }
        if let Some(left) = self.ttl_left {
            write!(f, ", fresh for another {left:?}")?;
        }
        if let Some(policy) = &self.policy {
            write!(f, "; {}: {policy}", self.strategy)?;
        }
        if self.loading {
            f.write_str(", and a load is under way")?;
        }
        if let Some(address) = &self.far.address {
            write!(f, "; in {} at {address}", self.far.backends.join(" and "))?;
        }
        if let Some(why) = &self.far.tied_to_build {
            write!(
                f,
                "; of this build of the program only, because the value's type {why}: give a `version` to share them"
            )?;
        }
        Ok(())
    }
}

impl<K: Key, V: Value> Cache<K, V> {
    /// What the cache knows of a key: what a call would meet now. Changes nothing and counts as no use.
    ///
    /// ```
    /// # use cachekit_runtime as cachekit;
    /// use cachekit::{Cache, State};
    ///
    /// let squares: Cache<u64, u64> = Cache::builder().capacity(100).build();
    /// squares.get_or_compute(&7, || 49);
    /// assert_eq!((squares.explain(&7).state, squares.explain(&8).state), (State::Fresh, State::Absent));
    /// ```
    #[must_use]
    pub fn explain<Q>(&self, key: &Q) -> Explain
    where
        K: Borrow<Q>,
        Q: ?Sized + Hash + Eq + ToOwned<Owned = K>,
    {
        explain(self, &Borrowed::new(key))
    }

    /// As [`explain`](Self::explain), of a whole key.
    #[cfg(feature = "registry")]
    pub(crate) fn explain_key(&self, key: &K) -> Explain {
        explain(self, &Borrowed::<K, K>::new(key))
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
        state: seen.as_ref().map_or(State::Absent, |seen| State::from(seen.worth)),
        age: seen.as_ref().and_then(|seen| seen.age),
        ttl_left: seen.as_ref().and_then(|seen| seen.left),
        tags: seen.as_ref().map_or(0, |seen| seen.tags),
        policy: core.table.standing(hash, is_key),
        far: core.far_places(parts.to_key()),
        loading: core.flights.contains(hash, is_key),
        strategy: match core.table.bound() {
            Bound::Unbounded => "unbounded".to_owned(),
            _ => match core.adapted() {
                Some(current) => format!("adaptive, now {current}"),
                None => core.live.strategy().name().to_owned(),
            },
        },
    }
}
