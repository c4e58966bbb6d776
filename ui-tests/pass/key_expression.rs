//! Keys by expressions over the parameters, taken by reference.
use cachekit::cache;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

static COMPUTED: AtomicU64 = AtomicU64::new(0);

fn computed() -> u64 {
    COMPUTED.fetch_add(1, SeqCst) + 1
}

#[cache(key = (id % 10, name.trim(), tenant))]
fn user(id: u64, name: &str, tenant: String) -> String {
    computed();
    drop(tenant);
    format!("{id}{name}")
}

#[cache(key = name.len())]
fn by_length(name: &str) -> u64 {
    let _ = name;
    computed()
}

fn main() {
    assert_eq!(user(1, "a", "t".into()), "1a");
    assert_eq!(user(11, " a ", "t".into()), "1a");
    assert_eq!(user::get(21, "a", "t".into()).as_deref(), Some("1a"));
    assert_eq!(by_length("x"), by_length("y"));
    by_length::invalidate("z");
    assert_eq!(by_length("x"), 3);
    assert_eq!(by_length::stats().entries, 1);
    by_length::clear();
    assert_eq!(by_length::get("x"), None);
}
