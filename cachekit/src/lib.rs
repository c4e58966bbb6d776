//! A macro-first memoization toolkit: one attribute over a sync or async function or method, checked at compile time, correct under concurrency.
//!
//! ```
//! use cachekit::cache;
//!
//! /// Counts the divisors of a number.
//! #[cache(capacity = 10_000, ttl = "1h")]
//! fn divisors(of: u64) -> u64 {
//!     (1..=of).filter(|n| of % n == 0).count() as u64
//! }
//!
//! assert_eq!(divisors(5_040), 60); // computed
//! assert_eq!(divisors(5_040), 60); // from the cache
//! assert_eq!(divisors::stats().hits, 1);
//! divisors::invalidate(5_040); // the companion: same name, in the type namespace
//! assert_eq!(divisors::get(5_040), None);
//! ```
//!
//! # Where to look
//!
//! - [`macro@cache`]: the attribute, all its arguments, the companion's operations, and what to write on methods.
//!   [`macro@invalidate`]: on functions that change what others cache.
//! - [`diagnostics`]: every error of the attributes by its id, with what to write.
//! - [`Cache`] and [`Builder`]: the same without the macro.
//! - [`policy`]: eviction, and how to write one's own. [`Weigh`]: bounds in bytes.
//! - [`testing`]: time under control, isolation per test, dry runs, a conformance kit for policies.
//! - [`stats`](mod@stats), [`Outcome`], [`Explain`]: what happened, and why.
//! - [`flush`], [`shutdown`]: waiting for background refreshes.
//!
//! # Testing
//!
//! A [`testing::scope`] gives a test its own view of all caches, static ones too, and a clock that stands still until it is moved. On tokio's
//! `current_thread` runtime, the default of `#[tokio::test]`, a scope at the top of the test covers all of its tasks:
//!
//! ```
//! use cachekit::{OutcomeKind, cache, testing};
//! use std::time::Duration;
//!
//! #[cache(ttl = "30s")]
//! async fn quote(id: u64) -> u64 {
//!     id * 2
//! }
//!
//! # fn main() {
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(quotes_expire());
//! # }
//! // #[tokio::test]
//! async fn quotes_expire() {
//!     let scope = testing::scope();
//!     assert_eq!(quote(1).await, 2);
//!     assert_eq!(quote::traced(1).await.1.kind, OutcomeKind::Hit);
//!     scope.advance(Duration::from_secs(31));
//!     assert_eq!(quote::traced(1).await.1.kind, OutcomeKind::Miss);
//!     assert_eq!(quote::stats().loads, 2);
//! }
//! ```
//!
//! With [`testing::disable`] every call computes:
//!
//! ```
//! use cachekit::{OutcomeKind, cache, testing};
//!
//! #[cache]
//! fn quote(id: u64) -> u64 {
//!     id * 2
//! }
//!
//! let off = testing::disable();
//! quote(1);
//! assert_eq!(quote::traced(1).1.kind, OutcomeKind::Bypassed);
//! drop(off);
//! ```
//!
//! # Features
//!
//! | feature | default | what |
//! |---|---|---|
//! | `tokio` | yes | async refreshes run on the caller's tokio runtime (without it, on cachekit's own small pool); sync calls know when they stand on a runtime's thread |
//! | `file` | no | `backend = "file"`: entries that survive a restart |
//! | `redis`, `redis-tls` | no | `backend = "redis"`: entries that processes share; with TLS |
//! | `backend` | no | backends of your own, codecs, `Place`, `configure`, [`snapshot`]: the entries in memory as a file; on with each of the above |
//! | `postcard`, `msgpack`, `bincode` | no | codecs beside JSON |
//! | `lz4` | no | `compress = "lz4"` |
//! | `axum` | no | `#[cache(http(…))]` on handlers of Axum, and `cachekit::http`, a cache of HTTP responses |
//! | `advice` | no | `Cache::start_advice`, `Cache::record_trace`: what other capacities and strategies would give |
//! | `registry`, `auto-register` | no | [`registry`]: all named caches, operated without their types; with the second also before their first use |
//! | `admin` | no | [`admin`]: an API and a page for whoever operates a service |
//! | `metrics`, `prometheus`, `statsd` | no | [`metrics`]: what all caches have counted, by the facade of that name; the text of a scrape; over UDP |
//! | `config` | no | `cachekit.toml`; on with `file` and `redis`; with `registry` also settings of caches |
//!
//! # Values
//!
//! A hit clones the value. For anything larger than a few words return an `Arc<T>`: its clone allocates nothing.
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(target_arch = "wasm32")]
compile_error!("cachekit does not support wasm32: it needs threads and a monotonic clock");

pub use cachekit_macros::{cache, invalidate, register};
/// What a cache has counted; also from a companion's `stats()`.
pub use cachekit_runtime::stats::Stats;
pub use cachekit_runtime::{
    Builder, Bypassed, Cache, Call, Compute, Delivery, EntryRef, Error, Explain, FarPlaces, Flush, Key, OptionLike,
    Outcome, OutcomeKind, RemovalCause, Setting, State, Tier, TimedOut, Value, Weigh, adaptive, flush, invalidate_tag,
    invalidate_tag_async, invalidate_tag_soft, invalidate_tag_soft_async, is_shut_down, policy, shutdown, stats,
    testing, time,
};

#[cfg(feature = "backend")]
pub use cachekit_runtime::{Captured, Configure, Place, backend, codec, configure, envelope, identity, snapshot, sync};

#[cfg(all(feature = "config", feature = "registry"))]
pub use cachekit_runtime::{Reloaded, reload_configuration};

#[cfg(feature = "advice")]
pub use cachekit_runtime::advice;
#[cfg(feature = "metrics")]
pub use cachekit_runtime::metrics;
#[cfg(feature = "registry")]
pub use cachekit_runtime::registry;

#[cfg(feature = "admin")]
pub use cachekit_http::admin;

/// HTTP: a cache of responses by RFC 9111.
#[cfg(feature = "axum")]
pub use cachekit_http as http;

#[doc(hidden)]
pub use cachekit_runtime::private as __private;

/// All errors of the attributes, by their ids.
#[cfg(doc)]
#[doc = include_str!("../../docs/diagnostics.md")]
pub mod diagnostics {}

#[cfg(doctest)]
mod documents {
    #[doc = include_str!("../../README.md")]
    struct Readme;
    #[doc = include_str!("../../docs/migrating-from-cached.md")]
    struct MigrationGuide;
    #[doc = include_str!("../../docs/hash-flooding.md")]
    struct HashFlooding;
    #[doc = include_str!("../../docs/guides/batch.md")]
    struct Batches;
    #[cfg(feature = "backend")]
    #[doc = include_str!("../../docs/guides/snapshots.md")]
    struct Snapshots;
    #[cfg(feature = "admin")]
    #[doc = include_str!("../../docs/guides/admin.md")]
    struct Admin;
    #[cfg(feature = "axum")]
    #[doc = include_str!("../../docs/guides/http.md")]
    struct Http;
    #[cfg(feature = "redis")]
    #[doc = include_str!("../../docs/guides/backends.md")]
    struct Backends;
}
