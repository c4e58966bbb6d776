//! A template is a list of parts; the literals are for display.
use cachekit::cache;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

static COMPUTED: AtomicU64 = AtomicU64::new(0);

fn computed() -> u64 {
    COMPUTED.fetch_add(1, SeqCst) + 1
}

#[cache(key = "{id}:{name}", skip(_noise))]
fn user(name: &str, id: u64, _noise: f64) -> String {
    computed();
    format!("{id}{name}")
}

#[cache(key = "{x:.1}")]
fn rounded(x: f64) -> u64 {
    computed();
    (x * 100.0) as u64
}

#[derive(Debug)]
struct Page<'a>(&'a str);

// Its text borrows nothing.
#[cache(key = "{page:?}")]
fn titled(page: Page<'_>) -> String {
    computed();
    page.0.to_owned()
}

fn main() {
    assert_eq!((user("a", 1, 0.1), user("a", 1, 0.2)), ("1a".into(), "1a".into()));
    assert_eq!(user::get("a", 1).as_deref(), Some("1a"));
    assert_eq!(user::cache().get(&(1, "a".to_owned())).as_deref(), Some("1a"));
    assert_eq!((rounded(0.11), rounded(0.12), rounded(0.22)), (11, 11, 22));
    assert_eq!(rounded::cache().get("0.1"), Some(11));
    assert_eq!((titled(Page("a")), titled(Page("a"))), ("a".into(), "a".into()));
    assert_eq!(COMPUTED.load(SeqCst), 4);
}
