//! `#[tracing::instrument]` below `#[cache]` goes to the body: a computation is a span, a hit is none.

use cachekit::cache;
use std::sync::atomic::{AtomicU64, Ordering};
use tracing::{Event, Metadata, Subscriber, span};

#[cache(skip(db))]
#[tracing::instrument(skip(db))]
fn sync_body(id: u64, db: &str) -> usize {
    db.len() + usize::try_from(id).unwrap_or(0)
}

#[cache]
#[tracing::instrument]
async fn async_body(id: u64) -> Result<u64, String> {
    if id == 0 { Err("zero".to_owned()) } else { Ok(id) }
}

struct Repo;

impl Repo {
    #[cache(skip(self))]
    #[tracing::instrument(skip(self))]
    fn method(&self, id: u64) -> u64 {
        id
    }
}

static SPANS: AtomicU64 = AtomicU64::new(0);

struct Counting;

impl Subscriber for Counting {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        // Loads have spans of cachekit's own around those.
        metadata.is_span() && !metadata.target().starts_with("cachekit")
    }
    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(SPANS.fetch_add(1, Ordering::Relaxed) + 1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn event(&self, _: &Event<'_>) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    loop {
        if let std::task::Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
        std::thread::yield_now();
    }
}

fn main() {
    tracing::subscriber::with_default(Counting, || {
        for _ in 0..3 {
            assert_eq!(sync_body(1, "db"), 3);
            assert_eq!(block_on(async_body(2)), Ok(2));
            assert_eq!(Repo.method(3), 3);
        }
    });
    assert_eq!(SPANS.load(Ordering::Relaxed), 3);
}
