//! Raw identifiers as functions and parameters.
use cachekit::cache;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

static COMPUTED: AtomicU64 = AtomicU64::new(0);

fn computed() -> u64 {
    COMPUTED.fetch_add(1, SeqCst) + 1
}

#[cache(key = "{type}", skip(r#in), tags = ["t:{type}"])]
fn r#match(r#type: u64, r#in: f64) -> u64 {
    let _ = r#in;
    computed() + r#type
}

fn main() {
    assert_eq!((r#match(1, 0.0), r#match(1, 1.0)), (2, 2));
    assert_eq!(r#match::get(1), Some(2));
}
