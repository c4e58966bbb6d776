//! Async refreshes of a method with everything that can be kept; the tags are set anew.
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

use std::borrow::Cow;
use std::time::Duration;

#[derive(Clone)]
struct Svc(u64);

impl Svc {
    #[cache(skip(self, list), ttl = "10s", stale_while_revalidate = "1h", tags = ["id:{id}"])]
    async fn find(&self, id: u64, name: &str, cow: Cow<'_, str>, list: &[u8], moved: Vec<u8>) -> Result<u64, String> {
        std::future::ready(()).await;
        assert_eq!((name, &*cow, list, moved), ("n", "c", &b"l"[..], vec![1]));
        Ok(computed() + self.0 + id)
    }
}

impl Svc {
    #[cache(skip(self), ttl = "10s", stale_while_revalidate = "1h")]
    fn by_arc(self: &std::sync::Arc<Self>, id: u64) -> u64 {
        computed() + self.0 + id
    }

    #[cache(skip(self), ttl = "10s", stale_while_revalidate = "1h")]
    fn by_value(self, id: u64) -> u64 {
        computed() + self.0 + id
    }
}

fn main() {
    let scope = cachekit::testing::scope();
    let svc = Svc(10);
    let call = || block_on(scope.run(svc.find(1, "n", "c".into(), b"l", vec![1])));
    assert_eq!((call(), call()), (Ok(12), Ok(12)));
    scope.advance(Duration::from_secs(60));
    assert_eq!(call(), Ok(12));
    cachekit::flush().wait();
    assert_eq!(call(), Ok(13));
    cachekit::invalidate_tag("id:1");
    assert_eq!(call(), Ok(14));
    let svc = std::sync::Arc::new(svc);
    let both = || (svc.by_arc(1), Svc(10).by_value(1));
    assert_eq!(both(), (15, 16));
    scope.advance(Duration::from_secs(60));
    assert_eq!(both(), (15, 16));
    cachekit::flush().wait();
    assert_ne!(both(), (15, 16));
}
