//! Recursive functions, sync and async, refreshed or not.
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

#[cache]
fn fib(n: u64) -> u64 {
    computed();
    if n < 2 { n } else { fib(n - 1) + fib(n - 2) }
}

#[cache(ttl = "1h", refresh_ahead = "90%")]
async fn fib_async(n: u64) -> u64 {
    if n < 2 { n } else { fib_async(n - 1).await + fib_async(n - 2).await }
}

fn main() {
    assert_eq!(fib(50), 12_586_269_025);
    assert_eq!(COMPUTED.load(SeqCst), 51);
    assert_eq!(block_on(fib_async(50)), 12_586_269_025);
}
