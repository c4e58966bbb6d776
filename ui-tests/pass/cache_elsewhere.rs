//! A cache that lives in a field or in a static of the user's.
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

use cachekit::Cache;
use std::sync::LazyLock;

static USERS: LazyLock<Cache<(u64, String), u64>> = LazyLock::new(|| Cache::builder().capacity(10).build());

#[cache(cache = &USERS)]
fn user(id: u64, name: &str) -> u64 {
    let _ = name;
    computed() + id
}

struct Repo {
    users: Cache<u64, u64>,
}

impl Repo {
    #[cache(cache = &self.users)]
    fn find(&self, id: u64) -> Result<u64, String> {
        Ok(computed() + id)
    }

    #[cache(cache = &self.users)]
    async fn load(&self, id: u64) -> Result<u64, String> {
        Ok(computed() + id)
    }
}

fn main() {
    assert_eq!((user(1, "a"), user(1, "a")), (2, 2));
    assert_eq!(USERS.get(&(1, "a".to_owned())), Some(2));
    assert_eq!(user::get(1, "a"), Some(2));
    let repo = || Repo { users: Cache::builder().build() };
    let (one, two) = (repo(), repo());
    assert_eq!((one.find(1), one.find(1), two.find(1)), (Ok(3), Ok(3), Ok(4)));
    assert_eq!(block_on(one.load(1)), Ok(3));
    assert_eq!(one.find_refresh(1), Ok(5));
    assert_eq!(one.users.get(&1), Some(5));
}
