//! The time of day, which ages are counted by; in tests by a clock that is moved.

use cachekit_runtime::time::Clock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Where injected clocks begin: 2001-09-09, so that dates look like dates.
const BEGINNING: Duration = Duration::from_secs(1_000_000_000);

#[derive(Debug, Clone, Default)]
pub(super) enum Time {
    #[default]
    System,
    Injected(Clock),
}

impl Time {
    pub(super) fn now(&self) -> SystemTime {
        match self {
            Time::System => SystemTime::now(),
            Time::Injected(clock) => UNIX_EPOCH + BEGINNING + Duration::from_nanos(clock.now()),
        }
    }

    /// Waits so long.
    pub(super) fn sleep(&self, time: Duration) -> cachekit_runtime::time::Sleep {
        match self {
            Time::System => Clock::system().sleep(time),
            Time::Injected(clock) => clock.sleep(time),
        }
    }
}
