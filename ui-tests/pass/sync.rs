//! A free function: computed once per key; the whole companion.
use cachekit::cache;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

static COMPUTED: AtomicU64 = AtomicU64::new(0);

fn computed() -> u64 {
    COMPUTED.fetch_add(1, SeqCst) + 1
}

#[cache]
fn user(id: u64, name: &str) -> String {
    computed();
    format!("{id}{name}")
}

fn main() {
    assert_eq!((user(1, "a"), user(1, "a"), user(2, "a")), ("1a".into(), "1a".into(), "2a".into()));
    assert_eq!(COMPUTED.load(SeqCst), 2);
    assert_eq!(user::get(1, "a").as_deref(), Some("1a"));
    assert_eq!(user::get(9, "a"), None);
    user::invalidate(1, "a");
    assert_eq!(user::get(1, "a"), None);
    user::insert(1, "a", "put".into());
    assert_eq!(user(1, "a"), "put");
    assert_eq!(user::uncached(1, "a"), "1a");
    assert_eq!(user(1, "a"), "put");
    assert_eq!(user::refresh(1, "a"), "1a");
    assert_eq!(user(1, "a"), "1a");
    let (value, outcome) = user::traced(1, "a");
    assert_eq!((value.as_str(), outcome.kind), ("1a", cachekit::OutcomeKind::Hit));
    assert!(user::explain(1, "a").to_string().contains("user"));
    assert_eq!(user::cache().len(), 2);
    user::clear();
    assert_eq!(user::cache().len(), 0);
    assert!(user::stats().hits > 0);
}
