//! Skipped parameters are not part of the key and need not be usable as one.
use cachekit::cache;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

static COMPUTED: AtomicU64 = AtomicU64::new(0);

fn computed() -> u64 {
    COMPUTED.fetch_add(1, SeqCst) + 1
}

struct Db(f64);

#[cache(skip(db, weight))]
fn user(id: u64, db: &mut Db, weight: f64) -> u64 {
    db.0 += weight;
    computed() + id
}

fn main() {
    let mut db = Db(0.0);
    assert_eq!((user(1, &mut db, 0.5), user(1, &mut db, 1.5)), (2, 2));
    assert!((db.0 - 0.5).abs() < 0.01);
    assert_eq!(user::get(1), Some(2));
}
