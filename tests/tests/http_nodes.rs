//! Layers of several nodes that share a backend.

use axum::body::Body;
use cachekit::http::{CacheBody, CacheLayer};
use cachekit_runtime::{Place, testing::TestClock, time::Clock};
use cachekit_tests::own_backend::OwnBackend;
use http::{Request, Response};
use http_body_util::BodyExt;
use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tower::{Layer, Service, ServiceExt, service_fn};

/// A node whose handler counts its calls with those of the others.
fn node(
    shared: &OwnBackend,
    clock: Clock,
    calls: &Arc<AtomicUsize>,
) -> impl Service<Request<Body>, Response = Response<CacheBody>, Error = Infallible> + Clone {
    let calls = calls.clone();
    let handler = service_fn(move |_: Request<Body>| {
        let call = calls.fetch_add(1, Ordering::SeqCst) + 1;
        async move {
            let fields = "max-age=100, stale-while-revalidate=60";
            let response = Response::builder().header("cache-control", fields);
            Ok(response.body(Body::from(format!("body {call}"))).expect("it is a response"))
        }
    });
    let places = [Place::memory(), Place::own(shared.clone())];
    CacheLayer::builder().name("http-nodes").backends(places).clock(clock).build().layer(handler)
}

/// The body, when all that goes on beside it has come to where it waits.
async fn get<S>(node: &S) -> String
where
    S: Service<Request<Body>, Response = Response<CacheBody>, Error = Infallible> + Clone,
{
    let request = Request::get("/a").body(Body::empty()).expect("it is a request");
    let Ok(response) = node.clone().oneshot(request).await;
    let body = response.into_body().collect().await.expect("it is whole").to_bytes();
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
    cachekit::flush().await;
    String::from_utf8_lossy(&body).into_owned()
}

#[tokio::test]
async fn one_node_refreshes_for_all() {
    let (clock, calls) = (TestClock::new(), Arc::new(AtomicUsize::new(0)));
    let shared = OwnBackend::new(clock.clock());
    let nodes = [(); 2].map(|()| node(&shared, clock.clock(), &calls));
    for node in &nodes {
        assert_eq!(get(node).await, "body 1");
    }
    clock.advance(Duration::from_secs(110));
    let [first, second] = &nodes;
    // Both have found it stale before either has stored what comes back.
    let (one, other) = tokio::join!(get(first), get(second));
    assert_eq!([one, other], ["body 1", "body 1"]);
    assert_eq!(calls.load(Ordering::SeqCst), 2);
    for node in &nodes {
        assert_eq!(get(node).await, "body 2");
    }
    assert_eq!(calls.load(Ordering::SeqCst), 2);
}
