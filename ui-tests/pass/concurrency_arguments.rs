//! max_loads and single_flight = false.
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

#[cache(max_loads = 2)]
fn limited(id: u64) -> u64 {
    computed() + id
}

#[cache(single_flight = false)]
async fn alone(id: u64) -> u64 {
    computed() + id
}

fn main() {
    assert_eq!((limited(1), limited(1)), (2, 2));
    assert_eq!(block_on(async { (alone(1).await, alone(1).await) }), (3, 3));
}
