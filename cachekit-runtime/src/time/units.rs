//! Durations as the `u64` nanoseconds of a [`Clock`](super::Clock).

use std::time::Duration;

/// Later than every time that a clock shows: the deadline of what does not expire.
pub const NEVER: u64 = u64::MAX;

/// The nanoseconds of `span`; [`NEVER`] if they do not fit, which is beyond 584 years.
///
/// ```
/// # use cachekit_runtime as cachekit;
/// use cachekit::time::{NEVER, nanos};
/// use std::time::Duration;
///
/// assert_eq!(nanos(Duration::ZERO), 0);
/// assert_eq!(nanos(Duration::from_micros(3)), 3_000);
/// assert_eq!(nanos(Duration::MAX), NEVER);
/// ```
#[must_use]
pub const fn nanos(span: Duration) -> u64 {
    match span.as_secs().checked_mul(1_000_000_000) {
        Some(whole) => whole.saturating_add(span.subsec_nanos() as u64),
        None => NEVER,
    }
}

/// The inverse of [`nanos`].
#[must_use]
pub const fn duration(nanos: u64) -> Duration {
    Duration::from_nanos(nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn centuries_fit_and_more_saturates() {
        let century = Duration::from_secs(86_400 * 365 * 100);
        assert_eq!(duration(nanos(century * 5)), century * 5);
        assert_eq!(nanos(century * 6), NEVER);
        assert_eq!(nanos(Duration::from_nanos(u64::MAX)), NEVER);
        assert_eq!(nanos(Duration::from_nanos(u64::MAX) + Duration::from_nanos(1)), NEVER);
        assert_eq!(nanos(Duration::from_nanos(u64::MAX - 1)), NEVER - 1);
    }
}
