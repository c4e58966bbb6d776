//! A hit past refresh_ahead gives the value and refreshes behind it; what was borrowed is kept.
use cachekit::cache;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

static COMPUTED: AtomicU64 = AtomicU64::new(0);

fn computed() -> u64 {
    COMPUTED.fetch_add(1, SeqCst) + 1
}

use std::time::Duration;

#[derive(Clone)]
struct Db(u64);

#[cache(ttl = "100s", refresh_ahead = "50%", skip(db, maybe))]
fn user(name: &str, db: &Db, maybe: Option<&Db>, owned: String) -> u64 {
    assert_eq!((name, owned.as_str()), ("a", "o"));
    computed() + db.0 + maybe.map_or(0, |db| db.0)
}

fn main() {
    let scope = cachekit::testing::scope();
    let call = || user("a", &Db(10), Some(&Db(100)), "o".into());
    assert_eq!((call(), call()), (111, 111));
    scope.advance(Duration::from_secs(60));
    assert_eq!(call(), 111);
    cachekit::flush().wait();
    assert_eq!(call(), 112);
}
