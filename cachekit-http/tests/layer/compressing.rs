//! A layer that compresses, inside and outside of the cache.

use crate::harness::{request, response, settle};
use axum::body::Body;
use bytes::Bytes;
use cachekit_http::{CacheLayer, Rule};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::Body as HttpBody;
use http_body_util::BodyExt;
use std::{
    convert::Infallible,
    fmt::Debug,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_http::compression::CompressionLayer;

const GZIP: (&str, &str) = ("accept-encoding", "gzip");
const FIELDS: &[(&str, &str)] = &[("cache-control", "max-age=60"), ("content-type", "text/plain"), ("etag", "W/\"a\"")];

/// What a handler gives, uncompressed.
fn text() -> String {
    "text ".repeat(1000)
}

/// A handler that counts its calls.
fn handler(
    calls: &Arc<AtomicUsize>,
) -> impl Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future: Send> + Clone + Send + 'static {
    tagged(calls, FIELDS)
}

/// The same, with a tag that says that the bytes are always the same.
const STRONG: &[(&str, &str)] = &[("cache-control", "max-age=60"), ("content-type", "text/plain"), ("etag", "\"a\"")];

fn tagged(
    calls: &Arc<AtomicUsize>,
    fields: &'static [(&'static str, &'static str)],
) -> impl Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future: Send> + Clone + Send + 'static {
    let calls = calls.clone();
    service_fn(move |_| {
        calls.fetch_add(1, Ordering::SeqCst);
        async move { Ok(response(200, fields, text())) }
    })
}

/// A response that was read to its end.
struct Got {
    status: StatusCode,
    fields: HeaderMap,
    body: Bytes,
}

impl Got {
    fn is_hit(&self) -> bool {
        self.fields["cache-status"].to_str().unwrap().contains("hit")
    }

    fn is_gzip(&self) -> bool {
        let is_said = self.fields.get("content-encoding").is_some_and(|coding| coding == "gzip");
        assert_eq!(is_said, self.body.starts_with(&[0x1f, 0x8b]), "the bytes are what the field says");
        is_said
    }
}

async fn get<S, B>(service: &S, fields: &[(&str, &str)]) -> Got
where
    S: Service<Request<Body>, Response = Response<B>, Error: Debug> + Clone,
    B: HttpBody<Data = Bytes, Error: Debug>,
{
    let (parts, body) = service.clone().oneshot(request("GET", "/a", fields)).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    settle().await;
    Got { status: parts.status, fields: parts.headers, body }
}

#[tokio::test]
async fn outside_of_it_each_coding_is_a_variant() {
    let calls = Arc::new(AtomicUsize::new(0));
    let cache = CacheLayer::builder().otherwise(Rule::new()).build();
    let service = cache.layer(CompressionLayer::new().layer(handler(&calls)));
    let (packed, plain) = (get(&service, &[GZIP]).await, get(&service, &[]).await);
    assert!(packed.is_gzip() && !plain.is_gzip() && plain.body == text());
    for (fields, first) in [(&[GZIP][..], &packed), (&[], &plain), (&[("accept-encoding", "gzip;q=0")], &plain)] {
        let again = get(&service, fields).await;
        assert_eq!((again.body == first.body, again.is_gzip()), (true, first.is_gzip()), "{fields:?}");
    }
    assert!(get(&service, &[GZIP]).await.is_hit() && get(&service, &[]).await.is_hit());
    assert_eq!(calls.load(Ordering::SeqCst), 3, "one for each way to ask");
}

#[tokio::test]
async fn outside_of_it_a_weak_tag_validates_and_joins_no_parts_of_different_bytes() {
    let calls = Arc::new(AtomicUsize::new(0));
    let service = CacheLayer::new().layer(CompressionLayer::new().layer(handler(&calls)));
    for coding in [&[GZIP][..], &[]] {
        let with = |own: &[(&'static str, &'static str)]| [coding, own].concat();
        let whole = get(&service, coding).await;
        assert_eq!(get(&service, &with(&[("if-none-match", "W/\"a\"")])).await.status, 304);
        let part = get(&service, &with(&[("range", "bytes=2-5")])).await;
        assert_eq!((part.status.as_u16(), part.body), (206, whole.body.slice(2..6)), "of the bytes of this coding");
        let joined = get(&service, &with(&[("range", "bytes=2-5"), ("if-range", "W/\"a\"")])).await;
        assert_eq!((joined.status.as_u16(), joined.body), (200, whole.body), "RFC 9110 §13.1.5");
    }
}

#[tokio::test]
async fn outside_of_it_no_parts_are_cut_of_what_has_one_strong_tag_for_all_codings() {
    let calls = Arc::new(AtomicUsize::new(0));
    let service = CacheLayer::new().layer(CompressionLayer::new().layer(tagged(&calls, STRONG)));
    for coding in [&[GZIP][..], &[]] {
        let with = |own: &[(&'static str, &'static str)]| [coding, own].concat();
        let whole = get(&service, coding).await;
        assert_eq!(whole.fields["etag"], "\"a\"", "which `If-Match` needs as it is");
        assert_eq!(get(&service, &with(&[("if-none-match", "\"a\"")])).await.status, 304);
        // What the client has may be of the other coding, and has the same tag.
        for asked in [&[("range", "bytes=2-5")][..], &[("range", "bytes=2-5"), ("if-range", "\"a\"")]] {
            let got = get(&service, &with(asked)).await;
            assert_eq!((got.status.as_u16(), &got.body, got.is_hit()), (200, &whole.body, true), "{asked:?}");
        }
    }
}

#[tokio::test]
async fn inside_of_it_a_strong_tag_is_the_handlers_matter() {
    let calls = Arc::new(AtomicUsize::new(0));
    let service = CompressionLayer::new().layer(CacheLayer::new().layer(tagged(&calls, STRONG)));
    let (packed, plain) = (get(&service, &[GZIP]).await, get(&service, &[]).await);
    // Whoever weakened it here would break `If-Match` where nobody compresses. The guide says what handlers do.
    assert!(packed.is_gzip() && !plain.is_gzip() && packed.fields["etag"] == plain.fields["etag"]);
    let part = get(&service, &[("range", "bytes=0-3"), ("if-range", "\"a\"")]).await;
    assert_eq!((part.status.as_u16(), part.body.as_ref()), (206, &b"text"[..]));
}

#[tokio::test]
async fn inside_of_it_one_entry_answers_all_codings() {
    let calls = Arc::new(AtomicUsize::new(0));
    let service = CompressionLayer::new().layer(CacheLayer::new().layer(handler(&calls)));
    let (packed, plain, again) = (get(&service, &[GZIP]).await, get(&service, &[]).await, get(&service, &[GZIP]).await);
    assert!(packed.is_gzip() && !plain.is_gzip() && again.is_gzip());
    assert!(plain.body == text() && again.body == packed.body && plain.is_hit() && again.is_hit());
    assert!(!again.fields.contains_key("content-length"), "that of the plain bytes");
    let part = get(&service, &[GZIP, ("range", "bytes=0-3")]).await;
    assert_eq!((part.status.as_u16(), part.is_gzip(), part.body.as_ref()), (206, false, &b"text"[..]));
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}
