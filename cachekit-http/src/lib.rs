//! HTTP for cachekit: a shared cache of responses by RFC 9111.
//!
//! Users depend on the facade `cachekit`, which re-exports this as `cachekit::http` with the feature `axum`.
//!
//! - [`CacheLayer`]: the cache, around a router, a route or any other service. [`Rule`]: what it does with which requests. [`CacheHandle`]: purges.
//! - [`fields`] parses, [`policy`] decides; both are pure functions that know neither a clock nor a store. [`store`] is what is kept, and as which bytes.

#[cfg(feature = "admin")]
pub mod admin;
pub mod fields;
#[cfg(feature = "axum")]
mod handler;
mod layer;
pub mod policy;
pub mod store;

pub use layer::{
    BodyError, BoxError, CacheBody, CacheHandle, CacheLayer, CacheLayerBuilder, CacheService, Handler, NotAbsolute,
    ResponseBody, Rule,
};

#[cfg(feature = "axum")]
pub use handler::{Extracted, Scope, ScopeId, StableScope};

#[cfg(feature = "axum")]
#[doc(hidden)]
pub use handler::private as __private;
