//! The application, and what stands in front of it.

use axum::{
    Router,
    body::Bytes,
    error_handling::HandleErrorLayer,
    extract::{Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
    serve::ListenerExt as _,
};
use cachekit::{
    cache,
    http::{CacheLayer, Rule},
};
use cachekit_benches::proxies::{self, Proxy};
use std::{
    collections::HashMap,
    io,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{net::TcpListener, runtime::Runtime};
use tower::ServiceBuilder;

/// The contestant that all are compared with.
pub(crate) const STATIC: &str = "axum, from a static";

/// Names, and bytes of the body.
pub(crate) const SIZES: [(&str, usize); 2] = [("1 KiB", 1 << 10), ("100 KiB", 100 << 10)];

/// Somebody who answers on a port.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Contestant {
    pub(crate) name: &'static str,
    pub(crate) port: u16,
    pub(crate) caches: bool,
}

pub(crate) struct Application {
    pub(crate) contestants: Vec<Contestant>,
    app: Arc<App>,
    runtime: Runtime,
    proxies: Vec<Proxy>,
}

#[derive(Debug, Default)]
struct App {
    runs: AtomicU64,
}

static BODIES: LazyLock<HashMap<usize, Bytes>> =
    LazyLock::new(|| SIZES.iter().map(|(_, bytes)| (*bytes, Bytes::from(json_of(*bytes)))).collect());

/// So many bytes of a list of records.
fn json_of(bytes: usize) -> String {
    let mut text = String::from("[");
    let mut id = 0;
    while text.len() < bytes.saturating_sub(80) {
        text.push_str(&format!("{{\"id\":{id},\"name\":\"record {id}\",\"is_open\":{}}},", id % 2 == 0));
        id += 1;
    }
    let rest = bytes.saturating_sub(text.len() + 3);
    text.push_str(&format!("\"{}\"]", "x".repeat(rest)));
    text
}

fn body(bytes: usize) -> Option<Response> {
    let body = BODIES.get(&bytes)?.clone();
    Some(([(header::CONTENT_TYPE, "application/json")], body).into_response())
}

/// What is cached: it makes its body anew each time.
async fn made(State(app): State<Arc<App>>, Path(bytes): Path<usize>) -> Response {
    app.runs.fetch_add(1, Ordering::Relaxed);
    let fields = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "max-age=600")];
    (fields, json_of(bytes)).into_response()
}

#[cache(http, ttl = "10m")]
async fn attribute(State(app): State<Arc<App>>, Path(bytes): Path<usize>) -> Response {
    made(State(app), Path(bytes)).await
}

async fn from_static(Path(bytes): Path<usize>) -> Response {
    body(bytes).unwrap_or_else(|| StatusCode::NOT_FOUND.into_response())
}

pub(crate) fn start() -> io::Result<Application> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let app = Arc::new(App::default());
    let application = || Router::new().route("/{bytes}", get(made)).with_state(app.clone());
    let handle_errors = || HandleErrorLayer::new(async |_: tower::BoxError| StatusCode::INTERNAL_SERVER_ERROR);
    let tower_server = http_cache_tower_server::ServerCacheLayer::new(http_cache::MokaManager::default());
    let routers = [
        (STATIC, false, Router::new().route("/{bytes}", get(from_static))),
        ("cachekit, #[cache(http)]", true, Router::new().route("/{bytes}", get(attribute)).with_state(app.clone())),
        (
            "cachekit, CacheLayer",
            true,
            application().layer(CacheLayer::builder().otherwise(Rule::new().ttl(Duration::from_secs(600))).build()),
        ),
        (
            "axum-response-cache",
            true,
            application().layer(axum_response_cache::CacheLayer::with_lifespan(Duration::from_secs(600))),
        ),
        (
            "http-cache-tower-server, moka",
            true,
            application().layer(ServiceBuilder::new().layer(handle_errors()).layer(tower_server)),
        ),
        // For the proxies.
        ("origin", false, application()),
    ];
    let mut contestants = Vec::new();
    for (name, caches, router) in routers {
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
        let port = listener.local_addr()?.port();
        runtime.spawn(async move { axum::serve(listener.tap_io(|stream| _ = stream.set_nodelay(true)), router).await });
        contestants.push(Contestant { name, port, caches });
    }
    let origin = contestants.pop().map_or(0, |origin| origin.port);
    let mut proxies = Vec::new();
    for (name, started) in [("nginx, proxy_cache", proxies::nginx(origin)), ("Varnish", proxies::varnish(origin))] {
        match started {
            Ok(proxy) => {
                contestants.push(Contestant { name, port: proxy.port, caches: true });
                proxies.push(proxy);
            }
            Err(error) => eprintln!("{name} takes no part: {error}"),
        }
    }
    Ok(Application { contestants, app, runtime, proxies })
}

impl Application {
    /// How often a response was made.
    pub(crate) fn runs(&self) -> u64 {
        self.app.runs.load(Ordering::Relaxed)
    }

    pub(crate) fn stop(self) {
        drop(self.proxies);
        self.runtime.shutdown_background();
    }
}
