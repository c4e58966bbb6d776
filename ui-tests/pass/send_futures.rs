//! Futures of cached functions are Send where the plain ones are.
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

fn send<T: Send>(value: T) -> T {
    value
}

#[derive(Clone)]
struct Svc;

impl Svc {
    #[cache(skip(self))]
    async fn find(&self, id: u64, name: &str) -> Result<u64, String> {
        let _ = name;
        std::future::ready(()).await;
        Ok(computed() + id)
    }
}

#[cache(key = (name.len(),), tags = ["{name}"])]
async fn load(name: &str) -> u64 {
    let _ = name;
    std::future::ready(()).await;
    computed()
}

fn main() {
    assert_eq!(block_on(send(Svc.find(1, "a"))), Ok(2));
    assert_eq!(block_on(send(load("a"))), 2);
    assert_eq!(block_on(send(load::traced("a"))).0, 2);
    assert_eq!(block_on(send(load::refresh("a"))), 3);
}
