use crate::harness::{Bench, request, response, settle};
use axum::body::Body;
use bytes::Bytes;
use cachekit_http::Rule;
use http::HeaderMap;
use http_body::Frame;
use http_body_util::BodyExt;
use std::{
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// A body of what is sent to it.
pub(crate) struct Chunks(pub(crate) UnboundedReceiver<&'static str>);

impl http_body::Body for Chunks {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.0.poll_recv(context).map(|chunk| {
            let chunk = chunk?;
            Some(match chunk {
                "!" => Err(std::io::Error::other("broken")),
                "trailers" => {
                    Ok(Frame::trailers(HeaderMap::from_iter([("x-t".parse().unwrap(), "1".parse().unwrap())])))
                }
                chunk => Ok(Frame::data(Bytes::from_static(chunk.as_bytes()))),
            })
        })
    }
}

/// A handler that answers with these chunks.
fn of(rule: Rule, chunks: &'static [&'static str], fields: &'static [(&'static str, &'static str)]) -> Bench {
    Bench::new(rule, move |_, _| async move {
        let (sender, receiver) = unbounded_channel();
        chunks.iter().for_each(|chunk| sender.send(*chunk).unwrap());
        Ok(response(200, fields, Body::new(Chunks(receiver))))
    })
}

const FRESH: &[(&str, &str)] = &[("cache-control", "max-age=60")];

#[tokio::test]
async fn what_is_too_long_passes_and_is_not_stored() {
    let rule = Rule::new().max_body(6);
    for (chunks, body, is_stored) in
        [(&["abc", "def"][..], "abcdef", true), (&["abc", "defg", "h"][..], "abcdefgh", false)]
    {
        let bench = of(rule.clone(), chunks, FRESH);
        assert_eq!(bench.get("/a").await.body, body);
        let again = bench.get("/a").await;
        assert_eq!((again.body.as_ref(), again.is_hit()), (body.as_bytes(), is_stored));
    }
    let bench = of(rule, &["abcdefgh"], &[("cache-control", "max-age=60"), ("content-length", "8")]);
    assert_eq!(bench.get("/a").await.cache(), "cachekit; fwd=uri-miss; detail=too-long");
}

#[tokio::test]
async fn a_body_that_ends_early_is_not_stored() {
    let bench = of(Rule::new(), &["abc", "!"], FRESH);
    for calls in 1..3 {
        let error = bench.try_send("GET", "/a", &[]).await.unwrap_err();
        assert_eq!(error.source().unwrap().to_string(), "broken");
        settle().await;
        assert_eq!(bench.calls(), calls);
    }
    let short = of(Rule::new(), &["abc"], &[("cache-control", "max-age=60"), ("content-length", "5")]);
    short.get("/a").await;
    assert!(!short.get("/a").await.is_hit());
}

#[tokio::test]
async fn trailers_go_on_and_are_not_stored() {
    let bench = of(Rule::new(), &["abc", "trailers"], FRESH);
    let body = bench.begin(request("GET", "/a", &[])).await.unwrap().into_body().collect().await.unwrap();
    assert_eq!(body.trailers().unwrap()["x-t"], "1");
    settle().await;
    let body = bench.begin(request("GET", "/a", &[])).await.unwrap().into_body().collect().await.unwrap();
    assert!(body.trailers().is_none() && body.to_bytes() == "abc");
}

#[tokio::test]
async fn event_streams_are_not_touched() {
    let bench =
        of(Rule::rfc(), &["data: 1\n\n"], &[("content-type", "text/event-stream"), ("cache-control", "max-age=60")]);
    assert_eq!(bench.get("/a").await.cache(), "cachekit; fwd=uri-miss; detail=endless");
}

/// Counts the chunks that were taken.
struct Endless(Arc<AtomicUsize>);

impl http_body::Body for Endless {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&[0; 64 << 10])))))
    }
}

#[tokio::test]
async fn a_slow_client_holds_back_only_what_is_not_stored_and_its_leaving_ends_it() {
    let taken = Arc::new(AtomicUsize::new(0));
    let counted = taken.clone();
    let bench = Bench::new(Rule::new().max_body(1 << 20), move |_, _| {
        let counted = counted.clone();
        async move { Ok(response(200, FRESH, Body::new(Endless(counted)))) }
    });
    let mut slow = bench.begin(request("GET", "/a", &[])).await.unwrap().into_body();
    settle().await;
    let ahead = taken.load(Ordering::SeqCst);
    assert!(ahead <= 22, "{ahead} chunks of 64 KiB for a bound of 1 MiB and a window of 256 KiB");
    settle().await;
    assert_eq!(taken.load(Ordering::SeqCst), ahead, "it waits");
    for _ in 0..40 {
        assert!(slow.frame().await.unwrap().is_ok());
    }
    settle().await;
    assert!(taken.load(Ordering::SeqCst) > ahead, "and goes on");
    drop(slow);
    settle().await;
    let last = taken.load(Ordering::SeqCst);
    settle().await;
    assert_eq!(taken.load(Ordering::SeqCst), last, "nobody reads it any more");
}

#[tokio::test]
async fn a_slow_client_and_a_slow_origin_do_not_hold_others_back() {
    let (sender, receiver) = unbounded_channel();
    let receiver = Arc::new(Mutex::new(Some(receiver)));
    let bench = Bench::new(Rule::new(), move |_, _| {
        let chunks = receiver.lock().unwrap().take().unwrap();
        async move { Ok(response(200, FRESH, Body::new(Chunks(chunks)))) }
    });
    // One reads nothing at all.
    let slow = bench.begin(request("GET", "/a", &[])).await.unwrap();
    let fast = bench.begin(request("GET", "/a", &[])).await.unwrap();
    for chunk in ["a", "b", "c"] {
        sender.send(chunk).unwrap();
        settle().await;
    }
    drop(sender);
    assert_eq!(fast.into_body().collect().await.unwrap().to_bytes(), "abc");
    settle().await;
    assert!(bench.get("/a").await.is_hit());
    assert_eq!(slow.into_body().collect().await.unwrap().to_bytes(), "abc");
}

#[tokio::test]
async fn a_miss_is_as_long_and_as_extended_as_its_response() {
    #[derive(Clone, PartialEq, Debug)]
    struct Extension(u32);
    let bench = Bench::new(Rule::new(), |_, _| async move {
        let mut response = response(200, FRESH, "hello");
        response.extensions_mut().insert(Extension(7));
        *response.version_mut() = http::Version::HTTP_10;
        Ok(response)
    });
    let miss = bench.begin(request("GET", "/a", &[])).await.unwrap();
    assert_eq!(http_body::Body::size_hint(miss.body()).exact(), Some(5), "a server sends it as `Content-Length`");
    assert_eq!((miss.version(), miss.extensions().get()), (http::Version::HTTP_10, Some(&Extension(7))));
    let joined = bench.begin(request("GET", "/a", &[])).await.unwrap();
    assert_eq!(joined.headers()["content-length"], "5");
    assert!(joined.extensions().get::<Extension>().is_none(), "which is for who has caused it");
}

#[tokio::test]
async fn a_body_that_is_known_to_be_too_long_is_not_begun() {
    let bench = Bench::new(Rule::new().max_body(3), |_, _| async move { Ok(response(200, FRESH, "hello")) });
    assert_eq!(bench.get("/a").await.cache(), "cachekit; fwd=uri-miss; detail=too-long");
}
