//! Nodes: caches with backends of their own over one Redis, as in several processes.

use cachekit_runtime::{
    Builder, Cache, Delivery, Place,
    backend::redis::{RedisBackend, Settings},
};
use std::{
    future::Future,
    sync::{LazyLock, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::runtime::Runtime;

/// How long all waits of one call for its backends may take together.
pub(crate) const TIMEOUT: Duration = Duration::from_millis(150);

/// As long, with a margin of four for a machine that does other things too.
pub(crate) const IN_TIME: Duration = TIMEOUT.saturating_mul(4);

/// How long a node may take to use its backend again. Only a failing test waits so long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Where async nodes run.
pub(crate) static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
});

/// What a tag's invalidation comes to depends on every backend of the process that has tags, those of other tests too: who has one that refuses, and who says
/// what comes of it, take turns.
pub(crate) fn turn_of_tags() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn redis(port: u16) -> RedisBackend {
    redis_at(&format!("redis://127.0.0.1:{port}"))
}

pub(crate) fn redis_at(url: &str) -> RedisBackend {
    Settings::new(url).connect_timeout(2 * TIMEOUT).response_timeout(TIMEOUT).open().expect("settings")
}

/// A cache of that name over a backend of its own, with typed memory in front of it if it is `near`.
pub(crate) fn node(name: &'static str, port: u16, near: bool) -> Cache<u64, String> {
    places(Cache::builder().name(name), port, near).build()
}

/// As [`node`], for what is not about time: it waits for a machine that is busy, where others go on without their backend.
pub(crate) fn patient(name: &'static str, port: u16, near: bool) -> Cache<u64, String> {
    let backend =
        Settings::new(format!("redis://127.0.0.1:{port}")).connect_timeout(PATIENCE).response_timeout(PATIENCE);
    let mut places = vec![Place::own(backend.open().expect("settings"))];
    if near {
        places.insert(0, Place::memory());
    }
    Cache::builder().name(name).ttl(Duration::from_secs(600)).timeout(PATIENCE).backends(places).build()
}

pub(crate) fn places(builder: Builder<u64, String>, port: u16, near: bool) -> Builder<u64, String> {
    let mut places = vec![Place::own(redis(port))];
    if near {
        places.insert(0, Place::memory());
    }
    builder.ttl(Duration::from_secs(600)).timeout(TIMEOUT).backends(places)
}

/// What `work` gives, which has to come in time.
pub(crate) fn in_time<R>(what: &str, work: impl FnOnce() -> R) -> R {
    let start = Instant::now();
    let result = work();
    let took = start.elapsed();
    assert!(took <= IN_TIME, "{what} took {took:?}");
    result
}

/// A node as its callers use it: all sync, or all async.
pub(crate) struct Node {
    pub(crate) cache: Cache<u64, String>,
    pub(crate) is_async: bool,
}

impl Node {
    fn run<R>(future: impl Future<Output = R>) -> R {
        RUNTIME.block_on(future)
    }

    pub(crate) fn call(&self, key: u64, load: impl FnOnce() -> String) -> String {
        in_time("a call", || match self.is_async {
            true => Self::run(self.cache.get_or_compute_async(&key, || async { load() })),
            false => self.cache.get_or_compute(&key, load),
        })
    }

    pub(crate) fn get(&self, key: u64) -> Option<String> {
        in_time("a look", || match self.is_async {
            true => Self::run(self.cache.get_async(&key)),
            false => self.cache.get(&key),
        })
    }

    pub(crate) fn invalidate(&self, key: u64) -> Delivery {
        in_time("an invalidation", || match self.is_async {
            true => Self::run(self.cache.invalidate_async(&key)),
            false => self.cache.invalidate(&key),
        })
    }
}
