//! Values that are made by other means than a loader: what their tags were is captured before, and what was invalidated meanwhile is not stored.

use super::{Cache, far_tiers::names_of, store::Terms};
use crate::{far::Tagged, key::Key, outcome::Delivery, output::Value, tags::TagSet};
use std::time::Duration;

/// The tags of a value that is about to be made, with their versions of now; from [`Cache::capture`].
#[derive(Debug, Clone)]
#[must_use = "it is for `insert_captured`"]
pub struct Captured {
    near: Option<TagSet>,
    /// Of the tier whose versions count; `None`: they are not known, and nothing is stored.
    far: Option<Vec<Tagged>>,
}

impl Captured {
    /// Whether none of the tags was invalidated since, as far as this process knows.
    #[must_use]
    pub fn is_current(&self) -> bool {
        self.near.as_ref().is_none_or(TagSet::is_current)
    }
}

impl<K: Key, V: Value> Cache<K, V> {
    /// Captures tags before a value is made that is to be stored by [`insert_captured`](Self::insert_captured): for values that no loader gives, such as a
    /// stream that is stored once it has ended. At most 16 tags.
    ///
    /// Waits where a backend has to be asked for the versions, for at most the timeout of the cache. Cancel-safe.
    ///
    /// ```
    /// # use cachekit_runtime as cachekit;
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// use cachekit::{Cache, invalidate_tag};
    ///
    /// let pages: Cache<u64, String> = Cache::builder().build();
    /// let before = pages.capture(["page:1"]).await;
    /// let page = String::from("read from the source");
    /// invalidate_tag("page:1");
    /// assert_eq!(pages.insert_captured(1, page, &before).await, None);
    /// assert_eq!(pages.get(&1), None, "it was made before the invalidation");
    /// # });
    /// ```
    pub async fn capture<S: AsRef<str>>(&self, tags: impl IntoIterator<Item = S>) -> Captured {
        let cache = self.here().into_owned();
        let near = TagSet::capture(&cache.core.tags, tags);
        let far = match (&near, cache.core.far()) {
            (Some(_), Some(far)) => {
                cache.core.enlist_for_tags(&far);
                far.clone().capture(&names_of(near.as_ref())).await
            }
            _ => Some(Vec::new()),
        };
        Captured { near, far }
    }

    /// Stores a value with tags as they were captured before it was made. `None`: one of them was invalidated meanwhile, or nobody knows, and nothing is
    /// stored. What another process invalidated meanwhile may be stored, and is not found.
    ///
    /// Cancel-safe: dropped meanwhile, the value may be in some of the tiers and not in others.
    pub async fn insert_captured(&self, key: K, value: V, captured: &Captured) -> Option<Delivery> {
        let far_tags = captured.far.as_ref().filter(|_| captured.is_current())?;
        let cache = self.here().into_owned();
        let ttl = cache.core.inserted_ttl(&value, None);
        let far = cache.core.far_address(&key).map(|(far, address)| (far.clone(), address));
        let (delivery, tie) = match far {
            Some((far, address)) => {
                let mut insertion = cache.core.insertion(address, value.clone(), ttl, captured.near.as_ref());
                insertion.captured = Some(far_tags.clone());
                far.replace(insertion).await
            }
            None => (Delivery::Local, None),
        };
        cache.insert_near(key, value, Terms::new(ttl, captured.near.clone(), tie));
        Some(delivery)
    }
    /// Takes the right to make the value of a key anew, for so long: of all processes that share a backend one gets it, the others go on with what they have. For
    /// refreshes of values that no loader gives. `true` also where no backend is shared, or where it does not answer: then each process refreshes for itself.
    ///
    /// Waits for the backend, for at most the timeout of the cache. Dropped meanwhile, the right may be taken, and ends with its time.
    pub async fn lease(&self, key: &K, time: Duration) -> bool {
        let cache = self.here().into_owned();
        let Some((far, address)) = cache.core.far_address(key).map(|(far, address)| (far.clone(), address)) else {
            return true;
        };
        let budget = far.budget();
        !far.is_made_elsewhere(&address, time, &budget).await
    }
}
