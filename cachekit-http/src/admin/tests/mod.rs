//! The API through its router.

mod audited;
mod changes;
mod guards;
mod live;
mod log;
mod reads;

use super::{Access, Admin, HEADER, Scope};
use axum::{Router, body::Body};
use cachekit_runtime::{Cache, time::TestClock};
use http::{Method, Request, Response, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;

/// Somebody who may do everything.
fn anybody(who: &str) -> Access {
    Access::named(who).may(Scope::Read).may(Scope::Operate).may(Scope::Destroy).may_see_entries()
}

fn admin(who: &'static str) -> Router {
    log::listen();
    Admin::new(move |_| Some(anybody(who))).router()
}

/// With a clock that stands still.
fn at_one_moment(mut admin: Admin) -> (Admin, TestClock) {
    let clock = TestClock::new();
    admin.gate.limits(clock.clock());
    (admin, clock)
}

fn cache(name: &'static str) -> Cache<String, u64> {
    Cache::builder().name(name).capacity(100).readable().build()
}

fn get(uri: &str) -> Request<Body> {
    Request::get(uri).header("host", "localhost:3000").body(Body::empty()).unwrap()
}

fn post(uri: &str, body: &str) -> Request<Body> {
    changing(Method::POST, uri, body)
}

fn changing(method: Method, uri: &str, body: &str) -> Request<Body> {
    Request::builder()
        .method(method)
        .uri(uri)
        .header("host", "localhost:3000")
        .header("content-type", "application/json")
        .header(HEADER, "1")
        .body(Body::from(body.to_owned()))
        .unwrap()
}

async fn response(router: &Router, request: Request<Body>) -> Response<Body> {
    router.clone().oneshot(request).await.unwrap()
}

async fn ask(router: &Router, request: Request<Body>) -> (StatusCode, Value) {
    let response = response(router, request).await;
    let (status, body) = (response.status(), response.into_body().collect().await.unwrap().to_bytes());
    (status, serde_json::from_slice(&body).unwrap_or_else(|_| panic!("{status}: {body:?}")))
}

async fn ok(router: &Router, request: Request<Body>) -> Value {
    let (status, said) = ask(router, request).await;
    assert_eq!(status, StatusCode::OK, "{said}");
    said
}

/// The code of a refusal, which says what to do instead.
async fn refused(router: &Router, request: Request<Body>) -> (u16, String) {
    let (status, said) = ask(router, request).await;
    let error = &said["error"];
    let text = |part: &str| error[part].as_str().unwrap_or_default().to_owned();
    assert!(!text("message").is_empty() && !text("instead").is_empty(), "{status}: {said}");
    (status.as_u16(), text("code"))
}

fn is(code: u16, word: &str) -> (u16, String) {
    (code, word.to_owned())
}
