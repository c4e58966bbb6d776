//! A cached function may hold what is not Send, as long as it is not refreshed.
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

use std::rc::Rc;

#[cache(skip(shared))]
async fn load(id: u64, shared: Rc<u64>) -> u64 {
    std::future::ready(()).await;
    computed() + id + *shared
}

fn main() {
    assert_eq!(block_on(load(1, Rc::new(5))), 7);
    assert_eq!(block_on(load(1, Rc::new(6))), 7);
}
