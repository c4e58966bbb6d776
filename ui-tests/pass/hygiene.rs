//! User items with the names that generated code could stumble over.
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

mod user_items {
    #![allow(dead_code, non_camel_case_types, non_upper_case_globals)]
    pub struct Result;
    pub struct Option;
    pub struct Some;
    pub struct Box;
    pub struct String;
    pub struct K;
    pub struct V;
    pub trait Clone {}
    pub mod std {}
    pub mod core {}
    pub mod cachekit {}
    pub fn key() {}
    pub fn part() {}
    pub fn parts() {}
    pub fn output() {}
    pub fn look() {}
    pub fn uncached() -> u64 {
        1
    }
    pub const SITE: u8 = 1;

    #[::cachekit::cache]
    pub fn cached(miss: u64, parts: u64, output: u64, value: u64, part0: u64) -> u64 {
        super::computed() + miss + parts + output + value + part0 + uncached()
    }

    #[::cachekit::cache(key = (refresh, this))]
    pub async fn keyed(refresh: u64, this: u64, builder: u64) -> u64 {
        super::computed() + refresh + this + builder
    }

    #[::cachekit::cache(tags = ["{tags}"])]
    pub fn tagged(tags: u64, plan: &str) -> ::std::string::String {
        ::std::format!("{tags}{plan}")
    }
}

fn main() {
    assert_eq!((user_items::cached(1, 2, 3, 4, 5), user_items::cached(1, 2, 3, 4, 5)), (17, 17));
    assert_eq!(block_on(user_items::keyed(1, 2, 3)), 8);
    assert_eq!(block_on(user_items::keyed(1, 2, 4)), 8);
    assert_eq!(user_items::tagged(1, "a"), "1a");
    user_items::cached::insert(1, 2, 3, 4, 5, 9);
    assert_eq!(user_items::cached(1, 2, 3, 4, 5), 9);
}
