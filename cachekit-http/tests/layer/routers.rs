//! Around routers and routes of Axum.

use axum::{
    Router,
    body::Body,
    routing::{any, get},
};
use cachekit_http::{CacheBody, CacheLayer, Rule};
use http::{Request, Response, Uri};
use http_body_util::BodyExt;
use std::{
    convert::Infallible,
    future::{Ready, ready},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};
use tower::{Layer, Service, ServiceExt};

fn layer() -> CacheLayer {
    CacheLayer::builder().otherwise(Rule::new().ttl(Duration::from_secs(60))).build()
}

async fn send(router: &Router, uri: &str) -> (String, bool) {
    let request = Request::get(uri).body(Body::empty()).unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    let is_hit =
        response.headers().get_all("cache-status").iter().any(|status| status.to_str().unwrap().contains("hit"));
    (String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap(), is_hit)
}

// Without the feature nobody knows the URI before nesting.
#[cfg(feature = "axum")]
#[tokio::test]
async fn nested_routers_with_the_same_inner_path_do_not_share() {
    let inner = |name: &'static str, cache: &CacheLayer| {
        Router::new().route("/x", get(async move || name)).layer(cache.clone())
    };
    let cache = layer();
    let app = Router::new().nest("/one", inner("one", &cache)).nest("/two", inner("two", &cache));
    assert_eq!(send(&app, "/one/x").await, ("one".to_owned(), false));
    assert_eq!(send(&app, "/two/x").await, ("two".to_owned(), false));
    assert_eq!(send(&app, "/one/x").await, ("one".to_owned(), true));
    cache.handle().purge_uri(&"http://localhost/two/x".parse().unwrap()).await.unwrap();
    assert_eq!(send(&app, "/two/x").await, ("two".to_owned(), false));
    assert_eq!(send(&app, "/one/x").await, ("one".to_owned(), true));
}

#[tokio::test]
async fn it_stands_around_a_route_a_method_router_and_a_service() {
    let hello = |uri: Uri| async move { format!("hello {uri}") };
    let app = Router::new().route("/method", get(hello).layer(layer())).route("/all", any(hello)).route_layer(layer());
    for uri in ["/method", "/all"] {
        assert!(!send(&app, uri).await.1);
        assert!(send(&app, uri).await.1, "{uri}");
    }
    let service = layer().layer(Router::new().route("/", get(async || "service")));
    let response: Response<CacheBody> = service.oneshot(Request::get("/").body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(response.headers()["cache-status"], "cachekit; fwd=uri-miss; stored");
}

#[tokio::test]
async fn the_first_rule_that_matches_counts() {
    let cache = CacheLayer::builder()
        .rule(Rule::new().path("/admin/{*rest}").bypass())
        .rule(Rule::new().content_type("application/json").ttl(Duration::from_secs(60)))
        .rule(Rule::new().path("/pages/{id}").ttl(Duration::from_secs(60)))
        .build();
    let json = async || ([("content-type", "application/json")], "{}");
    let app = Router::new()
        .route("/admin/x", get(json))
        .route("/x", get(json))
        .route("/y", get(async || "text"))
        .route("/pages/1", get(async || "text"))
        .layer(cache);
    for (uri, is_hit) in [("/admin/x", false), ("/x", true), ("/y", false), ("/pages/1", true)] {
        send(&app, uri).await;
        assert_eq!(send(&app, uri).await.1, is_hit, "{uri}");
    }
}

/// A service that is ready when it is told to be.
#[derive(Clone)]
struct Saturated(Arc<AtomicBool>);

impl Service<Request<Body>> for Saturated {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        if self.0.load(Ordering::SeqCst) { Poll::Pending } else { Poll::Ready(Ok(())) }
    }

    fn call(&mut self, _: Request<Body>) -> Self::Future {
        assert!(!self.0.load(Ordering::SeqCst), "it was ready");
        ready(Ok(Response::new(Body::from("x"))))
    }
}

#[tokio::test]
async fn hits_do_not_wait_until_what_is_inside_is_ready() {
    let is_saturated = Arc::new(AtomicBool::new(false));
    let service = layer().layer(Saturated(is_saturated.clone()));
    let get = |uri: &str| service.clone().oneshot(Request::get(uri).body(Body::empty()).unwrap());
    get("/").await.unwrap().into_body().collect().await.unwrap();
    tokio::task::yield_now().await;
    is_saturated.store(true, Ordering::SeqCst);
    let hit = tokio::spawn(get("/"));
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
    assert!(hit.is_finished());
    assert_eq!(hit.await.unwrap().unwrap().headers()["cache-status"], "cachekit; hit; ttl=60");
}
