//! Bodies may move every argument.
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
fn joined(mut names: Vec<String>, last: String) -> String {
    computed();
    names.push(last);
    names.into_iter().collect()
}

#[cache]
async fn joined_async(names: Vec<String>, last: String) -> String {
    computed();
    let mut names = names;
    names.push(last);
    names.into_iter().collect()
}

fn main() {
    let names = vec!["a".to_owned()];
    assert_eq!(joined(names.clone(), "b".into()), "ab");
    assert_eq!(joined(names.clone(), "b".into()), "ab");
    assert_eq!(block_on(joined_async(names.clone(), "b".into())), "ab");
    assert_eq!(block_on(joined_async(names, "b".into())), "ab");
    assert_eq!(COMPUTED.load(SeqCst), 2);
}
