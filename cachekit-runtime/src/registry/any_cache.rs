//! A cache without its types.

use super::{Configuration, Cursor, Entries, Entry, Invalidated, OperationError, Place, TierState, Values};
use crate::{
    Error,
    adaptive::AdaptiveStats,
    cache::{Explain, Setting},
    outcome::{Delivery, Tier},
    policy::UnknownStrategy,
    scope::DryRunReport,
    stats::Stats,
};
use std::{future::Future, pin::Pin, time::Duration};

/// An operation that waits for backends. Begins when it is first polled; cancel-safe, as the operation of [`Cache`](crate::Cache) that it stands for.
pub type Operation<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A cache of the registry. Changes hold for this process, until it ends.
///
/// Keys are given as [`Entry::key`] has them: `42`, `"Ann"`, `42,"Ann"` for two arguments, or `#` and the hash of an entry that is in memory.
///
/// What waits for backends has two forms: one blocks the thread, for at most the timeout of the cache unless it says something else; the other is for
/// async code.
pub trait AnyCache: Send + Sync {
    /// Under which it is found.
    fn name(&self) -> &str;

    /// Where it is built.
    fn place(&self) -> Place;

    /// Which of all caches of this process it is: one that takes the name of one that is gone has another number.
    fn number(&self) -> u64;

    /// The name of the type of its keys.
    fn key_type(&self) -> &'static str;

    /// The name of the type of its values.
    fn value_type(&self) -> &'static str;

    /// What has happened so far.
    fn stats(&self) -> Stats;

    /// What an adaptive cache has seen and decided; `None` for others.
    fn adaptive_stats(&self) -> Option<AdaptiveStats>;

    /// Loads under way that later callers would join.
    fn loads_in_flight(&self) -> usize;

    /// What is in force.
    fn configuration(&self) -> Configuration;

    /// Its places, nearest first. Opens no backend that no call has needed yet.
    fn tiers(&self) -> Vec<TierState>;

    /// As [`Cache::set_ttl`](crate::Cache::set_ttl).
    fn set_ttl(&self, ttl: Option<Duration>);

    /// As [`Cache::set_capacity`](crate::Cache::set_capacity): entries, or bytes where it is bounded by weight.
    fn set_capacity(&self, most: u64);

    /// As [`Cache::set_strategy`](crate::Cache::set_strategy), by name: one of the crate's, or one that was [added](super::add_strategy).
    ///
    /// # Errors
    /// There is none of that name.
    fn set_strategy(&self, name: &str) -> Result<(), UnknownStrategy>;

    /// As [`Cache::set_enabled`](crate::Cache::set_enabled).
    fn set_enabled(&self, enabled: bool);

    /// As [`Cache::set_idle`](crate::Cache::set_idle).
    fn set_idle(&self, idle: Option<Duration>);

    /// As [`Cache::set_stale_while_revalidate`](crate::Cache::set_stale_while_revalidate).
    fn set_stale_while_revalidate(&self, time: Duration);

    /// As [`Cache::set_stale_if_error`](crate::Cache::set_stale_if_error).
    fn set_stale_if_error(&self, time: Duration);

    /// As [`Cache::set_timeout`](crate::Cache::set_timeout).
    fn set_timeout(&self, timeout: Duration);

    /// As [`Cache::set_soft_load_timeout`](crate::Cache::set_soft_load_timeout): see [`Configuration::has_soft_load_timeout`].
    fn set_soft_load_timeout(&self, time: Option<Duration>);

    /// As [`Cache::set_hard_load_timeout`](crate::Cache::set_hard_load_timeout): see [`Configuration::has_hard_load_timeout`].
    fn set_hard_load_timeout(&self, time: Option<Duration>);

    /// As [`Cache::set_dry_run`](crate::Cache::set_dry_run).
    fn set_dry_run(&self, on: bool);

    /// As [`Cache::dry_run_report`](crate::Cache::dry_run_report).
    fn dry_run_report(&self) -> DryRunReport;

    /// As [`Cache::set_tier`](crate::Cache::set_tier).
    ///
    /// # Errors
    /// It has no such tier, or no other one.
    fn set_tier(&self, tier: Tier, used: bool) -> Result<(), Error>;

    /// As [`Cache::take_back`](crate::Cache::take_back): what is in force of the setting is again what the configuration says, or the code.
    fn take_back(&self, setting: Setting);

    /// As [`Cache::start_advice`](crate::Cache::start_advice).
    #[cfg(feature = "advice")]
    fn start_advice(&self);

    /// As [`Cache::start_thorough_advice`](crate::Cache::start_thorough_advice).
    #[cfg(feature = "advice")]
    fn start_thorough_advice(&self);

    /// As [`Cache::stop_advice`](crate::Cache::stop_advice).
    #[cfg(feature = "advice")]
    fn stop_advice(&self);

    /// Whether advice has been started, and not stopped.
    #[cfg(feature = "advice")]
    fn is_advised(&self) -> bool;

    /// As [`Cache::advice`](crate::Cache::advice).
    #[cfg(feature = "advice")]
    fn advice(&self) -> Option<crate::advice::Advice>;

    /// As [`Cache::start_top_keys`](crate::Cache::start_top_keys).
    #[cfg(feature = "advice")]
    fn start_top_keys(&self);

    /// As [`Cache::stop_top_keys`](crate::Cache::stop_top_keys).
    #[cfg(feature = "advice")]
    fn stop_top_keys(&self);

    /// Whether the keys are counted that are looked for.
    #[cfg(feature = "advice")]
    fn counts_keys(&self) -> bool;

    /// As [`Cache::top_keys`](crate::Cache::top_keys), the keys as operations take them.
    #[cfg(feature = "advice")]
    fn top_keys(&self, most: usize) -> Option<crate::advice::TopKeys<String>>;

    /// At least `at_most` of the entries in memory, from the start without a cursor, else on from [`Entries::next`]; fewer only at the end, and more where
    /// keys have the same hash. What is there from the first page to the last comes once.
    ///
    /// Counts as no use. Looks at each entry in memory, a shard at a time: some ten milliseconds for a million.
    fn entries(&self, from: Option<Cursor>, at_most: usize, values: Values) -> Entries;

    /// What any tier has of the key, nearest first. Counts as no use, and copies nothing from tier to tier.
    ///
    /// # Errors
    /// What was given is no key.
    fn get(&self, key: &str) -> Result<Option<Entry>, OperationError>;

    /// As [`get`](Self::get).
    fn get_async(&self, key: &str) -> Operation<Result<Option<Entry>, OperationError>>;

    /// As [`Cache::explain`](crate::Cache::explain).
    ///
    /// # Errors
    /// What was given is no key.
    fn explain(&self, key: &str) -> Result<Explain, OperationError>;

    /// As [`explain`](Self::explain).
    fn explain_async(&self, key: &str) -> Operation<Result<Explain, OperationError>>;

    /// As [`Cache::invalidate`](crate::Cache::invalidate).
    ///
    /// # Errors
    /// What was given is no key.
    fn invalidate(&self, key: &str) -> Result<Delivery, OperationError>;

    /// As [`invalidate`](Self::invalidate).
    fn invalidate_async(&self, key: &str) -> Operation<Result<Delivery, OperationError>>;

    /// Invalidates the entries whose text begins so, in memory and in backends: `"42,` is every second argument of `42`. Loads under way are not stored.
    ///
    /// Walks through all that the backends hold of the cache, page by page, and may block for as long. What others store meanwhile may stay.
    ///
    /// # Errors
    /// Keys have no text, or a backend did not answer; then what was found before is invalidated.
    fn invalidate_prefix(&self, prefix: &str) -> Result<Invalidated, OperationError>;

    /// As [`invalidate_prefix`](Self::invalidate_prefix).
    fn invalidate_prefix_async(&self, prefix: &str) -> Operation<Result<Invalidated, OperationError>>;

    /// As [`Cache::clear`](crate::Cache::clear).
    fn clear(&self) -> Delivery;

    /// As [`clear`](Self::clear).
    fn clear_async(&self) -> Operation<Delivery>;
}
