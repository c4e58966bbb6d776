//! The cache of one function that makes responses: what they depend on is what the function takes, and not the URI.

use super::{
    CacheHandle, CacheLayer, CacheLayerBuilder, Rule,
    answer::go_on,
    begin::{Begun, Named, NamedTags, Way, begin},
    body::BoxError,
    shared::Shared,
    sync::lock,
};
use crate::policy::{OWN_FIELD, Overrides};
use axum::body::Body;
use bytes::Bytes;
use cachekit_runtime::Place;
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, header, request::Parts};
use http_body::{Body as _, Frame};
use http_body_util::BodyExt;
use std::{
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::Duration,
};
use tower::Service;

/// The name of the field by which caches of content delivery networks know what to purge.
const SURROGATE_KEY: HeaderName = HeaderName::from_static("surrogate-key");

/// What `#[cache(http(…))]` says.
#[derive(Debug)]
pub struct HandlerCacheBuilder {
    layer: CacheLayerBuilder,
    rule: Rule,
    manner: Manner,
}

/// How responses are made ready.
#[derive(Debug, Clone)]
struct Manner {
    vary: Option<HeaderValue>,
    client: Option<HeaderValue>,
    errors: Option<Duration>,
    has_etag: bool,
    max_body: usize,
    is_private: bool,
}

/// The cache of one handler.
#[derive(Debug)]
pub struct HandlerCache {
    shared: Arc<Shared>,
    manner: Arc<Manner>,
}

/// One request to a cached handler.
#[derive(Debug)]
pub struct Asked {
    /// What the response depends on, in one line; `None`: nobody can say, or the cache is not asked, and the request goes past it.
    pub key: Option<String>,
    /// Whom it is for, where that is asked.
    pub identity: Option<Option<String>>,
    /// The tags of the response.
    pub tags: Vec<String>,
    /// What goes into `Surrogate-Key`.
    pub surrogate_keys: Vec<String>,
}

/// What the handler gave.
#[derive(Debug)]
pub struct Loaded {
    /// As it is sent.
    pub response: Response<Body>,
    /// It was an `Err`.
    pub is_error: bool,
}

impl HandlerCacheBuilder {
    /// By the name of its entries.
    pub fn new(name: &str) -> Self {
        let manner =
            Manner { vary: None, client: None, errors: None, has_etag: true, max_body: 1 << 20, is_private: false };
        // A handler sees nothing of a request but what it takes, and that is in the key.
        let overrides = Overrides { ignore_credentials: true, ..Overrides::default() };
        let tags = |parts: &Parts| parts.extensions.get::<NamedTags>().map(|tags| tags.0.clone()).unwrap_or_default();
        let rule = Rule::new().overrides(overrides).tags(tags).of_paths();
        HandlerCacheBuilder { layer: CacheLayer::builder().name(name), rule, manner }
    }

    /// How long what the handler gives is fresh.
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.rule = self.rule.ttl(ttl);
        self
    }

    /// As [`Rule::stale_while_revalidate`].
    pub fn stale_while_revalidate(mut self, time: Duration) -> Self {
        self.rule = self.rule.stale_while_revalidate(time);
        self
    }

    /// As [`Rule::stale_if_error`].
    pub fn stale_if_error(mut self, time: Duration) -> Self {
        self.rule = self.rule.stale_if_error(time);
        self
    }

    /// How long an `Err` of the handler is fresh.
    pub fn errors(mut self, ttl: Duration) -> Self {
        self.manner.errors = Some(ttl);
        self
    }

    /// The statuses that the ttl is for.
    pub fn statuses(mut self, statuses: impl IntoIterator<Item = u16>) -> Self {
        self.rule = self.rule.ttl_for(statuses.into_iter().filter_map(|status| StatusCode::from_u16(status).ok()));
        self
    }

    /// The longest body that is stored.
    pub fn max_body(mut self, bytes: usize) -> Self {
        self.rule = self.rule.max_body(bytes);
        self.manner.max_body = bytes;
        self
    }

    /// How many bytes all entries take in memory.
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.layer = self.layer.max_bytes(bytes);
        self
    }

    /// The fields of requests that responses depend on.
    pub fn vary(mut self, fields: &str) -> Self {
        self.manner.vary = HeaderValue::from_str(fields).ok();
        self
    }

    /// What clients are told, where the handler says nothing.
    pub fn cache_control(mut self, text: &str) -> Self {
        self.manner.client = HeaderValue::from_str(text).ok();
        self
    }

    /// How long clients may keep what they get.
    pub fn client_ttl(self, ttl: Duration) -> Self {
        let scope = if self.manner.is_private { "private, " } else { "" };
        let text = format!("{scope}max-age={}", ttl.as_secs());
        self.cache_control(&text)
    }

    /// Responses get no entity tag.
    pub fn no_etag(mut self) -> Self {
        self.manner.has_etag = false;
        self
    }

    /// Responses are for whom the key says.
    pub fn private(mut self) -> Self {
        // The identity is told with each request.
        self.rule = self.rule.private(|_| None);
        self.manner.is_private = true;
        self
    }

    /// Where entries are.
    pub fn backends(mut self, places: impl IntoIterator<Item = Place>) -> Self {
        self.layer = self.layer.backends(places);
        self
    }

    /// How long a request waits for backends in all.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.layer = self.layer.timeout(timeout);
        self
    }

    /// Another clock, for tests.
    pub fn clock(mut self, clock: cachekit_runtime::time::Clock) -> Self {
        self.layer = self.layer.clock(clock);
        self
    }

    /// The cache.
    pub fn build(self) -> HandlerCache {
        let unsaid = self.manner.client.clone().unwrap_or_else(|| self.manner.nothing_said());
        let CacheLayer { shared } = self.layer.otherwise(self.rule).unsaid(unsaid).build();
        HandlerCache { shared, manner: Arc::new(self.manner) }
    }
}

impl HandlerCache {
    /// What purges its entries, and counts.
    pub fn handle(&self) -> CacheHandle {
        CacheHandle { shared: self.shared.clone() }
    }

    /// The response to a request: from the store, or what `load` gives, which is asked at most once and goes on for others if this is dropped.
    pub async fn answer<F, L>(&self, parts: Parts, asked: Asked, load: F) -> Response<Body>
    where
        F: FnOnce() -> L + Send + 'static,
        L: Future<Output = Loaded> + Send + 'static,
    {
        let Asked { key, identity, tags, surrogate_keys } = asked;
        let named = match key {
            Some(key) => Named { key, identity, tags },
            None => Named { key: String::new(), identity: Some(None), tags },
        };
        let mut begun = begin(&self.shared, parts, Some(named));
        if let Some(response) = begun.at_once() {
            return response.map(Body::new);
        }
        // A hit has no use for all that is in this.
        Box::pin(self.go_on(begun, surrogate_keys, load)).await
    }

    async fn go_on<F, L>(&self, begun: Begun, surrogate_keys: Vec<String>, load: F) -> Response<Body>
    where
        F: FnOnce() -> L + Send + 'static,
        L: Future<Output = Loaded> + Send + 'static,
    {
        let surrogate_keys = HeaderValue::from_str(&surrogate_keys.join(" ")).ok().filter(|keys| !keys.is_empty());
        let handler = Once { load: Arc::new(Mutex::new(Some(load))), manner: self.manner.clone(), surrogate_keys };
        let is_past = matches!(begun, Begun::Elsewhere(_, Way::Past(_)));
        match go_on(self.shared.clone(), handler, begun, ()).await {
            Ok(response) => self.manner.to_client(response.map(Body::new), is_past),
            Err(Spent) => {
                tracing::error!("a cached handler gave a 304 that nobody had asked for");
                let mut response = Response::new(Body::empty());
                *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
                response
            }
        }
    }
}

impl Manner {
    /// That a client asks each time.
    fn nothing_said(&self) -> HeaderValue {
        HeaderValue::from_static(if self.is_private { "private, no-cache" } else { "no-cache" })
    }

    /// A response of the handler, with what the policy and clients are to know of it.
    async fn prepared(&self, loaded: Loaded, surrogate_keys: Option<HeaderValue>) -> Response<Body> {
        let Loaded { response, is_error } = loaded;
        let (mut parts, body) = response.into_parts();
        let fields = &mut parts.headers;
        if let Some(keys) = surrogate_keys {
            fields.append(SURROGATE_KEY, keys);
        }
        if let Some(vary) = &self.vary {
            fields.append(header::VARY, vary.clone());
        }
        if is_error && !fields.contains_key(OWN_FIELD) {
            let terms = match self.errors {
                Some(ttl) => format!("max-age={}", ttl.as_secs().max(1)),
                None => "no-store".to_owned(),
            };
            fields.extend(HeaderValue::from_str(&terms).ok().map(|terms| (OWN_FIELD, terms)));
        }
        let wants_tag = self.has_etag && parts.status == StatusCode::OK && !fields.contains_key(header::ETAG);
        // What is still to come has no tag: a client would have to wait for all of it.
        let is_whole = body.size_hint().exact().is_some_and(|length| length <= self.max_body as u64);
        if !wants_tag || !is_whole {
            return Response::from_parts(parts, body);
        }
        match collected(body).await {
            Ok(bytes) => {
                // Weak: a layer outside may compress the bytes and leave the tag as it is.
                let hash = blake3::hash(&bytes).to_hex();
                let tag = format!("W/\"{}\"", hash.get(..32).unwrap_or_default());
                parts.headers.extend(HeaderValue::from_str(&tag).ok().map(|tag| (header::ETAG, tag)));
                Response::from_parts(parts, Body::from(bytes))
            }
            Err(failed) => Response::from_parts(parts, Body::new(failed)),
        }
    }

    /// A response for a client, who keeps nothing that can be purged here unless somebody says so, and nothing of what has gone past this cache.
    fn to_client(&self, mut response: Response<Body>, is_past: bool) -> Response<Body> {
        let is_good = response.status().is_success() || response.status() == StatusCode::NOT_MODIFIED;
        if is_good && !response.headers().contains_key(header::CACHE_CONTROL) {
            let said = self.client.clone().filter(|_| !is_past).unwrap_or_else(|| self.nothing_said());
            response.headers_mut().insert(header::CACHE_CONTROL, said);
        }
        response
    }
}

/// A body of which all bytes are there.
async fn collected(mut body: Body) -> Result<Bytes, Failed> {
    let mut whole = Vec::new();
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => whole.extend(frame.into_data().iter().flatten()),
            Err(error) => return Err(Failed { begun: Some(whole.into()), error: Some(error.into()) }),
        }
    }
    Ok(whole.into())
}

/// A body that has failed, from its beginning.
struct Failed {
    begun: Option<Bytes>,
    error: Option<BoxError>,
}

impl http_body::Body for Failed {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let begun = self.begun.take().filter(|bytes| !bytes.is_empty());
        Poll::Ready(begun.map(|bytes| Ok(Frame::data(bytes))).or_else(|| self.error.take().map(Err)))
    }
}

/// A handler that can be asked once: what it takes is owned by one request.
struct Once<F> {
    load: Arc<Mutex<Option<F>>>,
    manner: Arc<Manner>,
    surrogate_keys: Option<HeaderValue>,
}

impl<F> Clone for Once<F> {
    fn clone(&self) -> Self {
        Once { load: self.load.clone(), manner: self.manner.clone(), surrogate_keys: self.surrogate_keys.clone() }
    }
}

/// It has been asked.
#[derive(Debug)]
struct Spent;

impl<F, L> Service<Request<()>> for Once<F>
where
    F: FnOnce() -> L + Send + 'static,
    L: Future<Output = Loaded> + Send + 'static,
{
    type Response = Response<Body>;
    type Error = Spent;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Spent>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Spent>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<()>) -> Self::Future {
        let load = lock(&self.load).take();
        let (manner, surrogate_keys) = (self.manner.clone(), self.surrogate_keys.clone());
        let is_safe = matches!(*request.method(), Method::GET | Method::HEAD);
        Box::pin(async move {
            let loaded = load.ok_or(Spent)?().await;
            if is_safe { Ok(manner.prepared(loaded, surrogate_keys).await) } else { Ok(loaded.response) }
        })
    }
}
