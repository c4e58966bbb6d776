//! What the times of an envelope say now.

use crate::{
    envelope::Freshness,
    time::{Clock, NEVER, nanos},
};
use std::time::Duration;

/// What a clock of another machine may be ahead: more than that is no age any more.
const AHEAD: u64 = 10_000;

/// What an entry of a far tier is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Worth {
    /// For so long, in nanoseconds; `NEVER`: for ever.
    Fresh {
        left: u64,
    },
    /// Past its ttl, and good in place of an error.
    Stale,
    Over,
}

/// In milliseconds since the Unix epoch, as `now`.
pub(crate) fn worth(times: &Freshness, now: u64) -> Worth {
    if times.created > now.saturating_add(AHEAD) {
        return Worth::Over;
    }
    let age = now.saturating_sub(times.created);
    let Some(ttl) = times.ttl else { return Worth::Fresh { left: NEVER } };
    if age < ttl {
        return Worth::Fresh { left: nanos(Duration::from_millis(ttl - age)) };
    }
    let allowance = times.if_error.unwrap_or(0).max(times.revalidate.unwrap_or(0));
    if age < ttl.saturating_add(allowance) { Worth::Stale } else { Worth::Over }
}

pub(super) fn age(times: &Freshness, now: u64) -> Duration {
    Duration::from_millis(now.saturating_sub(times.created))
}

/// How long a backend has to keep an entry.
pub(super) fn life(times: &Freshness) -> Option<Duration> {
    let allowance = times.if_error.unwrap_or(0).max(times.revalidate.unwrap_or(0));
    times.ttl.map(|ttl| Duration::from_millis(ttl.saturating_add(allowance)))
}

/// Milliseconds since the Unix epoch, by a clock that is so many of them ahead of this machine's.
pub(super) fn now(clock: &Clock, ahead: i64) -> u64 {
    (clock.wall() / 1_000_000).saturating_add_signed(ahead)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worth_follows_the_age() {
        let times = Freshness::new(50_000, Some(Duration::from_secs(10))).stale(None, Some(Duration::from_secs(5)));
        let second = nanos(Duration::from_secs(1));
        assert_eq!(worth(&times, 52_000), Worth::Fresh { left: 8 * second });
        assert_eq!(worth(&times, 60_000), Worth::Stale);
        assert_eq!(worth(&times, 65_000), Worth::Over);
        assert_eq!(life(&times), Some(Duration::from_secs(15)));
    }

    #[test]
    fn a_clock_may_be_ahead_a_little() {
        let times = Freshness::new(50_000, Some(Duration::from_secs(10)));
        assert_eq!(worth(&times, 41_000), Worth::Fresh { left: nanos(Duration::from_secs(10)) });
        assert_eq!(worth(&times, 39_000), Worth::Over);
        assert_eq!((age(&times, 41_000), age(&times, 51_000)), (Duration::ZERO, Duration::from_secs(1)));
    }

    #[test]
    fn without_a_ttl_nothing_ends() {
        let times = Freshness::new(0, None);
        assert_eq!((worth(&times, u64::MAX - 1), life(&times)), (Worth::Fresh { left: NEVER }, None));
    }
}
