//! Groups of entries, over several functions.
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

#[cache(tags = ["user:{id}", "team:{team}"], skip(team))]
fn user(id: u64, team: &str) -> u64 {
    let _ = team;
    computed() + id
}

#[cache(tags = ["user:{author}"])]
async fn posts(author: u64, name: String) -> u64 {
    drop(name);
    computed() + author
}

fn main() {
    assert_eq!((user(1, "red"), user(2, "red"), block_on(posts(1, "x".into()))), (2, 4, 4));
    cachekit::invalidate_tag("user:1");
    assert_eq!((user(1, "red"), user(2, "red"), block_on(posts(1, "x".into()))), (5, 4, 6));
    cachekit::invalidate_tag("team:red");
    assert_eq!((user(1, "red"), user(2, "red")), (7, 9));
    user::insert(3, "blue", 33);
    cachekit::invalidate_tag("team:blue");
    assert_eq!(user::get(3), None);
}
