//! What of a response is in a backend, and what comes back from one that others can write to.

use bytes::Bytes;
use cachekit::http::{CacheBody, CacheHandle, CacheLayer};
use cachekit_runtime::{
    Place,
    backend::{Address, Backend, HEAD, MemoryBytes},
};
use cachekit_tests::responses::{Got, ask, get};
use http::{Request, Response};
use http_body_util::Full;
use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tower::{Layer, service_fn, util::BoxCloneSyncService};

struct Node {
    handle: CacheHandle,
    service: BoxCloneSyncService<Request<Full<Bytes>>, Response<CacheBody>, Infallible>,
    bytes: Arc<MemoryBytes>,
    calls: Arc<AtomicUsize>,
}

/// Everything is in its backend alone. The first answer is kept, and none after it.
fn node(name: &str) -> Node {
    let (bytes, calls) = (Arc::new(MemoryBytes::new()), Arc::new(AtomicUsize::new(0)));
    let counted = calls.clone();
    let handler = service_fn(move |request: Request<Full<Bytes>>| {
        let call = counted.fetch_add(1, Ordering::SeqCst) + 1;
        let directives = if request.headers().contains_key("x-last") { "no-store" } else { "max-age=600" };
        async move {
            let response = Response::builder().header("cache-control", directives).header("vary", "x-named");
            let body = Full::from(format!("{} {call}", request.uri().path()));
            Ok(response.header("x-odd", "value").body(body).expect("a response"))
        }
    });
    let builder = CacheLayer::builder().name(name).timeout(Duration::from_secs(20));
    let layer = builder.backends([Place::own(bytes.clone())]).build();
    Node { handle: layer.handle(), service: BoxCloneSyncService::new(layer.layer(handler)), bytes, calls }
}

impl Node {
    /// What there is of responses to this path, which depend on a field and so are at keys of their own.
    async fn stored(&self, path: &str) -> Vec<(Address, Bytes)> {
        let page = self.bytes.scan(None, None, 100).await.expect("memory answers");
        let entries = page.entries.into_iter().map(|entry| (entry.address, entry.bytes));
        entries.filter(|(address, bytes)| address.id().contains(path) && has(bytes, b"x-odd")).collect()
    }

    /// The one response to this path.
    async fn one_stored(&self, path: &str) -> (Address, Bytes) {
        let mut stored = self.stored(path).await;
        assert_eq!(stored.len(), 1, "{path}: {stored:?}");
        stored.remove(0)
    }

    /// An answer that is stored when this returns.
    async fn filled(&self, path: &str) -> Got {
        let got = get(&self.service, path).await;
        while self.stored(path).await.is_empty() {
            tokio::task::yield_now().await;
        }
        got
    }

    /// The answer to somebody whose own is not stored.
    async fn last(&self, path: &str) -> Got {
        ask(&self.service, Request::get(path).header("x-last", "1")).await
    }

    async fn put(&self, address: &Address, bytes: impl Into<Bytes>) {
        self.bytes.set(address, bytes.into(), None).await.expect("memory takes it");
    }
}

fn find(bytes: &[u8], text: &[u8]) -> Option<usize> {
    bytes.windows(text.len()).position(|window| window == text)
}

fn has(bytes: &[u8], text: &[u8]) -> bool {
    find(bytes, text).is_some()
}

/// The same with another text of the same length, by somebody who knows how envelopes are checked.
fn forged(bytes: &Bytes, text: &[u8], by: &[u8]) -> Vec<u8> {
    let mut forged = changed(bytes, text, by);
    // Behind the head and the version of the format.
    let sum = HEAD + 1..HEAD + 5;
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&forged[..sum.start]);
    hasher.update(&forged[sum.end..]);
    forged[sum].copy_from_slice(&hasher.finalize().to_le_bytes());
    forged
}

fn changed(bytes: &Bytes, text: &[u8], by: &[u8]) -> Vec<u8> {
    let (mut changed, at) = (bytes.to_vec(), find(bytes, text).expect("it is there"));
    changed[at..at + by.len()].copy_from_slice(by);
    changed
}

#[tokio::test]
async fn of_a_request_the_fields_that_select_are_stored_and_no_others() {
    let node = node("stored-fields");
    let fields = [
        ("x-named", "this-selects"),
        ("x-secret", "hush-hush"),
        ("user-agent", "nobody-asks"),
        ("cookie", "session-7"),
    ];
    let request = fields.iter().fold(Request::get("/a"), |request, (name, value)| request.header(*name, *value));
    ask(&node.service, request).await;
    while node.stored("/a").await.is_empty() {
        tokio::task::yield_now().await;
    }
    let page = node.bytes.scan(None, None, 100).await.expect("memory answers");
    let has_been_stored = |text: &str| {
        page.entries.iter().any(|entry| has(&entry.bytes, text.as_bytes()) || entry.address.id().contains(text))
    };
    for text in ["this-selects", "x-named", "x-odd", "/a 1"] {
        assert!(has_been_stored(text), "{text}");
    }
    for text in ["x-secret", "hush-hush", "user-agent", "nobody-asks", "cookie", "session-7"] {
        assert!(!has_been_stored(text), "{text}");
    }
}

#[tokio::test]
async fn the_entry_of_another_uri_is_none_and_does_not_stay() {
    let node = node("stored-foreign");
    for path in ["/a", "/b"] {
        node.filled(path).await;
    }
    let ((address, own), (_, other)) = (node.one_stored("/a").await, node.one_stored("/b").await);
    node.put(&address, other).await;
    let got = node.last("/a").await;
    assert_eq!((&*got.body, got.is_hit()), ("/a 3", false), "not what is of the other one");
    assert_eq!(node.stored("/a").await, []);
    assert!(node.last("/b").await.is_hit());
    node.put(&address, own).await;
    let got = node.last("/a").await;
    assert_eq!((&*got.body, got.is_hit()), ("/a 1", true), "it was the entry and nothing else");
    assert_eq!(node.calls.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn bytes_that_somebody_has_changed_are_no_response_and_do_not_stay() {
    let node = node("stored-forged");
    assert_eq!(node.filled("/a").await.field("x-odd"), "value");
    let (address, own) = node.one_stored("/a").await;
    // Who can write what is well formed can write a response; only what is none is seen.
    node.put(&address, forged(&own, b"value", b"other")).await;
    let got = node.last("/a").await;
    assert_eq!((got.field("x-odd"), got.is_hit()), ("other", true));
    let mut calls = 1;
    for (what, bytes) in [
        ("a line more", forged(&own, b"value", b"v\r\nx:")),
        ("half of an end of a line", forged(&own, b"value", b"v\nx:y")),
        ("a zero", forged(&own, b"value", b"val\0e")),
        ("a name that is none", forged(&own, b"x-odd", b"x\r\n:d")),
        ("a name with an end of its own", forged(&own, b"x-odd", b"x-o:d")),
        ("a length that is none", forged(&own, b"\x05\0\0\0value", b"\xff\xff\xff\xffvalue")),
        ("another value, unsigned", changed(&own, b"value", b"other")),
        ("an end that is too early", own[..own.len() - 1].to_vec()),
        ("something else", b"HTTP/1.1 200 OK\r\n\r\n".to_vec()),
        ("nothing", Vec::new()),
    ] {
        node.put(&address, bytes).await;
        let got = node.last("/a").await;
        calls += 1;
        assert_eq!((&*got.body, got.is_hit()), (&*format!("/a {calls}"), false), "{what}");
        assert_eq!(got.field("x-odd"), "value", "{what}");
        assert_eq!(node.bytes.get(&address).await, Ok(None), "{what}");
        assert_eq!(node.handle.stats().far.rejected, calls as u64 - 1, "{what}: who operates it is told");
    }
    node.put(&address, own).await;
    let got = node.last("/a").await;
    assert_eq!((got.field("x-odd"), got.is_hit(), node.calls.load(Ordering::SeqCst)), ("value", true, calls));
}
