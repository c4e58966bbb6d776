//! The cache as a layer around a router, a route, or any other service of HTTP.

mod answer;
mod begin;
mod body;
mod builder;
mod captures;
mod conditions;
#[cfg(feature = "config")]
mod configured;
mod fetch;
mod flights;
mod handler;
#[cfg(feature = "axum")]
pub(crate) mod named;
mod pattern;
mod purge;
#[cfg(feature = "axum")]
mod purge_router;
mod query;
mod respond;
mod rule;
mod shareable;
mod shared;
mod spool;
mod sync;
mod target;
#[cfg(feature = "config")]
mod template;
mod time;
mod wanted;

pub use body::{BodyError, BoxError, CacheBody};
pub use builder::CacheLayerBuilder;
pub use handler::{Handler, ResponseBody};
pub use purge::{CacheHandle, NotAbsolute};
pub use rule::Rule;

use http::{Request, Response};
use shared::Shared;
use std::{
    sync::Arc,
    task::{Context, Poll},
};
use tower::{Layer, Service};

/// A shared cache of responses by RFC 9111, in front of whatever it is put around: a `Router`, a `MethodRouter`, any service of HTTP. Runs on tokio.
///
/// By default it stores what responses say may be stored, and nothing else; [`Rule`]s give a ttl to those that say nothing. Clones share one cache.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use axum::{Router, body::Body, routing::get};
/// use cachekit_http::{CacheLayer, Rule};
/// use http::Request;
/// use std::time::Duration;
/// use tower::ServiceExt;
///
/// let cache = CacheLayer::builder().rule(Rule::new().path("/hello/{name}").ttl(Duration::from_secs(30))).build();
/// let app = Router::new().route("/hello/{name}", get(async || "hello")).layer(cache.clone());
///
/// let hello = || app.clone().oneshot(Request::get("/hello/ada").body(Body::empty()).unwrap());
/// assert_eq!(hello().await.unwrap().headers()["cache-status"], "cachekit; fwd=uri-miss; stored");
/// assert_eq!(hello().await.unwrap().headers()["cache-status"], "cachekit; hit; ttl=30");
///
/// cache.handle().purge_uri(&"http://localhost/hello/ada".parse().unwrap()).await.unwrap();
/// assert_eq!(hello().await.unwrap().headers()["cache-status"], "cachekit; fwd=uri-miss; stored");
/// # });
/// ```
#[derive(Debug, Clone)]
pub struct CacheLayer {
    shared: Arc<Shared>,
}

impl CacheLayer {
    /// A layer with the defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// Starts a builder.
    pub fn builder() -> CacheLayerBuilder {
        CacheLayerBuilder::default()
    }

    /// What purges its entries, and counts.
    #[must_use]
    pub fn handle(&self) -> CacheHandle {
        CacheHandle { shared: self.shared.clone() }
    }
}

impl Default for CacheLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> Layer<S> for CacheLayer {
    type Service = CacheService<S>;

    fn layer(&self, inner: S) -> CacheService<S> {
        CacheService { shared: self.shared.clone(), inner }
    }
}

/// A service with a cache in front of it; from [`CacheLayer`].
#[derive(Debug, Clone)]
pub struct CacheService<S> {
    shared: Arc<Shared>,
    inner: S,
}

impl<S, Q, P> Service<Request<Q>> for CacheService<S>
where
    S: Handler<Q, P> + Service<Request<Q>, Response = Response<P>>,
    Q: http_body::Body + Default + Send + 'static,
    P: ResponseBody,
{
    type Response = Response<CacheBody>;
    type Error = S::Error;
    type Future = answer::Answering<S::Error>;

    /// Always: what is stored needs no handler. Who does need it waits until it is ready.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Q>) -> Self::Future {
        answer::answer(&self.shared, &self.inner, request)
    }
}
