//! A handler behind a cache, with a clock that stands still.

use axum::body::Body;
use bytes::Bytes;
use cachekit_http::{CacheBody, CacheLayer, CacheLayerBuilder, Rule};
use cachekit_runtime::time::TestClock;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::BodyExt;
use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tower::{BoxError, Layer, ServiceExt, service_fn, util::BoxCloneSyncService};

pub(crate) struct Bench {
    pub(crate) clock: TestClock,
    pub(crate) layer: CacheLayer,
    calls: Arc<AtomicUsize>,
    service: BoxCloneSyncService<Request<Body>, Response<CacheBody>, BoxError>,
}

/// A response that was read to its end.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) status: StatusCode,
    pub(crate) fields: HeaderMap,
    pub(crate) body: Bytes,
}

impl Got {
    pub(crate) fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// What the cache says that it did.
    pub(crate) fn cache(&self) -> &str {
        self.field("cache-status")
    }

    pub(crate) fn is_hit(&self) -> bool {
        self.cache().starts_with("cachekit; hit")
    }
}

/// A response with these fields.
pub(crate) fn response(status: u16, fields: &[(&str, &str)], body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::builder().status(status);
    for (name, value) in fields {
        response = response.header(*name, *value);
    }
    response.body(body.into()).unwrap()
}

impl Bench {
    /// A handler that is called with the request and the number of the call, from 1.
    pub(crate) fn new<F>(
        rule: Rule,
        handler: impl Fn(Request<Body>, usize) -> F + Clone + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<Response<Body>, BoxError>> + Send + 'static,
    {
        Self::built(CacheLayer::builder().otherwise(rule), handler)
    }

    /// As [`new`](Self::new), with a builder.
    pub(crate) fn built<F>(
        builder: CacheLayerBuilder,
        handler: impl Fn(Request<Body>, usize) -> F + Clone + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<Response<Body>, BoxError>> + Send + 'static,
    {
        let (clock, calls) = (TestClock::new(), Arc::new(AtomicUsize::new(0)));
        let layer = builder.clock(clock.clock()).build();
        let counted = calls.clone();
        let counting = service_fn(move |request| handler(request, counted.fetch_add(1, Ordering::SeqCst) + 1));
        let service = BoxCloneSyncService::new(layer.layer(counting));
        Bench { clock, layer, calls, service }
    }

    /// A handler that always answers the same.
    pub(crate) fn always(rule: Rule, status: u16, fields: &'static [(&'static str, &'static str)]) -> Self {
        Self::new(rule, move |_, call| async move { Ok(response(status, fields, format!("body {call}"))) })
    }

    /// How often the handler was called.
    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    pub(crate) fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// The response, its body unread.
    pub(crate) async fn begin(&self, request: Request<Body>) -> Result<Response<CacheBody>, BoxError> {
        self.service.clone().oneshot(request).await
    }

    pub(crate) async fn send(&self, method: &str, uri: &str, fields: &[(&str, &str)]) -> Got {
        self.try_send(method, uri, fields).await.unwrap()
    }

    pub(crate) async fn try_send(&self, method: &str, uri: &str, fields: &[(&str, &str)]) -> Result<Got, BoxError> {
        let response = self.begin(request(method, uri, fields)).await?;
        let (parts, body) = response.into_parts();
        let body = body.collect().await?.to_bytes();
        settle().await;
        Ok(Got { status: parts.status, fields: parts.headers, body })
    }

    pub(crate) async fn get(&self, uri: &str) -> Got {
        self.send("GET", uri, &[]).await
    }
}

pub(crate) fn request(method: &str, uri: &str, fields: &[(&str, &str)]) -> Request<Body> {
    let mut request = Request::builder().method(Method::from_bytes(method.as_bytes()).unwrap()).uri(uri);
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    request.body(Body::empty()).unwrap()
}

/// Lets all other tasks of this thread go on until they wait for something.
pub(crate) async fn settle() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}
