//! Cached handlers and time, by the clock of the test, which the attribute has no word for: the cache that it makes, and what it asks of it.

use axum::{body::to_bytes, response::IntoResponse};
use cachekit::{
    http::__private::{Asked, HandlerCache, HandlerCacheBuilder, Loaded},
    testing::TestClock,
};
use http::{Request, StatusCode};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

const SECOND: Duration = Duration::from_secs(1);

struct Timed {
    clock: TestClock,
    cache: HandlerCache,
    runs: Arc<AtomicU64>,
}

impl Timed {
    fn new(set: impl Fn(HandlerCacheBuilder) -> HandlerCacheBuilder) -> Self {
        let clock = TestClock::new();
        let builder = HandlerCacheBuilder::new("handlers::timed").clock(clock.clock()).ttl(10 * SECOND);
        Timed { clock, cache: set(builder).build(), runs: Arc::default() }
    }

    /// Body and `Cache-Status`, from a handler that gives this status; an `Err` from 400 on.
    async fn ask(&self, status: u16) -> (String, String) {
        let runs = self.runs.clone();
        let load = move || async move {
            let run = runs.fetch_add(1, Ordering::SeqCst) + 1;
            let status = StatusCode::from_u16(status).expect("a status");
            let response = (status, format!("run {run}")).into_response();
            Loaded { response, is_error: status.as_u16() >= 400 }
        };
        let asked = Asked { key: Some("k".to_owned()), identity: None, tags: Vec::new(), surrogate_keys: Vec::new() };
        let (parts, ()) = Request::get("/timed").body(()).expect("a request").into_parts();
        let (parts, body) = self.cache.answer(parts, asked, load).await.into_parts();
        let body = to_bytes(body, usize::MAX).await.expect("it ends well");
        let said = parts.headers["cache-status"].to_str().expect("it is text").to_owned();
        (String::from_utf8_lossy(&body).into_owned(), said)
    }

    /// Until a refresh in the background has given another value.
    async fn refreshed(&self, status: u16) -> String {
        for _ in 0..1_000 {
            let (body, said) = self.ask(status).await;
            if !said.contains("ttl=-") {
                return body;
            }
            tokio::task::yield_now().await;
        }
        panic!("nothing was refreshed");
    }
}

#[tokio::test]
async fn a_stale_response_is_given_while_the_handler_is_asked() {
    let timed = Timed::new(|builder| builder.stale_while_revalidate(60 * SECOND));
    assert_eq!(timed.ask(200).await.0, "run 1");
    timed.clock.advance(11 * SECOND);
    assert_eq!(timed.ask(200).await, ("run 1".to_owned(), "cachekit; hit; ttl=-1".to_owned()));
    assert_eq!(timed.refreshed(200).await, "run 2");
    assert_eq!(timed.runs.load(Ordering::SeqCst), 2, "once, however often it was asked for");
    timed.clock.advance(71 * SECOND);
    assert_eq!(timed.ask(200).await.0, "run 3", "past the allowance it waits");
}

#[tokio::test]
async fn a_stale_response_stands_in_for_an_error() {
    let timed = Timed::new(|builder| builder.stale_if_error(60 * SECOND));
    assert_eq!(timed.ask(200).await.0, "run 1");
    timed.clock.advance(11 * SECOND);
    let (body, said) = timed.ask(503).await;
    assert!(body == "run 1" && said.contains("stale-if-error"), "{body}: {said}");
    assert_eq!(timed.ask(404).await.0, "run 3", "an answer is none");
    timed.clock.advance(60 * SECOND);
    assert_eq!(timed.ask(503).await.0, "run 4");
}

#[tokio::test]
async fn a_304_of_a_handler_is_for_its_own_client() {
    let timed = Timed::new(|builder| builder.stale_while_revalidate(60 * SECOND));
    assert_eq!(timed.ask(200).await.0, "run 1");
    // It knows nothing of the tag that its response has got, and has answered a condition of its client's.
    timed.clock.advance(80 * SECOND);
    let (body, said) = timed.ask(304).await;
    assert!(body == "run 2" && said.contains("fwd=stale"), "{body}: {said}");
    assert_eq!(timed.ask(200).await.0, "run 3", "which says nothing to others");
    timed.clock.advance(11 * SECOND);
    assert_eq!(timed.ask(304).await.0, "run 3", "also where nobody waits for it");
    timed.clock.advance(80 * SECOND);
    assert!(!timed.ask(200).await.1.contains("hit"));
}

#[tokio::test]
async fn an_error_is_kept_for_as_long_as_was_said() {
    let timed = Timed::new(|builder| builder.errors(2 * SECOND));
    assert_eq!((timed.ask(404).await.0, timed.ask(404).await.0), ("run 1".into(), "run 1".into()));
    timed.clock.advance(2 * SECOND);
    assert_eq!(timed.ask(404).await.0, "run 2");
}
