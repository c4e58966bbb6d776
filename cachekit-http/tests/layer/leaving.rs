//! Clients that leave, and handlers that do not end.

use crate::{
    collapsing::many,
    harness::{Bench, request, response, settle},
    streaming::Chunks,
};
use axum::body::Body;
use bytes::Bytes;
use cachekit_http::{CacheLayer, Rule};
use http_body::Frame;
use http_body_util::BodyExt;
use std::{
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

const FRESH: &[(&str, &str)] = &[("cache-control", "max-age=60")];

/// Counts itself as long as it is there.
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Counted(count.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A handler that never answers, and how many of its calls go on.
fn hanging() -> (Arc<Bench>, Arc<AtomicUsize>) {
    let live = Arc::new(AtomicUsize::new(0));
    let counted = live.clone();
    let bench = Bench::new(Rule::new(), move |_, _| {
        let call = Counted::new(&counted);
        async move {
            let _call = call;
            std::future::pending().await
        }
    });
    (Arc::new(bench), live)
}

#[tokio::test]
async fn what_serves_nobody_else_ends_with_its_client() {
    for own in [&[("range", "bytes=0-1")][..], &[("cache-control", "no-store")], &[("cookie", "a=b")]] {
        let (bench, live) = hanging();
        let mut clients = many(&bench, 20, own).await;
        assert_eq!(live.load(Ordering::SeqCst), 20);
        clients.shutdown().await;
        assert_eq!(live.load(Ordering::SeqCst), 0, "{own:?}");
    }
}

#[tokio::test]
async fn a_handler_that_hangs_is_let_go_when_nobody_has_waited_for_long() {
    let (bench, live) = hanging();
    let mut clients = many(&bench, 1, &[]).await;
    bench.advance(40);
    settle().await;
    assert_eq!(live.load(Ordering::SeqCst), 1, "its client waits");
    let mut others = many(&bench, 1, &[]).await;
    assert_eq!(live.load(Ordering::SeqCst), 2, "and nobody else does any more");
    clients.shutdown().await;
    others.shutdown().await;
    settle().await;
    assert_eq!(live.load(Ordering::SeqCst), 2);
    bench.advance(30);
    settle().await;
    assert_eq!(live.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_refresh_that_hangs_is_let_go_and_tried_again() {
    let bench = Bench::new(Rule::new(), |_, call| async move {
        if call == 2 {
            std::future::pending::<()>().await;
        }
        let fields = [("cache-control", "max-age=10, stale-while-revalidate=100")];
        Ok(response(200, &fields, format!("body {call}")))
    });
    bench.get("/a").await;
    bench.advance(11);
    for calls in [2, 2, 3] {
        assert_eq!(bench.get("/a").await.body, "body 1");
        assert_eq!(bench.calls(), calls);
        bench.advance(if calls == 2 { 15 } else { 0 });
        settle().await;
    }
    assert_eq!(bench.get("/a").await.body, "body 3");
}

#[tokio::test]
async fn without_any_time_a_fill_goes_on_for_its_client() {
    let bench = Bench::built(CacheLayer::builder().fill_limit(Duration::ZERO), |_, _| async move {
        tokio::task::yield_now().await;
        Ok(response(200, FRESH, "x"))
    });
    assert_eq!(bench.get("/a").await.body, "x");
}

/// A handler whose first body is what is sent; the others are whole.
fn fed(rule: Rule) -> (Bench, UnboundedSender<&'static str>) {
    let (sender, receiver) = unbounded_channel();
    let receiver = Arc::new(Mutex::new(Some(receiver)));
    let bench = Bench::new(rule, move |_, _| {
        let chunks = receiver.lock().unwrap().take();
        let body = chunks.map_or(Body::from("whole"), |chunks| Body::new(Chunks(chunks)));
        async move { Ok(response(200, FRESH, body)) }
    });
    (bench, sender)
}

#[tokio::test]
async fn a_body_without_an_end_is_let_go_when_nobody_has_read_it_for_long() {
    let (bench, sender) = fed(Rule::new());
    drop(bench.begin(request("GET", "/a", &[])).await.unwrap());
    for _ in 0..2 {
        sender.send("{}").unwrap();
        bench.advance(14);
        settle().await;
        assert!(!sender.is_closed(), "it may still become something to store");
    }
    bench.advance(2);
    settle().await;
    assert!(sender.is_closed());
    assert_eq!(bench.get("/a").await.body, "whole");
}

#[tokio::test]
async fn a_body_without_an_end_is_joined_by_nobody_after_a_while() {
    let (bench, sender) = fed(Rule::new());
    let mut first = bench.begin(request("GET", "/a", &[])).await.unwrap().into_body();
    bench.advance(31);
    settle().await;
    assert_eq!(bench.get("/a").await.body, "whole");
    sender.send("more").unwrap();
    assert_eq!(first.frame().await.unwrap().unwrap().into_data().unwrap(), "more", "who reads it still does");
    drop(first);
    bench.advance(30);
    settle().await;
    assert!(sender.is_closed());
}

#[tokio::test]
async fn a_quiet_body_that_is_not_stored_ends_with_its_last_reader() {
    let (bench, sender) = fed(Rule::new().max_body(3));
    let mut body = bench.begin(request("GET", "/a", &[])).await.unwrap().into_body();
    sender.send("long").unwrap();
    assert!(body.frame().await.unwrap().is_ok());
    settle().await;
    assert!(!sender.is_closed());
    drop(body);
    settle().await;
    assert!(sender.is_closed());
}

/// Always has more, and never anything.
struct Empty(Counted);

impl http_body::Body for Empty {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let _ = &self.0;
        Poll::Ready(Some(Ok(Frame::data(Bytes::new()))))
    }
}

#[tokio::test]
async fn a_body_that_is_always_ready_keeps_no_thread_and_ends_too() {
    let live = Arc::new(AtomicUsize::new(0));
    let counted = live.clone();
    let bench = Bench::new(Rule::new().max_body(10), move |_, _| {
        let body = Body::new(Empty(Counted::new(&counted)));
        async move { Ok(response(200, FRESH, body)) }
    });
    drop(bench.begin(request("GET", "/a", &[])).await.unwrap());
    settle().await;
    assert_eq!(live.load(Ordering::SeqCst), 1);
    bench.advance(31);
    settle().await;
    assert_eq!(live.load(Ordering::SeqCst), 0);
}

/// A body that panics in the middle.
struct Panicking(bool);

impl http_body::Body for Panicking {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        assert!(!self.0, "a body's");
        self.0 = true;
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"half")))))
    }
}

#[tokio::test]
async fn a_body_that_panics_breaks_off_for_everybody_and_is_forgotten() {
    let bench = Arc::new(Bench::new(Rule::new(), |_, call| async move {
        Ok(response(200, FRESH, if call == 1 { Body::new(Panicking(false)) } else { Body::from("whole") }))
    }));
    let error = bench.try_send("GET", "/a", &[]).await.unwrap_err();
    assert_eq!(error.to_string(), "the body of the handler was dropped before its end");
    assert_eq!(bench.get("/a").await.body, "whole");
    assert!(bench.get("/a").await.is_hit());
}

#[tokio::test]
async fn a_panic_of_who_asks_alone_is_its_callers_and_leaves_nothing_behind() {
    let bench = Arc::new(Bench::new(Rule::new(), |_, call| async move {
        assert!(call > 1, "a handler's");
        Ok(response(200, FRESH, "well"))
    }));
    let mut alone = many(&bench, 1, &[("range", "bytes=0-1")]).await;
    assert!(alone.join_next().await.unwrap().unwrap_err().is_panic());
    assert_eq!(bench.get("/a").await.body, "well");
}
