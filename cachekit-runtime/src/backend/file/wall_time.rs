//! Milliseconds since 1970 that do not go back.

use crate::time::Clock;
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

/// Where the time of the wall comes from.
pub(super) type Wall = Arc<dyn Fn() -> SystemTime + Send + Sync>;

/// The wall clock, moved on by a monotonic one: where the wall clock steps back, time goes on as if it had not; where it steps forward, also after the
/// machine slept, time follows.
pub(super) struct WallTime {
    clock: Clock,
    wall: Wall,
    /// What the monotonic clock is behind.
    ahead: AtomicU64,
}

impl WallTime {
    pub(super) fn new(clock: Clock, wall: Wall) -> Self {
        WallTime { clock, wall, ahead: AtomicU64::new(0) }
    }

    pub(super) fn now(&self) -> u64 {
        self.at_least(self.wall())
    }

    /// What the clock on the wall shows, right or not.
    pub(super) fn wall(&self) -> u64 {
        millis((self.wall)().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default())
    }

    /// The time, which is not before `seen`.
    pub(super) fn at_least(&self, seen: u64) -> u64 {
        let passed = self.clock.now() / 1_000_000;
        let ahead = seen.saturating_sub(passed);
        passed.saturating_add(self.ahead.fetch_max(ahead, Ordering::AcqRel).max(ahead))
    }
}

impl fmt::Debug for WallTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WallTime").field("now", &self.now()).finish_non_exhaustive()
    }
}

/// Whole milliseconds.
pub(super) fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::TestClock;

    #[test]
    fn time_follows_steps_forward_and_no_steps_back() {
        let (clock, wall) = (TestClock::new(), Arc::new(AtomicU64::new(1_000_000)));
        let shown = Arc::clone(&wall);
        let read = move || SystemTime::UNIX_EPOCH + Duration::from_millis(shown.load(Ordering::Relaxed));
        let time = WallTime::new(clock.clock(), Arc::new(read));
        assert_eq!(time.now(), 1_000_000);
        clock.advance(Duration::from_millis(5));
        assert_eq!(time.now(), 1_000_005, "the wall clock stands, and time goes on");
        wall.store(5, Ordering::Relaxed);
        clock.advance(Duration::from_millis(5));
        assert_eq!(time.now(), 1_000_010);
        wall.store(9_000_000, Ordering::Relaxed);
        assert_eq!(time.now(), 9_000_000);
        wall.store(0, Ordering::Relaxed);
        clock.advance(Duration::from_millis(7));
        assert_eq!(time.now(), 9_000_007);
        assert_eq!((time.at_least(9_500_000), time.now()), (9_500_000, 9_500_000));
    }
}
