//! A hard limit for slow loads; in time, all is as without.
use cachekit::cache;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

static COMPUTED: AtomicU64 = AtomicU64::new(0);

fn computed() -> u64 {
    COMPUTED.fetch_add(1, SeqCst) + 1
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

#[derive(Debug, PartialEq)]
enum Failed {
    Cache,
}

impl From<cachekit::Error> for Failed {
    fn from(_: cachekit::Error) -> Self {
        Failed::Cache
    }
}

#[cache(load_timeout = (hard = "2s"))]
async fn load(id: u64) -> Result<u64, Failed> {
    Ok(computed() + id)
}

#[derive(Clone)]
struct Db(u64);

#[cache(load_timeout = (soft = "200ms", hard = "2s"), ttl = "1s", stale_while_revalidate = "1m", skip(db))]
async fn detachable(id: u64, db: &Db) -> Result<u64, Failed> {
    std::future::ready(()).await;
    Ok(computed() + id + db.0)
}

fn main() {
    assert_eq!(block_on(async { (load(1).await, load(1).await) }), (Ok(2), Ok(2)));
    assert_eq!(block_on(async { (detachable(1, &Db(5)).await, detachable(1, &Db(5)).await) }), (Ok(8), Ok(8)));
}
