//! Some calls go past the cache, before anything else is looked at.
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

#[cache(bypass_if = id == 0 || name.is_empty())]
fn user(id: u64, name: &str) -> u64 {
    let _ = name;
    computed() + id
}

#[cache(bypass_if = fresh, skip(fresh))]
async fn load(id: u64, fresh: bool) -> u64 {
    let _ = fresh;
    computed() + id
}

fn main() {
    assert_eq!((user(0, "a"), user(0, "a"), user(1, ""), user(1, "a"), user(1, "a")), (1, 2, 4, 5, 5));
    assert_eq!(user::stats().bypasses.asked, 3);
    let before = COMPUTED.load(SeqCst);
    assert_eq!(
        block_on(async { (load(1, true).await, load(1, false).await, load(1, false).await) }),
        (before + 2, before + 3, before + 3)
    );
    let (_, outcome) = user::traced(0, "a");
    assert_eq!(outcome.kind, cachekit::OutcomeKind::Bypassed);
}
