//! What the cache thinks of one key.

#[cfg(feature = "backend")]
use super::far_tiers::Peek;
use super::{Cache, entry::Worth, map::Borrowed};
#[cfg(feature = "backend")]
use crate::{
    far::{Far, Found},
    tags::TagSet,
    time::{NEVER, duration},
};
use crate::{
    key::{Key, Parts},
    memory::Bound,
    outcome::Tier,
    output::Value,
    policy::Standing,
    scope,
};
use std::{borrow::Borrow, fmt, hash::Hash, time::Duration};
#[cfg(feature = "backend")]
use std::{future::Future, pin::Pin, sync::Arc};

/// What a call for one key would meet now. Changes nothing and counts as no use.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Explain {
    /// Name of the cache.
    pub cache: String,
    /// Why a call would compute whatever is there; `None`: it would not.
    pub bypassed: Option<Bypassed>,
    /// What is there: in memory, or where that does not answer in the first tier that has something.
    pub state: State,
    /// The tier that has it; `None`: none.
    pub tier: Option<Tier>,
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

/// Why a call computes although there may be a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Bypassed {
    /// The cache is switched off, all caches are (`CACHEKIT_DISABLED`), or a test has switched them off.
    Disabled,
    /// A dry run: what is there is compared with what the call computes.
    DryRun,
}

/// Where the backends of a cache have the entry of a key, if they have it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FarPlaces {
    /// The names of the backends, nearest first; empty: none, or none that can be used.
    pub backends: Vec<String>,
    /// Those of them that calls do not ask now, because their breaker is open.
    pub not_asked: Vec<String>,
    /// They were asked for the entry, because memory does not answer. One whose breaker is open has said nothing; neither has a file store before a tier that
    /// processes share, which a call would ask whether that is still true. What they keep past its ttl counts as absent here.
    pub are_asked: bool,
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

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            State::Fresh => "a fresh value",
            State::RefreshDue => "a fresh value that is due for a refresh",
            State::Stale => "a stale value",
            State::Expired => "an expired value",
            State::Invalidated => "an invalidated value",
            State::Unsure => "a copy that others may have changed",
            State::Absent => "nothing",
        })
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
            State::Absent if self.far.backends.is_empty() || self.far.are_asked => "absent: a call would load",
            State::Absent => "not in memory: a call would ask the backends, and load what they do not have",
        };
        match self.bypassed {
            None => write!(f, "{}: {state}", self.cache)?,
            Some(Bypassed::Disabled) => {
                write!(f, "{}: switched off: a call would compute; there is {}", self.cache, self.state)?
            }
            Some(Bypassed::DryRun) => {
                write!(f, "{}: a dry run: a call would compute, and compare what is there: {}", self.cache, self.state)?
            }
        }
        if let Some(tier) = self.tier.filter(|tier| *tier != Tier::Memory) {
            write!(f, ", in the tier {}", tier.word())?;
        }
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
        if !self.far.not_asked.is_empty() {
            write!(f, "; {} not asked now: the breaker is open", self.far.not_asked.join(" and "))?;
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
    /// What the cache knows of a key: what a call would meet now. Where memory does not answer, the backends are asked, as a call would ask them; so it may block for as long as
    /// [`get`](Self::get). Changes nothing and counts as no use.
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

    /// As [`explain`](Self::explain), without blocking.
    ///
    /// Cancel-safe: it changes nothing.
    #[cfg(feature = "backend")]
    pub fn explain_async<Q>(&self, key: &Q) -> impl Future<Output = Explain> + Send + use<K, V, Q>
    where
        K: Borrow<Q>,
        Q: ?Sized + Hash + Eq + ToOwned<Owned = K>,
    {
        explain_async(self, &Borrowed::new(key))
    }

    /// As [`explain`](Self::explain), of a whole key.
    #[cfg(feature = "registry")]
    pub(crate) fn explain_key(&self, key: &K) -> Explain {
        explain(self, &Borrowed::<K, K>::new(key))
    }

    /// As [`explain_async`](Self::explain_async), of a whole key.
    #[cfg(feature = "registry")]
    pub(crate) fn explain_key_async(&self, key: &K) -> Explaining {
        explain_async(self, &Borrowed::<K, K>::new(key))
    }

    /// The way to what the backends have of a key that memory does not answer for.
    #[cfg(feature = "backend")]
    fn beyond(&self, near: &Explain, key: Option<K>) -> Option<(Arc<Far<V>>, Peek<V>)> {
        let core = &self.here().core;
        let is_answered = matches!(near.state, State::Fresh | State::RefreshDue | State::Stale);
        let key = key.filter(|_| !is_answered && core.settings.far.is_far())?;
        core.inspect_far(core.hash_one(&key), &key)
    }
}

/// An explanation for which backends are asked.
#[cfg(feature = "backend")]
pub(crate) type Explaining = Pin<Box<dyn Future<Output = Explain> + Send>>;

#[cfg(feature = "backend")]
impl Explain {
    /// With what a tier behind the memory has; they were asked.
    fn or_in<V>(mut self, found: Option<Found<V>>) -> Self {
        self.far.are_asked = true;
        if let Some(found) = found {
            self.state = if found.is_stale() { State::Stale } else { State::Fresh };
            self.tier = Some(found.tier);
            self.age = Some(found.age);
            self.ttl_left = (found.left != NEVER).then(|| duration(found.left));
            self.tags = self.tags.max(found.tags.as_ref().map_or(0, TagSet::len));
        }
        self
    }
}

pub(crate) fn explain<P: Parts, V: Value>(cache: &Cache<P::Key, V>, parts: &P) -> Explain
where
    P::Key: Key,
{
    let near = explain_near(cache, parts);
    #[cfg(feature = "backend")]
    if let Some((far, looking)) = cache.beyond(&near, parts.to_key())
        && let Some(found) = far.wait(looking)
    {
        return near.or_in(found.map(|(found, _)| found));
    }
    near
}

#[cfg(feature = "backend")]
pub(crate) fn explain_async<P: Parts, V: Value>(cache: &Cache<P::Key, V>, parts: &P) -> Explaining
where
    P::Key: Key,
{
    let near = explain_near(cache, parts);
    let beyond = cache.beyond(&near, parts.to_key());
    Box::pin(async move {
        match beyond {
            Some((_, looking)) => near.or_in(looking.await.map(|(found, _)| found)),
            None => near,
        }
    })
}

/// What memory says.
fn explain_near<P: Parts, V: Value>(cache: &Cache<P::Key, V>, parts: &P) -> Explain
where
    P::Key: Key,
{
    let is_off = scope::is_off(cache);
    let is_dry = scope::is_dry_run(cache);
    let cache = cache.here();
    let core = &cache.core;
    let hash = core.hash(parts);
    let bypassed = match () {
        () if is_off || !core.live.is_enabled() => Some(Bypassed::Disabled),
        () if is_dry || core.live.is_dry_run() => Some(Bypassed::DryRun),
        () => None,
    };
    let is_key = |key: &P::Key| parts.matches_key(key);
    let seen = core.inspect(hash, is_key);
    Explain {
        cache: core.settings.name.clone().into_owned(),
        bypassed,
        tier: seen.as_ref().map(|_| Tier::Memory),
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
