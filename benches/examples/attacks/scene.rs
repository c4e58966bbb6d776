//! A handler behind a cache, and clients of it.

use crate::contestants::{Around, Cached, Contestant, Inner};
use axum::{
    body::{Body, Bytes},
    http::{Request, Response, StatusCode},
};
use http_body_util::BodyExt as _;
use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use tower::{ServiceExt as _, service_fn, util::BoxCloneSyncService};

/// Why a case is lost.
pub(crate) type Lost = Result<(), String>;

/// Fields of a request or a response.
pub(crate) type Fields<'a> = &'a [(&'a str, &'a str)];

pub(crate) struct Scene {
    cache: Cached,
    calls: Arc<AtomicUsize>,
}

/// A response that was read to its end.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) status: StatusCode,
    pub(crate) body: String,
}

pub(crate) fn response(fields: Fields<'_>, body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::builder();
    for (name, value) in fields {
        response = response.header(*name, *value);
    }
    response.body(body.into()).expect("fields of the cases are right")
}

/// A field of a request, or what else.
pub(crate) fn field(request: &Request<Body>, name: &str, otherwise: &str) -> String {
    request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or(otherwise).to_owned()
}

/// Counts its calls, from 1.
pub(crate) fn handler<F>(
    calls: &Arc<AtomicUsize>,
    handle: impl Fn(Request<Body>, usize) -> F + Clone + Send + Sync + 'static,
) -> Inner
where
    F: Future<Output = Response<Body>> + Send + 'static,
{
    let calls = calls.clone();
    BoxCloneSyncService::new(service_fn(move |request| {
        let (handle, calls) = (handle.clone(), calls.clone());
        // Counted when it runs: some begin what they do not wait for.
        async move { Ok::<_, Infallible>(handle(request, calls.fetch_add(1, Ordering::SeqCst) + 1).await) }
    }))
}

pub(crate) fn request(uri: &str, fields: Fields<'_>) -> Request<Body> {
    let mut request = Request::get(uri);
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    request.body(Body::empty()).expect("fields of the cases are right")
}

/// Lets other tasks go on until they wait for something.
pub(crate) async fn settle() {
    for _ in 0..40 {
        tokio::task::yield_now().await;
    }
}

impl Scene {
    pub(crate) fn new<F>(
        contestant: Contestant,
        handle: impl Fn(Request<Body>, usize) -> F + Clone + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Response<Body>> + Send + 'static,
    {
        let calls = Arc::default();
        let around: Around = contestant.cache();
        Scene { cache: around(handler(&calls, handle)), calls }
    }

    /// A handler that always says the same.
    pub(crate) fn always(contestant: Contestant, fields: Fields<'static>) -> Self {
        Self::new(contestant, move |_, call| async move { response(fields, format!("body {call}")) })
    }

    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    /// The response, its body unread.
    pub(crate) async fn begin(&self, uri: &str, fields: Fields<'_>) -> Result<Response<Body>, String> {
        self.cache.clone().oneshot(request(uri, fields)).await.map_err(|error| error.to_string())
    }

    pub(crate) async fn get(&self, uri: &str, fields: Fields<'_>) -> Result<Got, String> {
        let (head, body) = self.begin(uri, fields).await?.into_parts();
        let body = body.collect().await.map_err(|error| error.to_string())?.to_bytes();
        settle().await;
        Ok(Got { status: head.status, body: text(&body) })
    }
}

pub(crate) fn text(bytes: &Bytes) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Lost, unless it holds.
pub(crate) fn ensure(holds: bool, otherwise: impl Into<String>) -> Lost {
    if holds { Ok(()) } else { Err(otherwise.into()) }
}
