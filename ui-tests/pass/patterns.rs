//! Patterns as parameters, and names that they bind in keys, tags and bypass_if.
use cachekit::cache;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

static COMPUTED: AtomicU64 = AtomicU64::new(0);

fn computed() -> u64 {
    COMPUTED.fetch_add(1, SeqCst) + 1
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Point {
    x: u64,
    y: u64,
}

#[cache]
fn whole(Point { x, mut y }: Point, (a, _): (u64, u64)) -> u64 {
    computed();
    y += a;
    x + y
}

#[cache(key = "{x}", skip(y), tags = ["x:{x}"], bypass_if = *y == 9)]
fn partly(Point { x, y }: Point) -> u64 {
    computed();
    x + y
}

fn main() {
    assert_eq!(whole(Point { x: 1, y: 2 }, (3, 4)), 6);
    assert_eq!(whole(Point { x: 1, y: 2 }, (3, 4)), 6);
    assert_eq!(COMPUTED.load(SeqCst), 1);
    assert_eq!(partly(Point { x: 1, y: 2 }), 3);
    assert_eq!(partly(Point { x: 1, y: 3 }), 3);
    assert_eq!(partly(Point { x: 1, y: 9 }), 10);
    cachekit::invalidate_tag("x:1");
    assert_eq!(partly(Point { x: 1, y: 3 }), 4);
}
