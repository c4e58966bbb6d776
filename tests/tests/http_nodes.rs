//! Layers of several nodes that share a backend.

use axum::{Router, body::Body};
use cachekit::{
    Delivery,
    http::{CacheBody, CacheHandle, CacheLayer},
};
use cachekit_runtime::{Place, testing::TestClock, time::Clock};
use cachekit_tests::own_backend::OwnBackend;
use http::{Method, Request, Response, StatusCode, Uri};
use http_body_util::BodyExt;
use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::sync::{Mutex, Semaphore};
use tower::{Layer, Service, ServiceExt, service_fn, util::BoxCloneSyncService};

/// Tags are those of the process, and so is what a backend that refuses them has not heard.
static TAGS: Mutex<()> = Mutex::const_new(());

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

/// A node whose handler waits until a test lets it go on, and takes other methods at once. Tags are those of the process, so each test has a name of its own.
fn slow_node(
    name: &'static str,
    shared: &OwnBackend,
    calls: &Arc<AtomicUsize>,
    go_on: &Arc<Semaphore>,
) -> (CacheHandle, BoxCloneSyncService<Request<Body>, Response<CacheBody>, Infallible>) {
    let (calls, go_on) = (calls.clone(), go_on.clone());
    let handler = service_fn(move |request: Request<Body>| {
        let (call, go_on) = (calls.fetch_add(1, Ordering::SeqCst) + 1, go_on.clone());
        async move {
            if request.method() == Method::GET {
                go_on.acquire().await.expect("it is not closed").forget();
            }
            let response = Response::builder().header("cache-control", "max-age=100");
            Ok(response.body(Body::from(format!("body {call}"))).expect("it is a response"))
        }
    });
    let places = [Place::memory(), Place::own(shared.clone())];
    let layer = CacheLayer::builder().name(name).backends(places).build();
    (layer.handle(), BoxCloneSyncService::new(layer.layer(handler)))
}

#[tokio::test]
async fn what_is_filled_on_one_node_while_another_one_purges_is_not_found_after_it() {
    let _tags = TAGS.lock().await;
    for by_post in [false, true] {
        let (calls, go_on) = (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(0)));
        let shared = OwnBackend::new(Clock::system());
        let [(_, one), (handle, other)] = [(); 2].map(|()| slow_node("http-nodes-slow", &shared, &calls, &go_on));
        let filling = tokio::spawn({
            let one = one.clone();
            async move { get(&one).await }
        });
        while calls.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        if by_post {
            let request = Request::post("/a").body(Body::empty()).expect("it is a request");
            let Ok(response) = other.clone().oneshot(request).await;
            assert_eq!(response.headers()["cache-status"], "cachekit; fwd=method");
        } else {
            let uri = Uri::from_static("http://localhost/a");
            assert_eq!(handle.purge_uri(&uri).await, Ok(Delivery::Shared));
        }
        // The fill began before it, and ends after it.
        let before = calls.load(Ordering::SeqCst);
        go_on.add_permits(100);
        assert_eq!(filling.await.expect("no panic"), "body 1");
        let anew = format!("body {}", before + 1);
        for node in [&one, &other] {
            assert_eq!(get(node).await, anew, "by a POST: {by_post}");
        }
        assert_eq!(calls.load(Ordering::SeqCst), before + 1);
    }
}

#[tokio::test]
async fn a_purge_by_http_says_whether_all_nodes_know() {
    let _tags = TAGS.lock().await;
    let shared = OwnBackend::new(Clock::system());
    let (calls, go_on) = (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(100)));
    let (handle, node) = slow_node("http-nodes-purged", &shared, &calls, &go_on);
    let purges: Router = handle.router(|_| true);
    let mut filled = 1;
    for (refuses, expected) in [(false, StatusCode::OK), (true, StatusCode::ACCEPTED)] {
        for (path, body) in
            [("/uri", "http://localhost/a"), ("/uri?soft", "http://localhost/a"), ("/all", ""), ("/tag", "some")]
        {
            assert_eq!(get(&node).await, format!("body {filled}"), "{path}");
            shared.refuse_tags(refuses);
            let request = Request::post(path).body(Body::from(body)).expect("it is a request");
            let Ok(response) = purges.clone().oneshot(request).await;
            assert_eq!(response.status(), expected, "{path}");
            shared.refuse_tags(false);
            // Nothing has the tag.
            filled += usize::from(path != "/tag");
        }
    }
}
