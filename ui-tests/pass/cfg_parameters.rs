//! A parameter under cfg is there or not, in the key as well.
use cachekit::cache;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

static COMPUTED: AtomicU64 = AtomicU64::new(0);

fn computed() -> u64 {
    COMPUTED.fetch_add(1, SeqCst) + 1
}

#[cache]
fn user(id: u64, #[cfg(any())] gone: std::rc::Rc<u8>, #[cfg(not(any()))] there: &str) -> String {
    computed();
    format!("{id}{there}")
}

#[cache]
#[cfg(any())]
fn nowhere(id: Missing) -> u64 {
    id
}

fn main() {
    assert_eq!((user(1, "a"), user(1, "a"), user(1, "b")), ("1a".into(), "1a".into(), "1b".into()));
    assert_eq!(user::get(1, "a").as_deref(), Some("1a"));
    assert_eq!(COMPUTED.load(SeqCst), 2);
}
