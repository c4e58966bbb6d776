//! The builder's part about backends of bytes.

use super::Builder;
use crate::{
    codec::{Codec, DynCodec, Json, erase},
    far::Place,
    identity::text::KeyText,
};
use serde::{Serialize, de::DeserializeOwned};
use std::{sync::Arc, time::Duration};

impl<K, V> Builder<K, V> {
    /// Where the entries are, nearest first: in the typed memory of this process, in backends of bytes, or in both. Default: memory alone.
    ///
    /// Values are written as JSON, unless [`codec`](Self::codec) is called after this. The nearest place that has an entry answers, and the ones before
    /// it get it too. The typed memory comes first wherever it is named.
    ///
    /// ```
    /// # use cachekit_runtime as cachekit;
    /// use cachekit::{Cache, Place, backend::MemoryBytes};
    ///
    /// let bytes = std::sync::Arc::new(MemoryBytes::new());
    /// let squares: Cache<u64, u64> =
    ///     Cache::builder().name("squares").backends([Place::memory(), Place::own(bytes.clone())]).build();
    /// assert_eq!(squares.get_or_compute(&12, || 144), 144);
    /// cachekit::flush().wait();
    ///
    /// let restarted: Cache<u64, u64> = Cache::builder().name("squares").backends([Place::own(bytes)]).build();
    /// assert_eq!(restarted.get_or_compute(&12, || unreachable!()), 144);
    /// ```
    pub fn backends(self, places: impl IntoIterator<Item = Place>) -> Self
    where
        K: Serialize,
        V: Serialize + DeserializeOwned + 'static,
    {
        self.stored(places, erase::<V, _>(Json))
    }

    /// As [`backends`](Self::backends), with the codec behind a pointer.
    #[doc(hidden)]
    pub fn stored(mut self, places: impl IntoIterator<Item = Place>, codec: Arc<dyn DynCodec<V>>) -> Self
    where
        K: Serialize,
    {
        let far = &mut self.settings.far;
        far.put(places);
        far.codec = Some(codec);
        far.text_of = Some(|key| KeyText::of(key));
        self
    }

    /// How values are written in backends of bytes.
    pub fn codec(mut self, codec: impl Codec<V>) -> Self
    where
        V: 'static,
    {
        self.settings.far.codec = Some(erase(codec));
        self
    }

    /// Compresses entries above 1 KiB, where that makes them smaller (feature `lz4`).
    #[cfg(feature = "lz4")]
    pub fn compress(mut self) -> Self {
        self.settings.far.compress = true;
        self
    }

    /// How long an entry is good in the memory of this process, where a backend of bytes is behind it; never longer than its ttl. Default: the
    /// ttl.
    pub fn near_ttl(mut self, ttl: Duration) -> Self {
        self.settings.far.near_ttl = Some(Arc::new(move |_| Some(ttl)));
        self
    }

    /// As [`near_ttl`](Self::near_ttl), by value.
    pub fn near_ttl_with(mut self, ttl: impl Fn(&V) -> Duration + Send + Sync + 'static) -> Self {
        self.settings.far.near_ttl = Some(Arc::new(move |value| Some(ttl(value))));
        self
    }

    /// How long all waits of one call for backends of bytes take together. Default: 250 ms.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.settings.far.timeout = timeout;
        self
    }

    /// One process at a time fills a missing entry, under a lock of that lease, which is prolonged while it computes; the others wait for what it stores,
    /// for at most one lease of one holder and two of all holders together, and then compute beside it. For backends that processes share.
    pub fn lock(mut self, lease: Duration) -> Self {
        self.settings.far.lock = Some(lease);
        self
    }

    /// How long the memory of this process goes on to give what it has of a shared backend after that was heard last, while it does not answer. Others may
    /// have invalidated it meanwhile. Default: as the configuration says, else not at all: a call computes.
    pub fn near_outage(mut self, outage: Duration) -> Self {
        self.settings.far.near_outage = Some(outage);
        self
    }

    /// What the attribute says of the tags: entries of other templates are others.
    #[doc(hidden)]
    pub fn tag_templates(mut self, templates: &'static [&'static str]) -> Self {
        self.settings.far.tag_templates = templates;
        self
    }
}
