//! Caches around a handler, each with a ttl of a minute for responses that say nothing of their freshness.

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, Request, Response, StatusCode, header},
};
use cachekit::http::Rule;
use http_body_util::BodyExt as _;
use http_cache_semantics::{BeforeRequest, CachePolicy};
use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};
use tower::{BoxError, Layer as _, ServiceExt as _, service_fn, util::BoxCloneSyncService};

const TTL: Duration = Duration::from_secs(60);

/// What answers when the cache does not.
pub(crate) type Inner = BoxCloneSyncService<Request<Body>, Response<Body>, Infallible>;
/// A cache around it.
pub(crate) type Cached = BoxCloneSyncService<Request<Body>, Response<Body>, BoxError>;
/// One cache that can stand around several handlers.
pub(crate) type Around = Arc<dyn Fn(Inner) -> Cached + Send + Sync>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Contestant {
    Cachekit,
    AxumResponseCache,
    TowerServer,
    Semantics,
}

pub(crate) const ALL: [Contestant; 4] =
    [Contestant::Cachekit, Contestant::AxumResponseCache, Contestant::TowerServer, Contestant::Semantics];

impl Contestant {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Contestant::Cachekit => "cachekit",
            Contestant::AxumResponseCache => "axum-response-cache",
            Contestant::TowerServer => "http-cache-tower-server",
            Contestant::Semantics => "http-cache-semantics",
        }
    }

    /// An empty cache.
    pub(crate) fn cache(self) -> Around {
        match self {
            Contestant::Cachekit => {
                let layer = cachekit::http::CacheLayer::builder().otherwise(Rule::new().ttl(TTL)).build();
                Arc::new(move |inner| boxed(layer.layer(inner).map_response(|response| response.map(Body::new))))
            }
            Contestant::AxumResponseCache => {
                let layer = axum_response_cache::CacheLayer::with_lifespan(TTL);
                Arc::new(move |inner| boxed(layer.layer(inner)))
            }
            Contestant::TowerServer => {
                let options = http_cache_tower_server::ServerCacheOptions {
                    default_ttl: Some(TTL),
                    cache_by_default: true,
                    ..Default::default()
                };
                let manager = http_cache::MokaManager::default();
                let layer = http_cache_tower_server::ServerCacheLayer::new(manager).with_options(options);
                Arc::new(move |inner| boxed(layer.layer(inner).map_response(|response| response.map(Body::new))))
            }
            Contestant::Semantics => {
                let kept = Arc::default();
                Arc::new(move |inner| around_a_policy(inner, Arc::clone(&kept)))
            }
        }
    }

    /// What clients would get of a stored field `x-a: 123` whose bytes somebody has changed. `None`: nobody else can reach what it stores, or it stores nothing.
    pub(crate) fn decoded(self, value: [u8; 3]) -> Option<HeaderMap> {
        match self {
            Contestant::Cachekit => Some(decoded_by_cachekit(value)),
            Contestant::TowerServer => {
                let text = String::from_utf8_lossy(&value).into_owned();
                let stored = http_cache_tower_server::CachedResponse {
                    status: 200,
                    headers: HashMap::from([("x-a".to_owned(), vec![text])]),
                    body: Vec::new(),
                    cached_at: SystemTime::now(),
                    ttl: TTL,
                    vary: None,
                };
                Some(stored.into_response().map(|response| response.headers().clone()).unwrap_or_default())
            }
            Contestant::AxumResponseCache | Contestant::Semantics => None,
        }
    }
}

fn boxed<S>(service: S) -> Cached
where
    S: tower::Service<Request<Body>, Response = Response<Body>> + Clone + Send + Sync + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
{
    BoxCloneSyncService::new(service.map_err(Into::into))
}

type Kept = Arc<Mutex<HashMap<String, (CachePolicy, Bytes)>>>;

/// The least that makes a cache of a policy: a map of whole responses by their URI.
fn around_a_policy(inner: Inner, kept: Kept) -> Cached {
    BoxCloneSyncService::new(service_fn(move |request: Request<Body>| {
        let (inner, kept) = (inner.clone(), kept.clone());
        async move {
            let (asked, body) = request.into_parts();
            let key = format!("{} {}", asked.method, asked.uri);
            // The policy may panic, and the map is as whole as before.
            let look = || kept.lock().unwrap_or_else(PoisonError::into_inner);
            let stored = look().get(&key).cloned();
            if let Some((policy, body)) = stored
                && let BeforeRequest::Fresh(head) = policy.before_request(&asked, SystemTime::now())
            {
                return Ok(Response::from_parts(head, Body::from(body)));
            }
            let Ok(response) = inner.oneshot(Request::from_parts(asked.clone(), body)).await;
            let (head, body) = response.into_parts();
            let body = body.collect().await?.to_bytes();
            let response = Response::from_parts(head, body.clone());
            let policy = CachePolicy::new(&asked, &response);
            if policy.is_storable() {
                look().insert(key, (policy, body));
            }
            Ok::<_, BoxError>(response.map(Body::from))
        }
    }))
}

fn decoded_by_cachekit(value: [u8; 3]) -> HeaderMap {
    use cachekit::{
        codec::Codec as _,
        http::{
            policy::{Policy, storage, vary::Normalisers},
            store::{Entry, EntryCodec, Stored},
        },
    };
    let fields = HeaderMap::from_iter([
        (header::CACHE_CONTROL, "max-age=60".parse().expect("a value")),
        ("x-a".parse().expect("a name"), "123".parse().expect("a value")),
    ]);
    let (at, nothing) = (SystemTime::now(), HeaderMap::new());
    let asked = storage::Asked { method: &axum::http::Method::GET, fields: &nothing, at };
    let head = storage::decide(asked, StatusCode::OK, &fields, at, &Policy::default(), &Normalisers::default());
    let entry = Entry::new(head.expect("it may be stored"), Bytes::new(), Vec::new(), TTL);
    let mut bytes = Vec::new();
    EntryCodec.encode(&Arc::new(Stored::Response(Arc::new(entry))), &mut bytes).expect("it has bytes");
    let place = bytes.windows(3).position(|window| window == b"123").expect("the value is there");
    bytes[place..place + 3].copy_from_slice(&value);
    match EntryCodec.decode(&bytes).ok().as_deref() {
        Some(Stored::Response(entry)) => entry.head.fields.clone(),
        _ => HeaderMap::new(),
    }
}
