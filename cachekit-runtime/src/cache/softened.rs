//! Tags that are made stale for caches that [give](super::Builder::give_softened) what has them, and decide themselves for how long.

use super::{Cache, entry::Life};
use crate::{key::Key, outcome::Delivery, output::Value, scope, time::duration};
use std::{future::Future, hash::BuildHasher, time::Duration};

impl<K: Key, V: Value> Cache<K, V> {
    /// The value, if it is in memory and fresh beyond doubt; a look that finds nothing so is none, and not counted.
    #[doc(hidden)]
    pub fn get_at_once(&self, key: &K) -> Option<V> {
        if scope::is_special() {
            return None;
        }
        self.core.hit_or_nothing(self.fold.hash_one(key), |other| other == key)
    }

    /// As [`get_async`](Self::get_async), and says for how long the value has been stale because of a tag that was made so
    /// ([`invalidate_tag_soft`](crate::invalidate_tag_soft)); `None`: none was.
    ///
    /// Cancel-safe.
    pub async fn get_softened_async(&self, key: &K) -> Option<(V, Option<Duration>)> {
        // What is fresh beyond doubt has tags of now.
        if let Some(value) = self.get_at_once(key) {
            return Some((value, None));
        }
        if let Some(value) = self.get_near(key) {
            let cache = self.here();
            let now = cache.core.clock.now();
            let softened = |seen: crate::memory::Seen<'_, V, _>| (Life::of(&seen).softened_for(now), false);
            let stale_for = cache.core.table.get(cache.core.hash_one(key), |other| other == key, softened);
            return Some((value, softened_for(stale_for.unwrap_or_default())));
        }
        self.fetch_found(key).await.map(|found| (found.value, softened_for(found.stale_for)))
    }

    /// As [`invalidate_tag_soft_async`](crate::invalidate_tag_soft_async), by the clock of this cache, and also where its backends do not know of its tags yet, because it has
    /// stored nothing in this process.
    ///
    /// Begins with the call. Cancel-safe: dropped meanwhile, the tag is invalidated where it was not made stale yet.
    pub fn soften_tag_async(&self, tag: String) -> impl Future<Output = Delivery> + Send + use<K, V> {
        self.tell_of_tags();
        let (core, tag) = (self.here().into_owned().core, tag);
        core.tags.soften(&tag, core.clock.now());
        crate::far::soften_tag(&crate::far::with_tags(&core.tags), &tag)
    }

    /// How often tags were invalidated or made stale in this process: of two numbers that are equal, none was in between.
    #[must_use]
    #[doc(hidden)]
    pub fn tag_changes(&self) -> u64 {
        self.here().core.tags.changes()
    }

    /// Has the backends of this cache told of tags that are invalidated from now on, also if it stores nothing before. What captures tags, or stores with some, does so itself.
    #[doc(hidden)]
    pub fn tell_of_tags(&self) {
        let cache = self.here();
        if let Some(far) = cache.core.far() {
            cache.core.enlist_for_tags(&far);
        }
    }
}

/// Zero is none, so that what has just been made stale counts as one nanosecond.
fn softened_for(nanos: u64) -> Option<Duration> {
    nanos.checked_sub(1).map(duration)
}
