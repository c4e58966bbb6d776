//! One read-through call by hand, with what only this call says.

use super::{Cache, Look, Miss, count_bypass, look, look_traced, map::Borrowed};
use crate::{
    error::Error,
    key::Key,
    outcome::Outcome,
    output::{Output, OutputKind, Plain, ResultOk, Share, Value},
};
use std::{borrow::Borrow, hash::Hash};

/// A call of a cache by hand: made by [`Cache::call`], answered by what it is given to compute.
///
/// ```
/// # use cachekit_runtime as cachekit;
/// use cachekit::{Cache, Outcome, OutcomeKind, invalidate_tag};
///
/// let names: Cache<u32, String> = Cache::builder().build();
/// let team = String::from("team:7");
/// let mut outcome = Outcome::new();
/// let name = names.call(&1).tags([&team]).traced(&mut outcome).get_or_compute(|| "Ada".to_owned());
/// assert_eq!((name.as_str(), outcome.kind), ("Ada", OutcomeKind::Miss));
/// invalidate_tag(&team);
/// assert_eq!(names.get(&1), None);
/// ```
#[must_use = "a call does nothing until it is given what to compute"]
pub struct Call<'a, K, V, Q: ?Sized> {
    cache: &'a Cache<K, V>,
    key: &'a Q,
    is_bypassed: bool,
    tags: Option<Vec<String>>,
    trace: Option<&'a mut Outcome>,
}

impl<K: Key, V: Value> Cache<K, V> {
    /// A call for a key, of which more is to be said than what to compute.
    #[inline]
    pub fn call<'a, Q>(&'a self, key: &'a Q) -> Call<'a, K, V, Q>
    where
        K: Borrow<Q>,
        Q: ?Sized + Hash + Eq + ToOwned<Owned = K>,
    {
        Call { cache: self, key, is_bypassed: false, tags: None, trace: None }
    }
}

/// How a call goes on after it looked.
enum Next<K, V> {
    Found(V),
    Load(Miss<K, V>),
    /// Past the cache.
    Compute,
}

impl<'a, K, V, Q> Call<'a, K, V, Q>
where
    K: Key + Borrow<Q>,
    V: Value,
    Q: ?Sized + Hash + Eq + ToOwned<Owned = K>,
{
    /// Sends this call past the cache where `is_bypassed`: it computes, and stores nothing. Counted as a bypass.
    pub fn bypass_if(self, is_bypassed: bool) -> Self {
        Call { is_bypassed, ..self }
    }

    /// Tags the value if this call loads it, beside what [`Builder::tags_with`](crate::Builder::tags_with) says; at most 16 in all, with more it is not kept. Their versions are those of
    /// before the load: what is invalidated from then on makes the value unfit.
    pub fn tags<T: Into<String>>(self, tags: impl IntoIterator<Item = T>) -> Self {
        Call { tags: Some(tags.into_iter().map(Into::into).collect()), ..self }
    }

    /// Says in `outcome` how the call was answered.
    pub fn traced(self, outcome: &'a mut Outcome) -> Self {
        Call { trace: Some(outcome), ..self }
    }

    /// The value, or what `load` gives: as [`Cache::get_or_compute`].
    #[inline]
    pub fn get_or_compute(self, load: impl FnOnce() -> V) -> V {
        self.run(Output::<V, Plain>::NEW, Share::CLONE, load)
    }

    /// As [`Cache::try_get_or_compute`]: an `Err` goes to this caller alone.
    ///
    /// # Errors
    /// Those of `load`.
    #[inline]
    pub fn try_get_or_compute<E>(self, load: impl FnOnce() -> Result<V, E>) -> Result<V, E> {
        self.run(Output::<Result<V, E>, ResultOk>::NEW, Share::NOTHING, load)
    }

    /// As [`Cache::try_get_or_compute_shared`]: an `Err` goes to all who wait.
    ///
    /// # Errors
    /// Those of `load`.
    #[inline]
    pub fn try_get_or_compute_shared<E: Value>(self, load: impl FnOnce() -> Result<V, E>) -> Result<V, E> {
        self.run(Output::<Result<V, E>, ResultOk>::NEW, Share::CLONE, load)
    }

    /// As [`try_get_or_compute`](Self::try_get_or_compute), and a backend that fails is an error of the call instead of a reason to compute: what
    /// `on_backend_error = "fail"` says in the attribute.
    ///
    /// # Errors
    /// Those of `load`, and [`Error::Backend`](crate::Error) where a backend fails.
    #[inline]
    pub fn try_get_or_compute_strict<E: From<Error>>(self, load: impl FnOnce() -> Result<V, E>) -> Result<V, E> {
        self.run(Output::<Result<V, E>, ResultOk>::NEW, Share::NOTHING.or_fail(), load)
    }

    /// As [`Cache::get_or_compute_async`].
    ///
    /// Cancel-safe: a dropped call hands its load over to another caller that waits.
    #[inline]
    pub async fn get_or_compute_async<Fut: Future<Output = V>>(self, load: impl FnOnce() -> Fut) -> V {
        self.run_async(Output::<V, Plain>::NEW, Share::CLONE, load).await
    }

    /// The async form of [`try_get_or_compute`](Self::try_get_or_compute).
    ///
    /// Cancel-safe: a dropped call hands its load over to another caller that waits.
    ///
    /// # Errors
    /// Those of `load`.
    #[inline]
    pub async fn try_get_or_compute_async<E, Fut>(self, load: impl FnOnce() -> Fut) -> Result<V, E>
    where
        Fut: Future<Output = Result<V, E>>,
    {
        self.run_async(Output::<Result<V, E>, ResultOk>::NEW, Share::NOTHING, load).await
    }

    /// The async form of [`try_get_or_compute_shared`](Self::try_get_or_compute_shared).
    ///
    /// Cancel-safe: a dropped call hands its load over to another caller that waits.
    ///
    /// # Errors
    /// Those of `load`.
    #[inline]
    pub async fn try_get_or_compute_shared_async<E: Value, Fut>(self, load: impl FnOnce() -> Fut) -> Result<V, E>
    where
        Fut: Future<Output = Result<V, E>>,
    {
        self.run_async(Output::<Result<V, E>, ResultOk>::NEW, Share::CLONE, load).await
    }

    /// The async form of [`try_get_or_compute_strict`](Self::try_get_or_compute_strict).
    ///
    /// Cancel-safe: a dropped call hands its load over to another caller that waits.
    ///
    /// # Errors
    /// Those of `load`, and [`Error::Backend`](crate::Error) where a backend fails.
    #[inline]
    pub async fn try_get_or_compute_strict_async<E: From<Error>, Fut>(self, load: impl FnOnce() -> Fut) -> Result<V, E>
    where
        Fut: Future<Output = Result<V, E>>,
    {
        self.run_async(Output::<Result<V, E>, ResultOk>::NEW, Share::NOTHING.or_fail(), load).await
    }

    #[inline]
    fn run<R, M>(mut self, output: Output<R, M>, share: Share<R>, load: impl FnOnce() -> R) -> R
    where
        M: OutputKind<R, Stored = V>,
    {
        match self.next() {
            Next::Found(value) => output.wrap(value),
            Next::Load(miss) => miss.run(output, share, self.trace.unwrap_or(&mut Outcome::new()), load),
            Next::Compute => load(),
        }
    }

    #[inline]
    async fn run_async<R, M, Fut>(mut self, output: Output<R, M>, share: Share<R>, load: impl FnOnce() -> Fut) -> R
    where
        M: OutputKind<R, Stored = V>,
        Fut: Future<Output = R>,
    {
        match self.next_async().await {
            Next::Found(value) => output.wrap(value),
            Next::Load(miss) => miss.run_async(output, share, self.trace.unwrap_or(&mut Outcome::new()), load).await,
            Next::Compute => load().await,
        }
    }

    #[inline]
    fn next(&mut self) -> Next<K, V> {
        match self.look() {
            Some(Look::Miss(miss)) => {
                let found = self.tagged(miss).confirmed(self.trace.as_deref_mut().unwrap_or(&mut Outcome::new()));
                self.claimed(found)
            }
            Some(found) => self.claimed(found),
            None => Next::Compute,
        }
    }

    #[inline]
    async fn next_async(&mut self) -> Next<K, V> {
        match self.look() {
            Some(Look::Miss(miss)) => {
                let miss = self.tagged(miss);
                #[cfg(feature = "backend")]
                let miss = match miss.alone(self.trace.as_deref_mut().unwrap_or(&mut Outcome::new())).await {
                    Ok(value) => return Next::Found(value),
                    Err(miss) => miss,
                };
                let found = miss.confirmed_async(self.trace.as_deref_mut().unwrap_or(&mut Outcome::new())).await;
                self.claimed(found)
            }
            Some(found) => self.claimed(found),
            None => Next::Compute,
        }
    }

    /// `None`: it goes past the cache.
    #[inline]
    fn look(&mut self) -> Option<Look<K, V>> {
        if self.is_bypassed {
            count_bypass(self.cache, self.trace.as_deref_mut().unwrap_or(&mut Outcome::new()));
            return None;
        }
        let parts = Borrowed::new(self.key);
        Some(match &mut self.trace {
            None => look(self.cache, &parts),
            Some(trace) => look_traced(self.cache, &parts, trace),
        })
    }

    #[inline]
    fn claimed(&self, found: Look<K, V>) -> Next<K, V> {
        match found {
            Look::Hit(value) => Next::Found(value),
            Look::Stale(stale) => match stale.claim_inline() {
                Ok(value) => Next::Found(value),
                Err(miss) => Next::Load(self.tagged(miss)),
            },
            // Tagged before the tiers were asked.
            Look::Miss(miss) => Next::Load(miss),
        }
    }

    fn tagged(&self, miss: Miss<K, V>) -> Miss<K, V> {
        match &self.tags {
            None => miss,
            Some(tags) => miss.tags(tags.iter().cloned()),
        }
    }
}
