//! A clock that stands still until a test moves it.

use std::sync::Arc;
use std::time::Duration;

use super::source::Source;
use super::{Clock, duration};

/// Time under a test's control: it starts at zero and moves only by [`advance`](Self::advance).
///
/// Clones are handles of the same clock.
///
/// ```
/// # use cachekit_runtime as cachekit;
/// use cachekit::time::TestClock;
/// use std::time::Duration;
///
/// let test = TestClock::new();
/// let clock = test.clock();
/// clock.at(clock.after(Duration::from_secs(5)), || println!("five seconds later")).detach();
/// test.advance(Duration::from_secs(10)); // prints
/// assert_eq!(test.now(), Duration::from_secs(10));
/// ```
#[derive(Clone, Debug)]
pub struct TestClock {
    clock: Clock,
}

impl TestClock {
    /// A clock of its own, at zero.
    #[must_use]
    pub fn new() -> Self {
        Self { clock: Clock { source: Arc::new(Source::test()) } }
    }

    /// The clock to give to caches.
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.clock.clone()
    }

    /// The time since the clock was made, as the sum of all advances.
    #[must_use]
    pub fn now(&self) -> Duration {
        duration(self.clock.now())
    }

    /// Moves the clock by `span` and runs the jobs that fall due, on this thread.
    ///
    /// They run in the order of their deadlines, each while the clock shows its deadline, outside of all locks; jobs that they schedule run in
    /// the same call if they are due within it. Calls add up, also concurrent ones and those from within a job. The end of time, after
    /// 584 years, is not passed.
    pub fn advance(&self, span: Duration) {
        self.clock.source.advance(span);
    }

    /// How many jobs wait for their deadline.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.clock.source.pending()
    }
}

impl Default for TestClock {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::lock;
    use crate::time::{NEVER, Timer};
    use proptest::prelude::*;
    use std::future::Future;
    use std::pin::pin;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Context, Poll, Wake, Waker};

    const SECOND: Duration = Duration::from_secs(1);

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<(u64, u32)>>>);

    impl Log {
        fn entry(&self, clock: &Clock, id: u32) -> impl FnOnce() + Send + use<> {
            let (log, clock) = (self.clone(), clock.clone());
            move || lock(&log.0).push((clock.now(), id))
        }

        fn take(&self) -> Vec<(u64, u32)> {
            std::mem::take(&mut *lock(&self.0))
        }
    }

    #[derive(Default)]
    struct Wakes(AtomicUsize);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn jobs_run_in_order_each_at_its_own_time() {
        let (test, log) = (TestClock::new(), Log::default());
        let clock = test.clock();
        for (deadline, id) in [(30, 1), (10, 2), (20, 3), (10, 4), (31, 5)] {
            clock.at(deadline, log.entry(&clock, id)).detach();
        }
        test.advance(Duration::from_nanos(30));
        assert_eq!(log.take(), [(10, 2), (10, 4), (20, 3), (30, 1)]);
        assert_eq!((test.now(), clock.coarse()), (Duration::from_nanos(30), 30));
        test.advance(Duration::from_nanos(1));
        assert_eq!(log.take(), [(31, 5)]);
    }

    #[test]
    fn jobs_schedule_jobs() {
        let (test, log) = (TestClock::new(), Log::default());
        let clock = test.clock();
        let (inner, again) = (clock.clone(), log.clone());
        clock
            .at(10, move || {
                inner.at(5, again.entry(&inner, 1)).detach();
                inner.at(20, again.entry(&inner, 2)).detach();
                inner.at(200, again.entry(&inner, 3)).detach();
            })
            .detach();
        clock.at(15, log.entry(&clock, 4)).detach();
        test.advance(Duration::from_nanos(100));
        assert_eq!(log.take(), [(10, 1), (15, 4), (20, 2)], "a job in the past does not turn time back");
        assert_eq!(test.pending(), 1);
    }

    #[test]
    fn a_job_may_advance_the_clock() {
        let (test, log) = (TestClock::new(), Log::default());
        let clock = test.clock();
        let inner = test.clone();
        clock.at(10, move || inner.advance(Duration::from_nanos(50))).detach();
        clock.at(140, log.entry(&clock, 1)).detach();
        test.advance(Duration::from_nanos(100));
        assert_eq!(log.take(), [(140, 1)]);
        assert_eq!(test.now(), Duration::from_nanos(150));
    }

    #[test]
    fn a_dropped_or_cancelled_timer_does_not_run() {
        let (test, log) = (TestClock::new(), Log::default());
        let clock = test.clock();
        drop(clock.at(10, log.entry(&clock, 1)));
        assert!(clock.at(10, log.entry(&clock, 2)).cancel());
        let late = clock.at(10, log.entry(&clock, 3));
        assert_eq!((late.deadline(), test.pending()), (10, 1));
        test.advance(SECOND);
        assert!(!late.cancel(), "it has run");
        assert_eq!(log.take(), [(10, 3)]);
    }

    #[test]
    fn a_cancelled_job_is_dropped_outside_of_the_lock() {
        struct Canceller(Clock, Option<Timer>);
        impl Drop for Canceller {
            fn drop(&mut self) {
                self.1.take();
                self.0.at(1, || ()).detach();
            }
        }
        let test = TestClock::new();
        let clock = test.clock();
        let other = clock.at(10, || ());
        let guard = Canceller(clock.clone(), Some(other));
        drop(clock.at(10, move || drop(guard)));
        assert_eq!(test.pending(), 1, "only the one that the destructor scheduled");
    }

    #[test]
    fn the_far_future_saturates() {
        let (test, log) = (TestClock::new(), Log::default());
        let clock = test.clock();
        assert_eq!(clock.after(Duration::MAX), NEVER);
        clock.at(NEVER, log.entry(&clock, 1)).detach();
        assert_eq!(test.pending(), 0, "a detached job that never runs is not kept");
        let kept = clock.at(NEVER, log.entry(&clock, 2));
        let last = clock.at(NEVER - 1, log.entry(&clock, 3));
        test.advance(Duration::MAX);
        test.advance(Duration::MAX);
        assert_eq!(clock.now(), NEVER - 1);
        assert_eq!(clock.after(SECOND), NEVER);
        assert_eq!(log.take(), [(NEVER - 1, 3)]);
        assert!(kept.cancel() && !last.cancel());
    }

    #[test]
    fn a_panicking_job_does_not_stop_the_others() {
        let (test, log) = (TestClock::new(), Log::default());
        let clock = test.clock();
        clock.at(1, || panic!("expected by a test")).detach();
        clock.at(2, log.entry(&clock, 1)).detach();
        test.advance(SECOND);
        assert_eq!(log.take(), [(2, 1)]);
        assert_eq!(test.now(), SECOND);
    }

    #[test]
    fn a_sleep_wakes_the_last_waker_once_and_leaves_nothing() {
        let test = TestClock::new();
        let clock = test.clock();
        let (first, second) = (Arc::new(Wakes::default()), Arc::new(Wakes::default()));
        let (a, b) = (Waker::from(Arc::clone(&first)), Waker::from(Arc::clone(&second)));
        let mut sleep = pin!(clock.sleep(SECOND));
        assert_eq!(test.pending(), 0, "no timer before the first poll");
        assert_eq!(sleep.as_mut().poll(&mut Context::from_waker(&a)), Poll::Pending);
        assert_eq!(sleep.as_mut().poll(&mut Context::from_waker(&b)), Poll::Pending);
        assert_eq!(test.pending(), 1);
        test.advance(SECOND - Duration::from_nanos(1));
        assert_eq!(second.0.load(Ordering::SeqCst), 0);
        test.advance(SECOND);
        assert_eq!((first.0.load(Ordering::SeqCst), second.0.load(Ordering::SeqCst)), (0, 1));
        assert_eq!(sleep.as_mut().poll(&mut Context::from_waker(&b)), Poll::Ready(()));
        assert_eq!(sleep.as_mut().poll(&mut Context::from_waker(&b)), Poll::Ready(()));
        assert_eq!(test.pending(), 0);
    }

    #[test]
    fn a_dropped_sleep_is_forgotten() {
        let test = TestClock::new();
        let wakes = Arc::new(Wakes::default());
        let waker = Waker::from(Arc::clone(&wakes));
        {
            let mut sleep = pin!(test.clock().sleep(SECOND));
            assert!(sleep.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        }
        assert_eq!(test.pending(), 0);
        test.advance(SECOND * 2);
        assert_eq!(wakes.0.load(Ordering::SeqCst), 0);
    }

    #[test]
    fn sleeps_of_zero_and_for_ever() {
        let test = TestClock::new();
        let mut context = Context::from_waker(Waker::noop());
        assert!(pin!(test.clock().sleep(Duration::ZERO)).poll(&mut context).is_ready());
        let mut endless = pin!(test.clock().sleep(Duration::MAX));
        assert!(endless.as_mut().poll(&mut context).is_pending());
        test.advance(Duration::MAX);
        assert!(endless.as_mut().poll(&mut context).is_pending());
    }

    #[test]
    fn concurrent_advances_add_up_and_run_each_job_once() {
        let (test, runs) = (TestClock::new(), Arc::new(AtomicUsize::new(0)));
        let clock = test.clock();
        for deadline in 0..4_000 {
            let runs = Arc::clone(&runs);
            clock.at(deadline, move || _ = runs.fetch_add(1, Ordering::Relaxed)).detach();
        }
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..1_000).for_each(|_| test.advance(Duration::from_nanos(1))));
            }
        });
        assert_eq!(test.now(), Duration::from_nanos(4_000));
        assert_eq!(runs.load(Ordering::Relaxed), 4_000);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn thousands_of_timers_equal_a_sorted_list(
            deadlines in prop::collection::vec((0u64..5_000, any::<bool>()), 1_000..3_000),
            steps in prop::collection::vec(0u64..1_000, 1..12),
        ) {
            let (test, log) = (TestClock::new(), Log::default());
            let clock = test.clock();
            let mut kept = Vec::new();
            let mut expected = Vec::new();
            for (id, (deadline, cancel)) in (0u32..).zip(deadlines) {
                let timer = clock.at(deadline, log.entry(&clock, id));
                if cancel {
                    prop_assert!(timer.cancel());
                } else {
                    kept.push(timer);
                    expected.push((deadline, id));
                }
            }
            expected.sort_unstable();
            steps.iter().for_each(|step| test.advance(Duration::from_nanos(*step)));
            let end: u64 = steps.iter().sum();
            expected.retain(|(deadline, _)| *deadline <= end);
            prop_assert_eq!(log.take(), expected);
        }
    }
}
