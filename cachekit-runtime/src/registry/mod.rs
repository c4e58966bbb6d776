//! The named caches of this process, found by name and operated without their types: what metrics, configuration and an admin page are made of (feature
//! `registry`).
//!
//! A cache is in the registry from the moment it is built until its last handle is dropped: the cache of an annotated function from its first use on, or
//! from `cachekit::register!(user)`, or, with the feature `auto-register`, from the first question to the registry. Caches of the builder are in it if
//! they have a [name](crate::Builder::name).
//!
//! | name | cache |
//! |---|---|
//! | `app::user`, or what `name = "…"` says | of a function |
//! | `app::first‹u64›` | of one instance of a generic function; keys in backends are not changed by this |
//! | `sessions`, `sessions#2` | built by one line of code, several at a time: the smallest number that is free |
//!
//! What `auto-register` finds by itself is what has one cache, of which the compiler knows where it is. For the rest `register!` says it, or the first call:
//!
//! | | without a call |
//! |---|---|
//! | functions, nested ones too | by `auto-register` |
//! | methods in an impl block with `#[cache]` on it, which has no parameters | by `auto-register` |
//! | methods in a block without: what stands in it does not know of which type it is | put `#[cache]` on the block, or `register!(Repo::find)` |
//! | functions and blocks with type parameters: each instance has a cache of its own | `register!(first::<u64>, Shelf::<u16>::at)` |
//! | a method whose cache is found by a call alone, `cache = self.users` | register what is built, by its [name](crate::Builder::name) |
//!
//! Two lines of code that give one name are a mistake: the second cache works, but is not in the registry, and the [`Conflict`] names both places.
//!
//! ```
//! # use cachekit_runtime as cachekit;
//! use cachekit::{Cache, registry};
//! use std::time::Duration;
//!
//! let squares: Cache<u64, u64> = Cache::builder().name("squares").readable().build();
//! squares.get_or_compute(&12, || 144);
//!
//! let cache = registry::find("squares").ok_or("it is there")?;
//! assert_eq!(cache.stats().loads, 1);
//! cache.set_ttl(Some(Duration::from_secs(60)));
//! cache.set_strategy("lru")?;
//! cache.invalidate("12")?;
//! assert_eq!(squares.get(&12), None);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! All operations are of the caches that this thread sees: in a [scope](crate::testing::scope) those of the scope.

mod any_cache;
mod configuration;
mod entry;
mod error;
mod key;
mod managed;
mod names;
mod place;
mod read;
mod start;
mod strategies;
#[cfg(test)]
#[expect(unused_imports, reason = "of each pair of traits that `texts` imports one is in use")]
mod tests;
mod texts;
mod tiers;

pub use any_cache::{AnyCache, Operation};
pub use configuration::{Bound, Configuration, Source, Ttl};
pub use entry::{Cursor, Entries, Entry, Invalidated, Text, Values};
pub use error::{Conflict, OperationError};
pub use place::Place;
pub use strategies::add_strategy;
pub use tiers::TierState;

#[cfg(feature = "auto-register")]
#[doc(hidden)]
pub use start::AtStart;

pub(crate) use key::is_text;
pub(crate) use managed::enlist;
pub(crate) use names::Registered;
#[doc(hidden)]
pub use texts::{TextProbe, Texts, ViaNoText, ViaRead, ViaText, ViaUnread};
#[cfg(feature = "config")]
pub(crate) use {
    names::{find_slot, has_any, slots},
    strategies::{strategy_named, strategy_names},
};

use crate::{cache::Cache, key::Key, output::Value};
use std::sync::Arc;

/// The longest text of a value that [`AnyCache::entries`] and [`AnyCache::get`] give, in bytes; what is longer is cut.
pub const LONGEST_VALUE: usize = 64 * 1024;

/// All caches that are there, by name. They stay while what is returned is held.
#[must_use]
pub fn caches() -> Vec<Arc<dyn AnyCache>> {
    start::run();
    names::all()
}

/// The cache of that name, if it is there. `<` and `>` may stand for `‹` and `›`.
#[must_use]
pub fn find(name: &str) -> Option<Arc<dyn AnyCache>> {
    names::find(name).or_else(|| {
        start::run();
        names::find(name)
    })
}

/// The names that were given twice so far, one for each place that came second.
#[must_use]
pub fn conflicts() -> Vec<Conflict> {
    start::run();
    names::conflicts()
}

/// What `register!` calls.
#[doc(hidden)]
pub fn registered<K: Key, V: Value>(cache: &Cache<K, V>) -> Result<(), Conflict> {
    cache.conflict().map_or(Ok(()), Err)
}
