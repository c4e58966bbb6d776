//! Async functions over a backend of bytes: their companions await it, and their futures are `Send`.
use cachekit::backend::MemoryBytes;
use cachekit::{OutcomeKind, cache, invalidate};
use std::future::Future;
use std::pin::pin;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

static BYTES: LazyLock<MemoryBytes> = LazyLock::new(MemoryBytes::new);
static COMPUTED: AtomicU64 = AtomicU64::new(0);

#[derive(Debug, Clone, PartialEq)]
struct Failed;

impl From<std::num::ParseIntError> for Failed {
    fn from(_: std::num::ParseIntError) -> Self {
        Failed
    }
}

#[cache(backend = ["memory", BYTES], ttl = "1h", near_ttl = "1m", skip(factor))]
async fn parsed(text: &str, factor: &u64) -> Result<u64, Failed> {
    COMPUTED.fetch_add(1, SeqCst);
    Ok(text.parse::<u64>()? * factor)
}

#[cache(backend = BYTES, codec = "msgpack", ttl = |value: &Option<u64>| Duration::from_secs(value.unwrap_or(1)))]
async fn half(of: u64) -> Option<u64> {
    COMPUTED.fetch_add(1, SeqCst);
    of.is_multiple_of(2).then_some(of / 2)
}

#[cache(backend = ["memory", BYTES], near_ttl = |value: &Vec<u8>| Duration::from_secs(value.len() as u64), key = (of.len(), of))]
async fn bytes(of: &[u8]) -> Vec<u8> {
    COMPUTED.fetch_add(1, SeqCst);
    of.to_vec()
}

#[invalidate(half(of), bytes(&of.to_le_bytes()[..]))]
async fn change(of: u64) {
    let _ = of;
}

async fn all() {
    assert_eq!(parsed("21", &2).await, Ok(42));
    assert_eq!(parsed("21", &2).await, Ok(42));
    assert_eq!(parsed::traced("21", &2).await.1.kind, OutcomeKind::Hit);
    assert_eq!(COMPUTED.load(SeqCst), 1);
    assert!(parsed("x", &2).await.is_err());
    assert_eq!(parsed::get("21").await, Some(42));
    parsed::invalidate("21").await;
    assert_eq!(parsed::get("21").await, None);
    parsed::insert("21", 7).await;
    assert_eq!(parsed("21", &2).await, Ok(7));
    parsed::clear().await;
    assert_eq!(parsed::get("21").await, None);

    COMPUTED.store(0, SeqCst);
    assert_eq!((half(8).await, half(9).await), (Some(4), None));
    assert_eq!((half(8).await, half(9).await), (Some(4), None));
    assert_eq!(bytes(b"ab").await, b"ab");
    assert_eq!(bytes(b"ab").await, b"ab");
    assert_eq!(COMPUTED.load(SeqCst), 3);
    change(8).await;
    assert_eq!((half::get(8).await, half::get(9).await), (None, Some(None)));
    assert_eq!(half::refresh(8).await, Some(4));
    assert_eq!(half::get(8).await, Some(Some(4)));
}

fn is_send<T: Send>(future: T) -> T {
    future
}

/// Nothing here ever waits for anything outside of this thread for long.
fn run<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return output;
        }
        std::thread::yield_now();
    }
}

fn main() {
    run(is_send(all()));
}
