//! A bare `#[cache]` above `#[async_trait]` sees the block first.
use async_trait::async_trait;
use cachekit::{OutcomeKind, cache};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

static COMPUTED: AtomicU64 = AtomicU64::new(0);

fn computed() -> u64 {
    COMPUTED.fetch_add(1, SeqCst) + 1
}

#[async_trait]
trait Find: Send + Sync {
    async fn find(&self, id: u64) -> Result<u64, String>;
    async fn name(&self, id: &str) -> String;
    async fn alone(&self, id: u64) -> u64;
    async fn plain(&self) -> u64;
}

#[derive(Clone)]
struct Repo(u64);

#[cache]
#[async_trait]
impl Find for Repo {
    #[cache(skip(self), ttl = "1m", refresh_ahead = "80%")]
    async fn find(&self, id: u64) -> Result<u64, String> {
        let found = id.checked_add(computed()).ok_or("overflow")?;
        std::future::ready(()).await;
        Ok(found)
    }

    #[cache(key = (self.0, id), bypass_if = id.is_empty())]
    async fn name(&self, id: &str) -> String {
        computed();
        format!("{id}{}", self.0)
    }

    #[cache(companion = false, skip(self), ttl = "1m", stale_while_revalidate = "1h", refresh = "inline", bypass_if = id == 9)]
    async fn alone(&self, id: u64) -> u64 {
        if id == 0 {
            return 0;
        }
        id + computed()
    }

    async fn plain(&self) -> u64 {
        self.0
    }
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
    block_on(calls());
}

async fn calls() {
    let (repo, other) = (Repo(1), Repo(2));
    let find: &dyn Find = &repo;
    assert_eq!((find.find(1).await, other.find(1).await), (Ok(2), Ok(2)));
    assert_eq!(find.find(u64::MAX).await, Err("overflow".to_owned()));
    assert_eq!(repo.find_traced(1).await.1.kind, OutcomeKind::Hit);
    assert_eq!((find.name("a").await, find.name("a").await), ("a1".to_owned(), "a1".to_owned()));
    assert_eq!((other.name("a").await, other.name("").await), ("a2".to_owned(), "2".to_owned()));
    assert_eq!(COMPUTED.load(SeqCst), 5);
    assert_eq!((find.alone(1).await, find.alone(1).await, find.alone(0).await), (7, 7, 0));
    assert_eq!((find.alone(9).await, find.alone(9).await), (16, 17));
    assert_eq!(find.plain().await, 1);
}
