//! `get_or_refresh`: the read-through with loaders that own what they need, so that they can go on without their caller.

use super::{Cache, Look, look_traced, map::Borrowed};
use crate::{
    error::TimedOut,
    key::Key,
    outcome::Outcome,
    output::{Output, Plain, ResultOk, Share, Value},
};
use std::{borrow::Borrow, hash::Hash};

impl<K: Key, V: Value> Cache<K, V> {
    /// As [`get_or_compute`](Self::get_or_compute); a value that is due for a refresh is given at once, and `load` runs on cachekit's own pool.
    ///
    /// ```
    /// # use cachekit_runtime as cachekit;
    /// use cachekit::{Cache, flush, testing};
    /// use std::time::Duration;
    ///
    /// let scope = testing::scope();
    /// let day = Duration::from_secs(86_400);
    /// let rates: Cache<u32, u32> = Cache::builder().ttl(day).stale_while_revalidate(day).build();
    /// assert_eq!(rates.get_or_refresh(&1, || 10), 10);
    /// scope.advance(day);
    /// assert_eq!(rates.get_or_refresh(&1, || 11), 10, "stale, and refreshed meanwhile");
    /// flush().wait();
    /// assert_eq!(rates.get_or_refresh(&1, || 12), 11);
    /// ```
    pub fn get_or_refresh<Q>(&self, key: &Q, load: impl FnOnce() -> V + Send + 'static) -> V
    where
        K: Borrow<Q>,
        Q: ?Sized + Hash + Eq + ToOwned<Owned = K>,
    {
        self.get_or_refresh_traced(key, &mut Outcome::new(), load)
    }

    /// As [`get_or_refresh`](Self::get_or_refresh), and says how the call was answered.
    pub fn get_or_refresh_traced<Q>(&self, key: &Q, trace: &mut Outcome, load: impl FnOnce() -> V + Send + 'static) -> V
    where
        K: Borrow<Q>,
        Q: ?Sized + Hash + Eq + ToOwned<Owned = K>,
    {
        let output = Output::<V, Plain>::NEW;
        match confirmed(look_traced(self, &Borrowed::new(key), trace), trace) {
            Look::Hit(value) => value,
            Look::Stale(stale) => {
                let (value, refresh) = stale.claim();
                if let Some(refresh) = refresh {
                    refresh.spawn(output, load);
                }
                value
            }
            Look::Miss(miss) => miss.run(output, Share::CLONE, trace, load),
        }
    }

    /// As [`get_or_refresh`](Self::get_or_refresh) for a loader that can fail; an `Err` goes to all who wait.
    ///
    /// # Errors
    /// Those of `load`.
    pub fn try_get_or_refresh<Q, E: Value>(
        &self,
        key: &Q,
        load: impl FnOnce() -> Result<V, E> + Send + 'static,
    ) -> Result<V, E>
    where
        K: Borrow<Q>,
        Q: ?Sized + Hash + Eq + ToOwned<Owned = K>,
    {
        let (output, trace) = (Output::<Result<V, E>, ResultOk>::NEW, &mut Outcome::new());
        match confirmed(look_traced(self, &Borrowed::new(key), trace), trace) {
            Look::Hit(value) => Ok(value),
            Look::Stale(stale) => {
                let (value, refresh) = stale.claim();
                if let Some(refresh) = refresh {
                    refresh.spawn(output, load);
                }
                Ok(value)
            }
            Look::Miss(miss) => miss.run(output, Share::CLONE, trace, load),
        }
    }

    /// The async form of [`get_or_refresh`](Self::get_or_refresh): refreshes run in tasks of the caller's tokio runtime, without one on cachekit's
    /// own pool. Observes the soft load timeout.
    ///
    /// Cancel-safe: a dropped call hands its load over to another caller that waits; a refresh goes on.
    pub async fn get_or_refresh_async<Q, Fut>(&self, key: &Q, load: impl FnOnce() -> Fut + Send + 'static) -> V
    where
        K: Borrow<Q>,
        Q: ?Sized + Hash + Eq + ToOwned<Owned = K>,
        Fut: Future<Output = V> + Send + 'static,
    {
        let (output, trace) = (Output::<V, Plain>::NEW, &mut Outcome::new());
        let looked = look_traced(self, &Borrowed::new(key), trace);
        let looked = match looked {
            Look::Miss(miss) => miss.confirmed_async(trace).await,
            looked => looked,
        };
        match looked {
            Look::Hit(value) => value,
            Look::Stale(stale) => {
                let (value, refresh) = stale.claim();
                if let Some(refresh) = refresh {
                    refresh.spawn_async(output, load);
                }
                value
            }
            Look::Miss(miss) => miss.run_detachable(output, Share::CLONE, trace, load).await,
        }
    }

    /// The async form of [`try_get_or_refresh`](Self::try_get_or_refresh). Observes both load timeouts.
    ///
    /// Cancel-safe: a dropped call hands its load over to another caller that waits; a refresh goes on.
    ///
    /// # Errors
    /// Those of `load`, and [`Error::LoadTimeout`](crate::Error::LoadTimeout) after the hard load timeout.
    pub async fn try_get_or_refresh_async<Q, E, Fut>(
        &self,
        key: &Q,
        load: impl FnOnce() -> Fut + Send + 'static,
    ) -> Result<V, E>
    where
        K: Borrow<Q>,
        Q: ?Sized + Hash + Eq + ToOwned<Owned = K>,
        E: Value,
        Result<V, E>: TimedOut,
        Fut: Future<Output = Result<V, E>> + Send + 'static,
    {
        let (output, trace) = (Output::<Result<V, E>, ResultOk>::NEW, &mut Outcome::new());
        let looked = look_traced(self, &Borrowed::new(key), trace);
        let looked = match looked {
            Look::Miss(miss) => miss.confirmed_async(trace).await,
            looked => looked,
        };
        match looked {
            Look::Hit(value) => Ok(value),
            Look::Stale(stale) => {
                let (value, refresh) = stale.claim();
                if let Some(refresh) = refresh {
                    refresh.spawn_async(output, load);
                }
                Ok(value)
            }
            Look::Miss(miss) => miss.run_detachable_timed(output, Share::CLONE, trace, load).await,
        }
    }
}

/// With what the far tiers have, where that may be stale.
fn confirmed<K: Key, V: Value>(look: Look<K, V>, trace: &mut Outcome) -> Look<K, V> {
    match look {
        Look::Miss(miss) => miss.confirmed(trace),
        look => look,
    }
}
