use super::*;
use axum::extract::ConnectInfo;
use http::{HeaderName, HeaderValue, header};
use log::events_of;
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

fn with(mut request: Request<Body>, headers: &[(&str, &str)]) -> Request<Body> {
    for (name, value) in headers {
        let name = HeaderName::try_from(*name).unwrap();
        request.headers_mut().insert(name, HeaderValue::from_str(value).unwrap());
    }
    request
}

fn from(mut request: Request<Body>, address: &str) -> Request<Body> {
    let address: SocketAddr = address.parse().unwrap();
    request.extensions_mut().insert(ConnectInfo(address));
    request
}

/// Every route but the page, with the scope that it needs.
fn routes() -> Vec<(Method, &'static str, Scope)> {
    let mut all = vec![
        (Method::GET, "/api/caches", Scope::Read),
        (Method::GET, "/api/caches/g::all", Scope::Read),
        (Method::GET, "/api/caches/g::all/entries", Scope::Read),
        (Method::POST, "/api/caches/g::all/get", Scope::Read),
        (Method::POST, "/api/caches/g::all/explain", Scope::Read),
        (Method::GET, "/api/live", Scope::Read),
        (Method::POST, "/api/caches/g::all/settings", Scope::Operate),
        (Method::POST, "/api/caches/g::all/invalidate", Scope::Destroy),
        (Method::POST, "/api/caches/g::all/clear", Scope::Destroy),
        (Method::POST, "/api/invalidate", Scope::Destroy),
    ];
    if cfg!(feature = "advice") {
        all.extend([
            (Method::GET, "/api/caches/g::all/advice", Scope::Read),
            (Method::POST, "/api/caches/g::all/advice", Scope::Operate),
            (Method::DELETE, "/api/caches/g::all/advice", Scope::Operate),
            (Method::GET, "/api/caches/g::all/top", Scope::Read),
            (Method::POST, "/api/caches/g::all/top", Scope::Operate),
            (Method::DELETE, "/api/caches/g::all/top", Scope::Operate),
        ]);
    }
    if cfg!(feature = "config") {
        all.push((Method::POST, "/api/configuration/reload", Scope::Operate));
    }
    if cfg!(feature = "prometheus") {
        all.push((Method::GET, "/metrics", Scope::Read));
    }
    all
}

#[tokio::test]
async fn each_route_needs_its_scope_and_no_other() {
    let _all = cache("g::all");
    let scopes = [Scope::Read, Scope::Operate, Scope::Destroy];
    for (method, uri, needed) in routes() {
        for given in scopes {
            let router: Router =
                Admin::new(move |_| Some(Access::named("scoped").may(given).may_see_entries())).router();
            let answer = response(&router, changing(method.clone(), uri, "{}")).await;
            assert_eq!(
                answer.status() == StatusCode::FORBIDDEN,
                given != needed,
                "{method} {uri} with {given:?}: {answer:?}"
            );
        }
        let nobody: Router = Admin::new(|_| Some(Access::named("nobody"))).router();
        assert_eq!(refused(&nobody, changing(method.clone(), uri, "{}")).await, is(403, "no_scope"), "{method} {uri}");
        let stranger: Router = Admin::new(|_| None).router();
        let said = refused(&stranger, changing(method.clone(), uri, "{}")).await;
        assert_eq!(said, is(401, "not_authorised"), "{method} {uri}");
    }
}

#[tokio::test]
async fn a_bearer_is_who_has_all_of_the_secret() {
    let asks = |value: &str| {
        let (parts, ()) = Request::get("/").header("authorization", value).body(()).unwrap().into_parts();
        parts
    };
    assert!(super::super::is_bearer(&asks("Bearer s3cret"), "s3cret"));
    assert!(super::super::is_bearer(&asks("bearer s3cret"), "s3cret"));
    for wrong in ["Bearer s3cre", "Bearer s3cret2", "Basic s3cret", "s3cret", "Bearer ", "Bearer"] {
        assert!(!super::super::is_bearer(&asks(wrong), "s3cret"), "{wrong}");
    }
    assert!(!super::super::is_bearer(&asks("Bearer "), ""));
    let mut twice = asks("Bearer s3cret");
    twice.headers.append("authorization", HeaderValue::from_static("Bearer s3cret"));
    assert!(!super::super::is_bearer(&twice, "s3cret"));
}

#[tokio::test]
async fn a_name_that_is_not_ours_is_refused() {
    let router: Router = Admin::new(|_| Some(anybody("host"))).host("Admin.example.com").host("box:8080").router();
    let asks = |host: &str| with(get("/api/caches"), &[("host", host)]);
    let ours =
        ["localhost", "LOCALHOST:1", "127.0.0.1:3000", "10.1.2.3", "[::1]:3000", "admin.example.com", "box:8080"];
    for host in ours {
        assert_eq!(response(&router, asks(host)).await.status(), StatusCode::OK, "{host}");
    }
    let theirs = [
        "evil.example",
        "localhost.evil.example",
        "admin.example.com:1",
        "box",
        "a@localhost",
        "127.0.0.1.evil.example",
        "",
        "0x7f.1",
    ];
    for host in theirs {
        assert_eq!(refused(&router, asks(host)).await, is(421, "foreign_host"), "{host}");
        // The page too.
        assert_eq!(refused(&router, with(get("/"), &[("host", host)])).await, is(421, "foreign_host"), "{host}");
    }
    let mut twice = get("/api/caches");
    twice.headers_mut().append("host", HeaderValue::from_static("evil.example"));
    assert_eq!(refused(&router, twice).await, is(400, "bad_header"));
    let mut nowhere = get("/api/caches");
    nowhere.headers_mut().remove("host");
    assert_eq!(refused(&router, nowhere).await, is(421, "foreign_host"));
    let mut second = get("http://localhost:3000/api/caches");
    second.headers_mut().remove("host");
    assert_eq!(response(&router, second).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_page_of_another_origin_is_refused() {
    let router: Router = Admin::new(|_| Some(anybody("origin"))).host("admin.example.com").router();
    let asks = |origin: &str| with(get("/api/caches"), &[("origin", origin)]);
    for origin in
        ["http://localhost:3000", "https://localhost:3000", "HTTP://LocalHost:3000", "https://admin.example.com"]
    {
        assert_eq!(response(&router, asks(origin)).await.status(), StatusCode::OK, "{origin}");
    }
    for origin in [
        "http://localhost:3001",
        "http://localhost",
        "null",
        "https://evil.example",
        "https://admin.example.com.evil.example",
        "ftp://localhost:3000",
        "localhost:3000",
    ] {
        assert_eq!(refused(&router, asks(origin)).await, is(403, "foreign_origin"), "{origin}");
    }
    for site in ["cross-site", "same-site"] {
        let asks = with(get("/api/caches"), &[("sec-fetch-site", site), ("sec-fetch-mode", "cors")]);
        assert_eq!(refused(&router, asks).await, is(403, "foreign_origin"), "{site}");
        let posts = with(post("/api/caches/x/clear", ""), &[("sec-fetch-site", site), ("sec-fetch-mode", "navigate")]);
        assert_eq!(refused(&router, posts).await, is(403, "foreign_origin"), "{site}");
    }
    let link = with(get("/"), &[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")]);
    assert_eq!(response(&router, link).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_change_needs_what_a_form_cannot_send() {
    let all = cache("g::form");
    all.insert("Ann".to_owned(), 1);
    let router = admin("form");
    for (method, uri, _) in routes().into_iter().filter(|(method, ..)| method != Method::GET) {
        let mut request = changing(method, uri, "{}");
        request.headers_mut().remove(HEADER);
        assert_eq!(refused(&router, request).await, is(403, "no_header"), "{uri}");
    }
    // What forms send is no JSON.
    for content_type in ["text/plain", "application/x-www-form-urlencoded", ""] {
        let request =
            with(post("/api/caches/g::form/invalidate", r#"{"key":"\"Ann\""}"#), &[("content-type", content_type)]);
        assert_eq!(refused(&router, request).await, is(415, "no_json"), "{content_type}");
    }
    assert_eq!(all.len(), 1);
}

#[tokio::test]
async fn a_body_is_read_up_to_a_bound() {
    let _all = cache("g::body");
    let router = admin("body");
    let of = |length: usize| post("/api/caches/g::body/explain", &format!(r#"{{"key":"\"{}\""}}"#, "x".repeat(length)));
    assert_eq!(ok(&router, of(16 * 1024 - 14)).await["state"], "absent");
    assert_eq!(refused(&router, of(16 * 1024 - 13)).await, is(413, "too_large"));
}

#[tokio::test]
async fn the_page_may_load_nothing_and_run_only_its_own() {
    let router = admin("page");
    let page = async || {
        let response = response(&router, get("/")).await;
        let policy = response.headers()["content-security-policy"].to_str().unwrap().to_owned();
        let text = response.into_body().collect().await.unwrap().to_bytes();
        (policy, String::from_utf8(text.to_vec()).unwrap())
    };
    let ((first, text), (second, _)) = (page().await, page().await);
    let nonce =
        |policy: &str| policy.split("script-src 'nonce-").nth(1).unwrap().split('\'').next().unwrap().to_owned();
    assert_ne!(nonce(&first), nonce(&second));
    assert!(nonce(&first).len() >= 32 && first.starts_with("default-src 'none';"), "{first}");
    assert!(first.contains("frame-ancestors 'none'") && !first.contains("unsafe"), "{first}");
    assert_eq!(text.matches(&format!("nonce=\"{}\"", nonce(&first))).count(), 2);
    assert_eq!(text.matches("<script").count() + text.matches("<style").count(), 2);
    for outside in ["http://", "https://", "src=", "@import", " style=\"", " onclick=", "innerHTML", "localStorage"] {
        let without = text.replace("http://www.w3.org/2000/svg", "");
        assert!(!without.contains(outside), "{outside}");
    }
    for uri in ["/", "/api/caches", "/nowhere"] {
        let headers = response(&router, get(uri)).await.headers().clone();
        assert!(headers.contains_key(header::CONTENT_SECURITY_POLICY), "{uri}");
        assert_eq!(headers["cache-control"], "no-store", "{uri}");
        assert_eq!(headers["x-content-type-options"], "nosniff", "{uri}");
        assert_eq!(headers["x-frame-options"], "DENY", "{uri}");
        assert!(!headers.contains_key("access-control-allow-origin"), "{uri}");
    }
}

#[tokio::test]
async fn changes_are_limited() {
    let _all = cache("g::often");
    let (admin, clock) = at_one_moment(Admin::new(|_| Some(anybody("often"))));
    let router: Router = admin.router();
    let change = |address: &str| from(post("/api/caches/g::often/settings", r#"{"enabled":true}"#), address);
    for _ in 0..30 {
        ok(&router, change("10.0.0.1:1")).await;
    }
    assert_eq!(refused(&router, change("10.0.0.1:2")).await, is(429, "too_many"));
    // Others, and looks, are not concerned.
    ok(&router, change("10.0.0.2:1")).await;
    ok(&router, from(get("/api/caches"), "10.0.0.1:1")).await;
    clock.advance(Duration::from_secs(1));
    for _ in 0..5 {
        ok(&router, change("10.0.0.1:1")).await;
    }
    assert_eq!(refused(&router, change("10.0.0.1:1")).await, is(429, "too_many"));
}

#[tokio::test]
async fn requests_are_limited() {
    let (admin, clock) = at_one_moment(Admin::new(|_| Some(anybody("requests"))));
    let router: Router = admin.router();
    for _ in 0..200 {
        assert_eq!(response(&router, get("/")).await.status(), StatusCode::OK);
    }
    assert_eq!(refused(&router, get("/")).await, is(429, "too_many"));
    clock.advance(Duration::from_secs(1));
    assert_eq!(response(&router, get("/")).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn guesses_are_limited_and_then_not_even_looked_at() {
    let looked = Arc::new(AtomicUsize::new(0));
    let counts = looked.clone();
    let (admin, clock) = at_one_moment(Admin::new(move |request| {
        counts.fetch_add(1, Ordering::Relaxed);
        super::super::is_bearer(request, "right").then(|| anybody("guesser"))
    }));
    let router: Router = admin.router();
    let guess = |secret: &str, address: &str| {
        from(with(get("/api/caches"), &[("authorization", &format!("Bearer {secret}"))]), address)
    };
    for _ in 0..10 {
        assert_eq!(refused(&router, guess("wrong", "10.0.0.1:1")).await, is(401, "not_authorised"));
    }
    for secret in ["wrong", "right"] {
        assert_eq!(refused(&router, guess(secret, "10.0.0.1:1")).await, is(429, "too_many"));
    }
    assert_eq!(looked.load(Ordering::Relaxed), 10);
    ok(&router, guess("right", "10.0.0.2:1")).await;
    clock.advance(Duration::from_secs(1));
    ok(&router, guess("right", "10.0.0.1:1")).await;
}

#[tokio::test]
async fn many_places_are_bounded() {
    let (mut admin, _clock) = at_one_moment(Admin::new(|_| None));
    let limits = admin.gate.take_limits();
    for n in 0..20_000_u32 {
        let peer = Some(std::net::Ipv4Addr::from(n).into());
        limits.take(peer, super::super::limits::Kind::Refused).ok();
    }
    assert!(limits.len() <= 1_025, "{}", limits.len());
}

#[tokio::test]
async fn what_is_refused_is_an_event() {
    log::listen();
    let router: Router = Admin::new(|_| Some(Access::named("curious").may(Scope::Read))).router();
    refused(&router, post("/api/caches/g::any/clear", "")).await;
    let events = events_of("curious");
    assert_eq!(events.len(), 1, "{events:?}");
    assert!(events[0].starts_with("WARN") && events[0].contains("code=\"no_scope\""), "{events:?}");
}
