//! Time as the caches see it: a monotonic word of nanoseconds, timers and sleeps, all of them replaceable in tests.
//!
//! Every time is a `u64` count of nanoseconds since an origin of its [`Clock`]; times of two clocks must not be compared. All arithmetic
//! saturates, and [`NEVER`] is later than any time a clock can show.

#[cfg(feature = "backend")]
mod deadlines;
mod sleep;
mod source;
#[cfg(feature = "backend")]
mod steady;
mod test_clock;
mod tick;
mod units;

use std::fmt;
use std::sync::{Arc, LazyLock};
use std::time::Duration;
#[cfg(feature = "backend")]
use std::time::{SystemTime, UNIX_EPOCH};

#[cfg(feature = "backend")]
pub(crate) use deadlines::Deadlines;
pub use sleep::Sleep;
use source::Source;
pub use source::{Ticks, Timer};
#[cfg(feature = "backend")]
pub(crate) use steady::now as steady;
pub use test_clock::TestClock;
pub(crate) use tick::{NEVER_TICK, PAST_TICK, REACH, Tick, is_after, is_whole, tick_of, time_of};
pub use units::{NEVER, duration, nanos};

static SYSTEM: LazyLock<Arc<Source>> = LazyLock::new(|| Arc::new(Source::system()));

/// Where a cache gets its time from: the clock of the process, or a [`TestClock`].
///
/// Cloning is cheap and gives the same clock. An instant `t` counts as reached when `now() >= t`, so that a ttl of zero has expired at once.
///
/// ```
/// # use cachekit_runtime as cachekit;
/// use cachekit::time::{Clock, TestClock};
/// use std::time::Duration;
///
/// let test = TestClock::new();
/// let clock: Clock = test.clock();
/// let deadline = clock.after(Duration::from_secs(30));
/// test.advance(Duration::from_secs(29));
/// assert!(clock.now() < deadline);
/// test.advance(Duration::from_secs(1));
/// assert!(clock.now() >= deadline);
/// ```
#[derive(Clone)]
pub struct Clock {
    source: Arc<Source>,
}

impl Clock {
    /// How often the coarse word of the system clock moves while somebody holds [`Ticks`]: its greatest lag, but for scheduling.
    pub const TICK: Duration = Duration::from_millis(5);

    /// The monotonic clock of this process.
    #[must_use]
    pub fn system() -> Self {
        Self { source: Arc::clone(&SYSTEM) }
    }

    /// The precise time, in nanoseconds; always less than [`NEVER`].
    #[must_use]
    pub fn now(&self) -> u64 {
        self.source.now()
    }

    /// Nanoseconds since the Unix epoch, for what other processes see; may jump. That of a test clock moves with it.
    #[cfg(feature = "backend")]
    pub(crate) fn wall(&self) -> u64 {
        /// Some day in 2026.
        const TEST_EPOCH: u64 = 1_770_000_000 * 1_000_000_000;
        if self.is_test() {
            return TEST_EPOCH.saturating_add(self.now());
        }
        nanos(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
    }

    /// The time at the last tick, in nanoseconds: one relaxed load, for the path of a hit.
    ///
    /// It is never ahead of [`now`](Self::now) and behind it by at most [`TICK`](Self::TICK) plus the time in which the timer thread does not
    /// get to run. While nobody holds [`Ticks`], or if no timer thread could be started, it is as precise, and as expensive, as `now`.
    /// The coarse time of a test clock is its precise time.
    #[inline]
    #[must_use]
    pub fn coarse(&self) -> u64 {
        self.source.coarse()
    }

    /// The tick of the latest time that it may be: of the last tick and the greatest lag. One relaxed load, for the path of a hit. Means something
    /// only while [`Ticks`] that [are ticking](Ticks::are_ticking) live.
    #[inline(always)]
    pub(crate) fn horizon(&self) -> Tick {
        self.source.horizon()
    }

    /// The latest time that it may be, as [`horizon`](Self::horizon) in nanoseconds.
    #[inline]
    pub(crate) fn latest(&self) -> u64 {
        self.source.latest()
    }

    /// Nanoseconds of an origin of its own, behind the precise time by at most a few milliseconds, whatever happens to this process: while it is paused this
    /// time goes on, unlike the coarse one, which the process moves itself. To be compared with itself alone.
    #[cfg(feature = "backend")]
    #[inline]
    pub(crate) fn steady(&self) -> u64 {
        if self.is_test() { self.now() } else { steady::now() }
    }

    /// Does its time stand still unless a test moves it?
    pub(crate) fn is_test(&self) -> bool {
        self.source.is_test()
    }

    /// Keeps the coarse time ticking for as long as the guard lives. A cache whose entries expire holds one.
    pub fn need_coarse(&self) -> Ticks {
        Source::need_coarse(&self.source)
    }

    /// The time that is `delay` from now; [`NEVER`] where that is beyond what a `u64` holds.
    #[must_use]
    pub fn after(&self, delay: Duration) -> u64 {
        self.now().saturating_add(nanos(delay))
    }

    /// Runs `job` once `deadline` is reached, unless the returned [`Timer`] is dropped before.
    ///
    /// Jobs run one after another in the order of their deadlines (then of their creation), outside of all locks: those of the system clock on
    /// the one timer thread of the process, which also drives the coarse time, so they have to be short and must not block; those of a test clock
    /// inside [`TestClock::advance`]. A deadline in the past is due at once, on a test clock at the next `advance`. A job with the deadline
    /// [`NEVER`] does not run. A panic of a job is caught and logged.
    pub fn at(&self, deadline: u64, job: impl FnOnce() + Send + 'static) -> Timer {
        Source::schedule(&self.source, deadline, Box::new(job))
    }

    /// A future that is ready once `deadline` is reached; on any executor.
    ///
    /// Cancellation safety: dropping it removes its timer and has no other effect.
    pub fn sleep_until(&self, deadline: u64) -> Sleep {
        Sleep::new(self.clone(), deadline)
    }

    /// A future that is ready once `delay` has passed from this call on (not from the first poll).
    ///
    /// ```
    /// # use cachekit_runtime as cachekit;
    /// use cachekit::time::Clock;
    /// use std::time::Duration;
    ///
    /// # async fn example() {
    /// Clock::system().sleep(Duration::from_millis(100)).await;
    /// # }
    /// ```
    pub fn sleep(&self, delay: Duration) -> Sleep {
        self.sleep_until(self.after(delay))
    }

    /// Whether both are the same clock, so that their times can be compared.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.source, &other.source)
    }
}

impl Default for Clock {
    /// The clock of the process.
    fn default() -> Self {
        Self::system()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.source.is_test() { "test" } else { "system" };
        f.debug_struct("Clock").field("kind", &kind).field("now", &duration(self.now())).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::{Future, poll_fn};
    use std::pin::Pin;
    use std::sync::mpsc;
    use std::task::Poll;

    fn separate() -> Clock {
        Clock { source: Arc::new(Source::system()) }
    }

    #[test]
    fn system_jobs_run_on_the_timer_thread_in_the_order_of_their_deadlines() {
        let clock = separate();
        let (send, receive) = mpsc::channel();
        let start = clock.now();
        let timers: Vec<Timer> = [30, 10, 20]
            .into_iter()
            .map(|delay| {
                let send = send.clone();
                clock.at(start + delay * 1_000_000, move || {
                    let name = std::thread::current().name().map(str::to_owned);
                    send.send((delay, name)).ok();
                })
            })
            .collect();
        for expected in [10, 20, 30] {
            assert_eq!(receive.recv(), Ok((expected, Some("cachekit-timer".to_owned()))));
        }
        assert!(clock.now() >= start + 30_000_000);
        assert!(timers.into_iter().all(|timer| !timer.cancel()), "all of them have run");
    }

    #[test]
    fn an_earlier_deadline_wakes_the_waiting_thread() {
        let clock = separate();
        let far = clock.at(clock.after(Duration::from_secs(86_400 * 365 * 200)), || ());
        let (send, receive) = mpsc::channel();
        clock.at(clock.after(Duration::from_millis(1)), move || send.send(()).unwrap_or(())).detach();
        assert_eq!(receive.recv(), Ok(()));
        assert!(far.cancel());
    }

    #[test]
    fn a_panicking_job_leaves_the_timer_thread_alive() {
        let clock = separate();
        let (send, receive) = mpsc::channel();
        clock.at(0, || panic!("expected by a test")).detach();
        clock.at(1, move || send.send(()).unwrap_or(())).detach();
        assert_eq!(receive.recv(), Ok(()));
    }

    #[test]
    fn the_coarse_time_is_precise_without_ticks_and_bounded_with_them() {
        let clock = separate();
        let before = clock.now();
        assert!(clock.coarse() >= before, "nobody ticks, so it is precise");

        let ticks = clock.need_coarse();
        assert!(clock.coarse() >= before, "it starts precisely");
        let (send, receive) = mpsc::channel();
        let deadline = clock.after(Duration::from_millis(12));
        clock.at(deadline, move || send.send(()).unwrap_or(())).detach();
        assert_eq!(receive.recv(), Ok(()));
        assert!(clock.coarse() >= deadline);
        assert!(clock.coarse() <= clock.now());

        drop(ticks);
        let before = clock.now();
        assert!(clock.coarse() >= before, "nobody ticks any more, so it is precise again");
    }

    #[test]
    fn the_coarse_time_moves_by_itself() {
        let clock = separate();
        let first = clock.need_coarse();
        let second = clock.need_coarse();
        drop(first);
        let start = clock.coarse();
        while clock.coarse() == start {
            std::thread::yield_now();
        }
        assert!(clock.coarse() > start);
        drop(second);
    }

    #[test]
    fn thousands_of_sleeps_on_the_system_clock_end() {
        let clock = separate();
        let start = clock.now();
        let mut sleeps: Vec<Sleep> =
            (0..4_000).map(|number| clock.sleep_until(start + number % 97 * 200_000)).collect();
        crate::background::block_on(poll_fn(|context| {
            sleeps.retain_mut(|sleep| Pin::new(sleep).poll(context).is_pending());
            if sleeps.is_empty() { Poll::Ready(()) } else { Poll::Pending }
        }));
        assert!(clock.now() >= start + 96 * 200_000);
        assert_eq!(clock.source.pending(), 0);
    }

    #[test]
    fn a_sleep_on_the_system_clock_ends() {
        let clock = Clock::system();
        let deadline = clock.after(Duration::from_millis(3));
        crate::background::block_on(clock.sleep_until(deadline));
        assert!(clock.now() >= deadline);
        assert!(Clock::default().same(&clock) && !separate().same(&clock));
    }
}
