//! Responses of services that are called without a connection.

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, request::Builder};
use http_body_util::{BodyExt, Full};
use std::{
    convert::Infallible,
    fmt::Debug,
    sync::atomic::{AtomicU64, Ordering},
};
use tower::{Service, ServiceExt};

/// What handlers count their runs in.
#[derive(Debug, Default)]
pub struct App {
    runs: AtomicU64,
}

impl App {
    /// Counts one more: which it is, from 1 on.
    pub fn run(&self) -> u64 {
        self.runs.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// How many there were.
    pub fn runs(&self) -> u64 {
        self.runs.load(Ordering::SeqCst)
    }
}

/// A response, read to its end.
#[derive(Debug)]
#[allow(missing_docs)] // the names say it
pub struct Got {
    pub status: StatusCode,
    pub fields: HeaderMap,
    pub body: String,
}

impl Got {
    /// A field, empty where it is absent.
    ///
    /// # Panics
    /// If it is no text.
    #[must_use]
    pub fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", |value| value.to_str().expect("it is text"))
    }

    /// Whether a cache has answered.
    #[must_use]
    pub fn is_hit(&self) -> bool {
        self.field("cache-status").contains("; hit")
    }
}

/// Asks, with this body.
///
/// # Panics
/// If the request is none, or the body of the response fails.
pub async fn ask_with<S, B>(app: &S, request: Builder, body: impl Into<Bytes>) -> Got
where
    S: Service<Request<Full<Bytes>>, Response = Response<B>, Error = Infallible> + Clone,
    B: http_body_util::BodyExt<Data = Bytes, Error: Debug>,
{
    let request = request.body(Full::new(body.into())).expect("a request");
    let Ok(response) = app.clone().oneshot(request).await;
    let (parts, body) = response.into_parts();
    let body = body.collect().await.expect("the body ends well").to_bytes();
    Got { status: parts.status, fields: parts.headers, body: String::from_utf8_lossy(&body).into_owned() }
}

/// Asks, without a body.
///
/// # Panics
/// As [`ask_with`].
pub async fn ask<S, B>(app: &S, request: Builder) -> Got
where
    S: Service<Request<Full<Bytes>>, Response = Response<B>, Error = Infallible> + Clone,
    B: BodyExt<Data = Bytes, Error: Debug>,
{
    ask_with(app, request, Bytes::new()).await
}

/// A GET of this URI.
///
/// # Panics
/// As [`ask_with`].
pub async fn get<S, B>(app: &S, uri: &str) -> Got
where
    S: Service<Request<Full<Bytes>>, Response = Response<B>, Error = Infallible> + Clone,
    B: BodyExt<Data = Bytes, Error: Debug>,
{
    ask(app, Request::get(uri)).await
}
