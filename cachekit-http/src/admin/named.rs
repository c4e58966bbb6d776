//! The cache that a request is about.

use super::refusal::Refusal;
use axum::extract::{FromRequestParts, RawPathParams};
use cachekit_runtime::registry::{self, AnyCache};
use http::{StatusCode, request::Parts};
use std::sync::Arc;

pub(super) struct Named(pub(super) Arc<dyn AnyCache>);

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        // By its name: where the router is nested there may be others.
        let params = RawPathParams::from_request_parts(parts, state).await;
        let name = params
            .ok()
            .and_then(|params| params.iter().find(|(name, _)| *name == "cache").map(|(_, value)| value.to_owned()));
        find(name.as_deref().unwrap_or_default()).map(Named)
    }
}

pub(super) fn find(name: &str) -> Result<Arc<dyn AnyCache>, Refusal> {
    registry::find(name).ok_or_else(|| {
        Refusal::new(
            StatusCode::NOT_FOUND,
            "no_cache",
            format!("there is no cache `{name}`"),
            "`GET api/caches` lists those that there are; one that nobody has called yet is there with the feature `auto-register`",
        )
    })
}
