use crate::harness::settle;
use axum::{Router, body::Body, routing::get};
use cachekit_http::{CacheLayer, Rule};
use http::Request;
use std::time::Duration;
use tower::ServiceExt;

fn app() -> Router {
    let rule = Rule::new()
        .ttl(Duration::from_secs(60))
        .stale_while_revalidate(Duration::from_secs(60))
        .tags(|parts| vec![format!("router:{}", parts.uri.path())]);
    let cache = CacheLayer::builder().otherwise(rule).build();
    let purges = cache.handle().router(|parts| parts.headers.contains_key("authorization"));
    let pages = Router::new().route("/a", get(async || "a")).route("/b", get(async || "b")).layer(cache);
    Router::new().nest("/purge", purges).merge(pages)
}

async fn purge(app: &Router, path: &str, body: &'static str, is_authorised: bool) -> u16 {
    let mut request = Request::post(path);
    if is_authorised {
        request = request.header("authorization", "x");
    }
    app.clone().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap().status().as_u16()
}

async fn status(app: &Router, path: &str) -> String {
    let response = app.clone().oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
    response.headers()["cache-status"].to_str().unwrap().to_owned()
}

async fn fill(app: &Router) {
    for path in ["/a", "/b"] {
        status(app, path).await;
        assert!(status(app, path).await.contains("hit"));
    }
}

#[tokio::test]
async fn purges_by_uri_tag_and_all() {
    let app = app();
    for (path, body, is_hit) in [
        ("/purge/uri", "http://localhost/a\n", [false, true]),
        ("/purge/tag", "router:/b", [true, false]),
        ("/purge/all", "", [false, false]),
    ] {
        fill(&app).await;
        assert_eq!(purge(&app, path, body, true).await, 200);
        assert_eq!(
            [status(&app, "/a").await.contains("hit"), status(&app, "/b").await.contains("hit")],
            is_hit,
            "{path}"
        );
    }
    for (path, body, is_soft) in [
        ("/purge/uri?soft", "http://localhost/a", [true, false]),
        ("/purge/tag?soft", "router:/b\n", [false, true]),
        ("/purge/all?soft", "", [true, true]),
    ] {
        fill(&app).await;
        assert_eq!(purge(&app, path, body, true).await, 200);
        for (page, is_soft) in ["/a", "/b"].into_iter().zip(is_soft) {
            let said = status(&app, page).await;
            let ttl: i64 = said.strip_prefix("cachekit; hit; ttl=").expect("it is given").parse().unwrap();
            // While it is asked for anew.
            assert_eq!(ttl <= 0, is_soft, "{path}, {page}: {said}");
            settle().await;
        }
    }
}

#[tokio::test]
async fn who_may_not_purges_nothing() {
    let app = app();
    fill(&app).await;
    for path in ["/purge/uri", "/purge/tag", "/purge/all"] {
        assert_eq!(purge(&app, path, "http://localhost/a", false).await, 403);
    }
    assert!(status(&app, "/a").await.contains("hit"));
    for nothing in ["/a", "no uri at all", ""] {
        assert_eq!(purge(&app, "/purge/uri", nothing, true).await, 400, "{nothing}");
    }
}
