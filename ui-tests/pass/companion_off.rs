//! companion = false on free functions: the type namespace stays free.
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

#[allow(non_camel_case_types, dead_code)]
struct user {
    id: u8,
}

#[cache(companion = false)]
fn user(id: u64) -> u64 {
    if id == 0 { 0 } else { computed() + user(id - 1) }
}

#[cache(companion = false, ttl = "1h", refresh_ahead = "50%")]
async fn load(id: u64) -> Result<u64, String> {
    computed();
    if id == 0 { Err("zero".to_owned()) } else { Ok(id) }
}

fn main() {
    assert_eq!((user(2), user(2)), (3, 3));
    block_on(async {
        assert_eq!((load(1).await, load(1).await, load(0).await), (Ok(1), Ok(1), Err("zero".to_owned())));
    });
    assert_eq!(COMPUTED.load(SeqCst), 4);
}
