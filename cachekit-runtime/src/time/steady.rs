//! The kernel's coarse monotonic clock: a few nanoseconds to read, and moved by nobody whom a pause of the process could hinder.

/// In nanoseconds, of an origin of its own.
#[cfg(any(target_os = "linux", target_os = "android"))]
#[inline]
pub(crate) fn now() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::MonotonicCoarse);
    let (seconds, nanos) = (u64::try_from(time.tv_sec).unwrap_or(0), u64::try_from(time.tv_nsec).unwrap_or(0));
    seconds.saturating_mul(1_000_000_000).saturating_add(nanos)
}

/// In nanoseconds, of an origin of its own.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn now() -> u64 {
    use std::{sync::LazyLock, time::Instant};
    static ORIGIN: LazyLock<Instant> = LazyLock::new(Instant::now);
    super::nanos(ORIGIN.elapsed())
}
