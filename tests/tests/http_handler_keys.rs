//! Cached handlers that take what may be different for each client and name it in `key`, whose state says itself what tells it apart, and that give tuples.

use axum::{
    Extension, Router,
    body::{Body, to_bytes},
    extract::{FromRequestParts, Path, Request, State},
    middleware::{Next, from_fn},
    response::AppendHeaders,
    routing::get,
};
use bytes::Bytes;
use cachekit::{
    cache,
    http::{Scope, ScopeId},
};
use cachekit_tests::responses::{App, ask, get as get_of};
use http::{HeaderMap, StatusCode, request::Parts};
use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use tower::ServiceExt;

#[derive(Clone)]
struct Tenant {
    name: String,
    /// Another number each time, and no part of any key.
    visits: u64,
}

/// As crates of cookies have it.
struct Cookies(Vec<(String, String)>);

impl Cookies {
    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| &**value)
    }
}

impl<S: Sync> FromRequestParts<S> for Cookies {
    type Rejection = Infallible;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let line = text_of(&parts.headers, "cookie").unwrap_or_default();
        let pairs = line.split("; ").filter_map(|pair| pair.split_once('='));
        Ok(Cookies(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()))
    }
}

/// Whoever has logged in.
struct User {
    id: u64,
}

impl<S: Sync> FromRequestParts<S> for User {
    type Rejection = StatusCode;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        let id = text_of(&parts.headers, "authorization").and_then(|id| id.parse().ok());
        id.map(|id| User { id }).ok_or(StatusCode::UNAUTHORIZED)
    }
}

fn text_of<'a>(fields: &'a HeaderMap, name: &str) -> Option<&'a str> {
    fields.get(name).and_then(|value| value.to_str().ok())
}

#[cache(http, ttl = "30s", key = (tenant.name, *id))]
async fn by_extension(
    State(app): State<Arc<App>>,
    Extension(tenant): Extension<Tenant>,
    Path(id): Path<u64>,
) -> String {
    assert_ne!(tenant.visits, u64::MAX);
    format!("{} {id} {}", tenant.name, app.run())
}

#[cache(http, ttl = "30s", key = (text_of(&headers, "x-tenant"), *id))]
async fn by_field(State(app): State<Arc<App>>, headers: HeaderMap, Path(id): Path<u64>) -> String {
    format!("{} {id} {}", text_of(&headers, "x-tenant").unwrap_or("none"), app.run())
}

#[cache(http, ttl = "30s", key = (cookies.get("theme"), *id))]
async fn by_cookie(State(app): State<Arc<App>>, cookies: Cookies, Path(id): Path<u64>) -> String {
    format!("{} {id} {}", cookies.get("theme").unwrap_or("none"), app.run())
}

#[cache(http, ttl = "30s", key = (user.id % 10, *id))]
async fn by_user(State(app): State<Arc<App>>, user: User, Path(id): Path<u64>) -> String {
    format!("{} {id} {}", user.id % 10, app.run())
}

#[cache(http, ttl = "30s", key = (text_of(request.headers(), "x-tenant"), *id))]
async fn by_request(State(app): State<Arc<App>>, Path(id): Path<u64>, request: Request) -> String {
    format!("{} {id} {}", text_of(request.headers(), "x-tenant").unwrap_or("none"), app.run())
}

/// As a layer before the handlers does that finds out whose a request is.
async fn find_tenant(mut request: Request, next: Next) -> axum::response::Response {
    static VISITS: AtomicU64 = AtomicU64::new(0);
    let name = text_of(request.headers(), "x-tenant").unwrap_or("none").to_owned();
    let visits = VISITS.fetch_add(1, Ordering::SeqCst);
    request.extensions_mut().insert(Tenant { name, visits });
    next.run(request).await
}

#[tokio::test]
async fn what_is_different_for_each_client_is_a_key_where_it_is_named() {
    for (path, field, [one, other, same], [first, second]) in [
        ("extension", "x-tenant", ["ada", "bob", "ada"], ["ada", "bob"]),
        ("field", "x-tenant", ["ada", "bob", "ada"], ["ada", "bob"]),
        ("request", "x-tenant", ["ada", "bob", "ada"], ["ada", "bob"]),
        ("cookie", "cookie", ["a=1; theme=dark", "a=1; theme=light", "theme=dark; a=2"], ["dark", "light"]),
        ("user", "authorization", ["13", "14", "3"], ["3", "4"]),
    ] {
        let router = Router::new()
            .route("/extension/{id}", get(by_extension))
            .route("/field/{id}", get(by_field))
            .route("/cookie/{id}", get(by_cookie))
            .route("/user/{id}", get(by_user))
            .route("/request/{id}", get(by_request))
            .layer(from_fn(find_tenant))
            .with_state(Arc::new(App::default()));
        for (id, value, expected, is_hit) in [
            (1, one, format!("{first} 1 1"), false),
            (1, other, format!("{second} 1 2"), false),
            (1, one, format!("{first} 1 1"), true),
            (1, same, format!("{first} 1 1"), true),
            (1, other, format!("{second} 1 2"), true),
            (2, one, format!("{first} 2 3"), false),
        ] {
            let got = ask(&router, http::Request::get(format!("/{path}/{id}")).header(field, value)).await;
            assert_eq!((got.body.as_str(), got.is_hit()), (expected.as_str(), is_hit), "{path}, {id}, {value}");
        }
    }
}

/// A state that says what tells it apart for all handlers.
#[derive(Clone)]
struct Shop {
    name: String,
    app: Arc<App>,
}

impl Scope for Shop {
    fn scope(&self) -> ScopeId {
        self.name.scope()
    }
}

#[cache(http, ttl = "30s")]
async fn of_shop(State(shop): State<Shop>, Path(id): Path<u64>) -> String {
    format!("{} {id} {}", shop.name, shop.app.run())
}

#[tokio::test]
async fn a_state_with_a_scope_of_its_own_is_told_apart_by_it() {
    let app = Arc::new(App::default());
    let router = |name: &str, app: &Arc<App>| {
        let shop = Shop { name: name.to_owned(), app: app.clone() };
        Router::new().route("/shop/{id}", get(of_shop)).with_state(shop)
    };
    let (one, other) = (router("one", &app), router("other", &app));
    // Of the same name, whatever else is in it.
    let same = router("one", &Arc::default());
    for (router, expected) in [(&one, "one 7 1"), (&other, "other 7 2"), (&one, "one 7 1"), (&same, "one 7 1")] {
        assert_eq!(get_of(router, "/shop/7").await.body, expected);
    }
}

#[cache(http, ttl = "30s")]
async fn tuple(
    State(app): State<Arc<App>>,
    Path(id): Path<u64>,
) -> (StatusCode, [(&'static str, String); 2], AppendHeaders<[(&'static str, &'static str); 2]>, Vec<u8>) {
    let run = app.run();
    let fields = [("content-type", "text/x-odd".to_owned()), ("x-run", format!("{id}-{run}"))];
    let body = [&[0, 0xff][..], run.to_string().as_bytes()].concat();
    (StatusCode::NON_AUTHORITATIVE_INFORMATION, fields, AppendHeaders([("x-many", "1"), ("x-many", "2")]), body)
}

#[cache(http, ttl = "30s")]
async fn pair(State(app): State<Arc<App>>) -> (StatusCode, [(&'static str, &'static str); 1], String) {
    (StatusCode::OK, [("x-a", "b")], format!("run {}", app.run()))
}

#[tokio::test]
async fn a_tuple_is_stored_as_the_response_that_it_is() {
    let router = Router::new().route("/tuple/{id}", get(tuple)).route("/pair", get(pair)).with_state(Arc::default());
    for is_hit in [false, true, true] {
        let (parts, body) = get_bytes(&router, "/tuple/7").await;
        assert_eq!(parts.status, StatusCode::NON_AUTHORITATIVE_INFORMATION);
        assert_eq!(body, &b"\0\xff1"[..], "bytes, as they are");
        assert_eq!(["content-type", "x-run"].map(|name| &parts.headers[name]), ["text/x-odd", "7-1"]);
        let many: Vec<_> = parts.headers.get_all("x-many").iter().collect();
        assert_eq!(many, ["1", "2"], "a field that is there twice");
        assert_eq!(parts.headers["content-length"], "3");
        assert_eq!(parts.headers["cache-status"].to_str().expect("text").contains("; hit"), is_hit);
    }
    for is_hit in [false, true] {
        let got = get_of(&router, "/pair").await;
        assert_eq!((got.status, got.field("x-a"), &*got.body), (StatusCode::OK, "b", "run 2"));
        assert_eq!((got.is_hit(), got.field("content-type")), (is_hit, "text/plain; charset=utf-8"));
    }
}

/// A function sees no host, so that none makes a difference, and what is none neither.
#[tokio::test]
async fn hosts_are_nothing_to_a_function() {
    let router = Router::new().route("/pair", get(pair)).with_state(Arc::default());
    for (host, is_hit) in [("a.example", false), ("B.example:81", true), ("no host", true), ("", true)] {
        let got = ask(&router, http::Request::get("/pair").header("host", host)).await;
        assert_eq!((got.is_hit(), &*got.body), (is_hit, "run 1"), "{host}");
        assert_eq!(got.field("cache-control"), "no-cache", "with what it says to clients");
    }
    // What it says to clients is of the entry: conditions are answered with it, too.
    let tag = get_of(&router, "/pair").await.field("etag").to_owned();
    let got = ask(&router, http::Request::get("/pair").header("if-none-match", tag)).await;
    assert_eq!((got.status, got.field("cache-control")), (StatusCode::NOT_MODIFIED, "no-cache"));
}

async fn get_bytes(router: &Router, uri: &str) -> (http::response::Parts, Bytes) {
    let request = http::Request::get(uri).body(Body::empty()).expect("a request");
    let Ok(response) = router.clone().oneshot(request).await;
    let (parts, body) = response.into_parts();
    (parts, to_bytes(body, usize::MAX).await.expect("the body ends well"))
}
