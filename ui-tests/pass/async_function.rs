//! An async function; the companion is async as well.
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
async fn load(id: u64, name: Option<&str>) -> Result<String, std::num::ParseIntError> {
    computed();
    let one: u64 = "1".parse()?;
    if id == 7 {
        return Ok("seven".into());
    }
    Ok(format!("{}{name:?}", id + one))
}

fn main() {
    block_on(async {
        assert_eq!(load(1, None).await.as_deref(), Ok("2None"));
        assert_eq!(load(1, None).await.as_deref(), Ok("2None"));
        assert_eq!(load(7, Some("x")).await.as_deref(), Ok("seven"));
        assert_eq!(COMPUTED.load(SeqCst), 2);
        load::insert(3, None, "three".into()).await;
        assert_eq!(load(3, None).await.as_deref(), Ok("three"));
        assert_eq!(load::get(3, None).await.as_deref(), Some("three"));
        load::invalidate(3, None).await;
        assert_eq!(load::get(3, None).await, None);
        let (value, outcome) = load::traced(1, None).await;
        assert_eq!((value.as_deref(), outcome.kind), (Ok("2None"), cachekit::OutcomeKind::Hit));
        assert_eq!(load::refresh(1, None).await.as_deref(), Ok("2None"));
        assert_eq!(load::uncached(1, None).await.as_deref(), Ok("2None"));
        load::clear().await;
        assert_eq!(load::cache().len(), 0);
    });
}
