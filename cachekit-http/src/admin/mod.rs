//! Operating the caches of a process: a JSON API, and a page for people (feature `admin`).
//!
//! [`router`] wants a function that says of each request who asks and what that person may do; there is no router without one. All caches of the
//! [registry](cachekit_runtime::registry) are in it. Changes hold for this process, until it ends. `docs/guides/admin.md` lists the API and what guards it.
//!
//! ```
//! use axum::Router;
//! use cachekit_http::admin::{self, Access, Scope};
//!
//! let secret = "a long one, from the environment";
//! let app: Router = Router::new().nest(
//!     "/caches",
//!     admin::router(move |request| {
//!         admin::is_bearer(request, secret)
//!             .then(|| Access::named("ann").may(Scope::Read).may(Scope::Operate).may(Scope::Destroy))
//!     }),
//! );
//! ```

mod access;
#[cfg(feature = "advice")]
mod advice;
mod audit;
mod body;
mod change;
mod gate;
mod limits;
mod live;
mod named;
mod origin;
mod page;
mod read;
mod refusal;
#[cfg(test)]
mod tests;
#[cfg(feature = "advice")]
mod top;
mod view;

pub use access::{Access, Scope, is_bearer};

use axum::{
    Router,
    middleware::{from_fn, from_fn_with_state},
    routing::{get, post},
};
use cachekit_runtime::time::Clock;
use gate::Gate;
use http::request::Parts;
use std::sync::Arc;

/// What a changing request must have, with any value. A form cannot send it, and a script of another site may not.
pub const HEADER: &str = "x-cachekit-admin";

/// A router with the API and the page, to be nested where one likes, for requests to `localhost` and to addresses: [`Admin`] has more to say.
///
/// `authorise` is asked for every request but that for the page itself, which holds no data; `None` is a 401. It must not block: where asking takes a while, let a layer of
/// yours do it and leave what it found in [`Parts::extensions`].
pub fn router<S>(authorise: impl Fn(&Parts) -> Option<Access> + Send + Sync + 'static) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    Admin::new(authorise).router()
}

/// What [`router`] makes, with more to say.
#[must_use]
pub struct Admin {
    gate: Gate,
}

impl Admin {
    /// As [`router`].
    pub fn new(authorise: impl Fn(&Parts) -> Option<Access> + Send + Sync + 'static) -> Self {
        Admin { gate: Gate::new(Box::new(authorise), Clock::system()) }
    }

    /// Another host by whose name it may be reached, with its port if that is not the scheme's own: `admin.example.com`, `box:8080`. Without it only `localhost` and addresses are, so
    /// that the page of a stranger whose name leads here reads nothing.
    pub fn host(mut self, host: impl Into<String>) -> Self {
        self.gate.hosts.push(host.into().to_ascii_lowercase());
        self
    }

    /// Answers `GET /metrics` with the text of a scrape. The scope is [`Read`](Scope::Read).
    #[cfg(feature = "prometheus")]
    pub fn prometheus(mut self, prometheus: cachekit_runtime::metrics::Prometheus) -> Self {
        self.gate.prometheus = Some(prometheus);
        self
    }

    /// The router.
    pub fn router<S>(self) -> Router<S>
    where
        S: Clone + Send + Sync + 'static,
    {
        let gate = Arc::new(self.gate);
        let needs = |scope: Scope| from_fn(move |request, next| gate::needs(scope, request, next));
        let reading = Router::new()
            .route("/api/caches", get(read::list))
            .route("/api/caches/{cache}", get(read::one))
            .route("/api/caches/{cache}/entries", get(read::entries))
            .route("/api/caches/{cache}/get", post(read::get))
            .route("/api/caches/{cache}/explain", post(read::explain))
            .route("/api/live", get(live::live));
        #[cfg(feature = "advice")]
        let reading = reading
            .route("/api/caches/{cache}/advice", get(advice::read))
            .route("/api/caches/{cache}/top", get(top::read));
        #[cfg(feature = "prometheus")]
        let reading = reading.route("/metrics", get(read::metrics));
        let operating = Router::new().route("/api/caches/{cache}/settings", post(change::settings));
        #[cfg(feature = "config")]
        let operating = operating.route("/api/configuration/reload", post(change::reload));
        #[cfg(feature = "advice")]
        let operating = operating
            .route("/api/caches/{cache}/advice", post(advice::start).delete(advice::stop))
            .route("/api/caches/{cache}/top", post(top::start).delete(top::stop));
        let destroying = Router::new()
            .route("/api/caches/{cache}/invalidate", post(change::invalidate))
            .route("/api/caches/{cache}/clear", post(change::clear))
            .route("/api/invalidate", post(change::invalidate_tag));
        reading
            .route_layer(needs(Scope::Read))
            .merge(operating.route_layer(needs(Scope::Operate)))
            .merge(destroying.route_layer(needs(Scope::Destroy)))
            .method_not_allowed_fallback(refusal::no_such_method)
            .route_layer(from_fn_with_state(gate.clone(), gate::authorise))
            .route("/", get(page::page))
            .fallback(refusal::no_such_route)
            .layer(from_fn_with_state(gate.clone(), gate::admit))
            .with_state(gate)
    }
}
