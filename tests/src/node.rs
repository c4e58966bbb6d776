//! A node of several: memory in front of a Redis, over values that change elsewhere.

use crate::waiting::comes_true;
use cachekit_runtime::{Builder, Cache, Place, backend::redis::RedisBackend};
use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// The value of a key is what its source was when it was loaded.
pub struct Node {
    /// Of ten minutes.
    pub cache: Cache<u64, u64>,
}

impl Node {
    /// Nodes of one name have one cache between them.
    #[must_use]
    pub fn new(name: &'static str, redis: RedisBackend) -> Self {
        Node::with(name, redis, |builder| builder)
    }

    /// As [`new`](Self::new), with further settings.
    #[must_use]
    pub fn with(
        name: &'static str,
        redis: RedisBackend,
        set: impl FnOnce(Builder<u64, u64>) -> Builder<u64, u64>,
    ) -> Self {
        let places = [Place::memory(), Place::own(redis)];
        let builder = Cache::builder().name(name).ttl(Duration::from_secs(600)).backends(places);
        Node { cache: set(builder).build() }
    }

    /// A cached call.
    pub async fn call(&self, key: u64, source: &AtomicU64) -> u64 {
        self.cache.get_or_compute_async(&key, || async { source.load(Ordering::SeqCst) }).await
    }

    /// Calls until calls are hits in memory, which is when it hears of what others change.
    pub async fn hears(&self, key: u64, source: &AtomicU64) {
        comes_true("hits in memory", || async {
            let before = self.cache.stats().hits;
            self.call(key, source).await;
            self.cache.stats().hits > before
        })
        .await;
    }
}
