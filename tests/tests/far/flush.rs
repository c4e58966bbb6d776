//! What `flush` waits for.

use crate::gated::{Gated, Op};
use cachekit_runtime::{Cache, Place, testing::TestClock};
use std::{
    sync::{Arc, Barrier},
    time::Duration,
};

const HOUR: Duration = Duration::from_secs(3_600);

#[test]
fn what_a_refresh_stores_in_the_end_is_waited_for() {
    let (clock, backend) = (TestClock::new(), Gated::new());
    let cache = |name: &'static str| {
        let builder = Cache::<u64, u64>::builder().name(name).clock(clock.clock()).ttl(HOUR);
        builder.stale_while_revalidate(HOUR).backends([Place::memory(), Place::own(backend.clone())]).build()
    };
    let one = cache("far::flush");
    assert_eq!(one.get_or_refresh(&1, || 1), 1);
    clock.advance(HOUR);
    let loads = Arc::new(Barrier::new(2));
    let meanwhile = loads.clone();
    let refreshed = one.get_or_refresh(&1, move || {
        meanwhile.wait();
        meanwhile.wait();
        2
    });
    assert_eq!(refreshed, 1, "stale");
    loads.wait();
    // The refresh has begun, and what it will store has not.
    let flush = cachekit_runtime::flush();
    let before = backend.arrived(Op::Set);
    backend.close(Op::Set);
    loads.wait();
    cachekit_tests::until(|| backend.arrived(Op::Set) > before && one.loads_in_flight() == 0);
    assert!(!flush.is_done());
    backend.open(Op::Set);
    flush.wait();
    assert_eq!(cache("far::flush").get(&1), Some(2));
}
