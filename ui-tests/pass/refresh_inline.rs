//! refresh = "inline": the caller recomputes, and nothing need be kept.
use cachekit::cache;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

static COMPUTED: AtomicU64 = AtomicU64::new(0);

fn computed() -> u64 {
    COMPUTED.fetch_add(1, SeqCst) + 1
}

use std::time::Duration;

struct Db;

#[cache(ttl = "10s", stale_while_revalidate = "1h", refresh = "inline", skip(db))]
fn user(id: u64, db: &mut Db) -> u64 {
    let _ = db;
    computed() + id
}

fn main() {
    let scope = cachekit::testing::scope();
    assert_eq!((user(1, &mut Db), user(1, &mut Db)), (2, 2));
    scope.advance(Duration::from_secs(60));
    assert_eq!(user(1, &mut Db), 3);
}
