//! One budget for all waits of a call for its backends.
//!
//! It starts with the call and runs out at one moment, however many backends are asked: the near one, the far one, then the store. Waiting uses the
//! timers of the [`Clock`], so it works on every async runtime, without one, and on the clock of a test.

use crate::{
    Error,
    backend::Failure,
    background::block_on,
    time::{Clock, Deadlines, NEVER, duration},
};
use std::{
    fmt,
    future::{Future, poll_fn},
    pin::pin,
    sync::Arc,
    task::Poll,
    time::Duration,
};

/// What is left of the time that a call may wait for its backends.
///
/// ```
/// # use cachekit_runtime as cachekit;
/// use cachekit::{budget::Budget, time::TestClock};
/// use std::time::Duration;
///
/// let test = TestClock::new();
/// let budget = Budget::start(&test.clock(), Duration::from_millis(250));
/// test.advance(Duration::from_millis(100));
/// assert_eq!(budget.remaining(), Duration::from_millis(150));
/// assert!(!budget.is_over());
/// ```
#[derive(Clone)]
pub struct Budget {
    times: Times,
    deadline: u64,
}

/// Whose timers are used.
#[derive(Clone)]
enum Times {
    Own(Clock),
    /// Of those who have as much time.
    Shared(Arc<Deadlines>),
}

impl Budget {
    /// The default of `timeout`.
    pub const DEFAULT: Duration = Duration::from_millis(250);

    /// Begins now and runs out after `timeout`.
    #[must_use]
    pub fn start(clock: &Clock, timeout: Duration) -> Self {
        Budget { times: Times::Own(clock.clone()), deadline: clock.after(timeout) }
    }

    /// As [`start`](Self::start), by the clock and the timer of those who begin with the same `timeout`.
    pub(crate) fn start_among(all: &Arc<Deadlines>, timeout: Duration) -> Self {
        Budget { times: Times::Shared(Arc::clone(all)), deadline: all.clock().after(timeout) }
    }

    /// Never runs out: for work that no caller waits for.
    #[must_use]
    pub fn endless(clock: &Clock) -> Self {
        Budget { times: Times::Own(clock.clone()), deadline: NEVER }
    }

    fn clock(&self) -> &Clock {
        match &self.times {
            Times::Own(clock) => clock,
            Times::Shared(all) => all.clock(),
        }
    }

    /// What is left; zero when it is over.
    #[must_use]
    pub fn remaining(&self) -> Duration {
        if self.deadline == NEVER { Duration::MAX } else { duration(self.deadline.saturating_sub(self.clock().now())) }
    }

    /// Is nothing left?
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.clock().now() >= self.deadline
    }

    /// When it runs out, in the nanoseconds of its clock.
    #[must_use]
    pub fn deadline(&self) -> u64 {
        self.deadline
    }

    /// What `operation` gives, or [`Failure::Timeout`] of `backend` when the budget runs out before that; the operation is dropped then. It is
    /// not begun when nothing is left. No timer is made for an operation that does not wait.
    ///
    /// Cancellation safety: dropping the future drops the operation.
    ///
    /// # Errors
    ///
    /// Those of the operation, and the timeout.
    pub async fn within<T>(
        &self,
        backend: &str,
        operation: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        if self.is_over() {
            return Err(timeout(backend));
        }
        self.within_what_is_left(backend, operation).await
    }

    /// As [`within`](Self::within), for whoever has just seen that something is left.
    pub(crate) async fn within_what_is_left<T>(
        &self,
        backend: &str,
        operation: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let mut operation = pin!(operation);
        match &self.times {
            Times::Shared(all) => {
                let mut end = all.wait(self.deadline);
                poll_fn(|context| {
                    // First, so that an answer that has come is taken also at the last moment.
                    if let Poll::Ready(result) = operation.as_mut().poll(context) {
                        return Poll::Ready(result);
                    }
                    end.poll(context).map(|()| Err(timeout(backend)))
                })
                .await
            }
            Times::Own(clock) => {
                let mut end = pin!(clock.sleep_until(self.deadline));
                poll_fn(|context| {
                    if let Poll::Ready(result) = operation.as_mut().poll(context) {
                        return Poll::Ready(result);
                    }
                    end.as_mut().poll(context).map(|()| Err(timeout(backend)))
                })
                .await
            }
        }
    }

    /// As [`within`](Self::within) for sync callers: parks this thread, for at most what is left. The operation is polled on this thread, so it must
    /// not need a runtime that only this thread drives.
    ///
    /// # Errors
    ///
    /// Those of the operation, and the timeout.
    pub fn block_within<T>(
        &self,
        backend: &str,
        operation: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        block_on(self.within(backend, operation))
    }
}

#[cold]
fn timeout(backend: &str) -> Error {
    Error::backend(backend, Failure::Timeout, "the time that a call may wait is over")
}

impl fmt::Debug for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Budget").field("remaining", &self.remaining()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::TestClock;
    use std::{
        cell::Cell,
        future::{pending, ready},
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
            mpsc,
        },
        task::{Context, Wake, Waker},
        thread,
    };

    const TIMEOUT: Duration = Duration::from_millis(250);
    const NANOSECOND: Duration = Duration::from_nanos(1);

    #[derive(Default)]
    struct Wakes(AtomicUsize);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn timeout() -> Error {
        Error::backend("redis", Failure::Timeout, "the time that a call may wait is over")
    }

    /// Says when it is dropped.
    struct Dropped(mpsc::Sender<()>);

    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.send(()).ok();
        }
    }

    #[test]
    fn one_deadline_for_all_waits() {
        let test = TestClock::new();
        let budget = Budget::start(&test.clock(), TIMEOUT);
        let wakes = Arc::new(Wakes::default());
        let waker = Waker::from(Arc::clone(&wakes));
        let mut context = Context::from_waker(&waker);
        test.advance(TIMEOUT - NANOSECOND);
        assert_eq!((budget.remaining(), budget.is_over()), (NANOSECOND, false));
        let (sender, dropped) = mpsc::channel();
        {
            let guard = Dropped(sender);
            let mut wait = pin!(budget.within::<()>("redis", async move {
                let _guard = guard;
                pending().await
            }));
            assert!(wait.as_mut().poll(&mut context).is_pending());
            assert_eq!((test.pending(), dropped.try_recv().is_err()), (1, true));
            test.advance(NANOSECOND);
            assert_eq!(wakes.0.load(Ordering::SeqCst), 1);
            assert_eq!(wait.as_mut().poll(&mut context), Poll::Ready(Err(timeout())));
        }
        assert_eq!(dropped.try_recv(), Ok(()), "the operation is dropped");
        assert_eq!((test.pending(), budget.remaining(), budget.is_over()), (0, Duration::ZERO, true));

        let is_begun = Cell::new(false);
        let late = pin!(budget.within(
            "redis",
            poll_fn(|_| {
                is_begun.set(true);
                Poll::Ready(Ok(()))
            })
        ));
        assert_eq!(late.poll(&mut context), Poll::Ready(Err(timeout())));
        assert!(!is_begun.get(), "nothing is begun when nothing is left");
    }

    #[test]
    fn what_does_not_wait_makes_no_timer() {
        let test = TestClock::new();
        let budget = Budget::start(&test.clock(), TIMEOUT);
        let mut context = Context::from_waker(Waker::noop());
        let mut wait = pin!(budget.within("redis", ready(Ok(7))));
        assert_eq!(wait.as_mut().poll(&mut context), Poll::Ready(Ok(7)));
        assert_eq!(test.pending(), 0);
        let failure = Error::backend("redis", Failure::Busy, "loading");
        assert_eq!(
            pin!(budget.within::<()>("redis", ready(Err(failure.clone())))).poll(&mut context),
            Poll::Ready(Err(failure))
        );
    }

    /// As one alone, with the timer of all.
    #[test]
    fn budgets_among_others_end_too() {
        let test = TestClock::new();
        let all = Deadlines::new(&test.clock());
        let wakes = Arc::new(Wakes::default());
        let waker = Waker::from(Arc::clone(&wakes));
        let mut context = Context::from_waker(&waker);
        let (sender, dropped) = mpsc::channel();
        {
            let budgets: Vec<Budget> = (0..3).map(|_| Budget::start_among(&all, TIMEOUT)).collect();
            let mut waits: Vec<_> = budgets
                .iter()
                .map(|budget| {
                    let guard = Dropped(sender.clone());
                    Box::pin(budget.within::<()>("redis", async move {
                        let _guard = guard;
                        pending().await
                    }))
                })
                .collect();
            assert!(waits.iter_mut().all(|wait| wait.as_mut().poll(&mut context).is_pending()));
            assert_eq!((test.pending(), all.len()), (1, 3));
            test.advance(TIMEOUT - NANOSECOND);
            assert_eq!(wakes.0.load(Ordering::SeqCst), 0);
            test.advance(NANOSECOND);
            assert_eq!(wakes.0.load(Ordering::SeqCst), 3);
            assert!(waits.iter_mut().all(|wait| wait.as_mut().poll(&mut context) == Poll::Ready(Err(timeout()))));
        }
        assert_eq!((dropped.try_iter().count(), all.len(), test.pending()), (3, 0, 0));
        let budget = Budget::start_among(&all, TIMEOUT);
        assert_eq!(pin!(budget.within("redis", ready(Ok(7)))).poll(&mut context), Poll::Ready(Ok(7)));
        assert_eq!(all.len(), 0);
    }

    #[test]
    fn an_answer_at_the_last_moment_is_taken() {
        let test = TestClock::new();
        let budget = Budget::start(&test.clock(), TIMEOUT);
        let mut context = Context::from_waker(Waker::noop());
        let mut polls = 0;
        let mut wait = pin!(budget.within(
            "redis",
            poll_fn(|_| {
                polls += 1;
                if polls > 1 { Poll::Ready(Ok(())) } else { Poll::Pending }
            })
        ));
        assert!(wait.as_mut().poll(&mut context).is_pending());
        test.advance(TIMEOUT);
        assert_eq!(wait.as_mut().poll(&mut context), Poll::Ready(Ok(())));
    }

    #[test]
    fn it_may_be_endless() {
        let test = TestClock::new();
        for budget in [Budget::endless(&test.clock()), Budget::start(&test.clock(), Duration::MAX)] {
            let mut wait = pin!(budget.within::<()>("redis", pending()));
            test.advance(Duration::MAX);
            assert!(wait.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
            assert!(!budget.is_over() && budget.remaining() == Duration::MAX);
        }
    }

    #[test]
    fn a_thread_waits_no_longer_than_the_budget() {
        let test = TestClock::new();
        let budget = Budget::start(&test.clock(), TIMEOUT);
        let waiting = thread::spawn(move || budget.block_within::<()>("redis", pending()));
        while test.pending() == 0 {
            thread::yield_now();
        }
        test.advance(TIMEOUT);
        assert_eq!(waiting.join().unwrap(), Err(timeout()));

        let budget = Budget::start(&test.clock(), TIMEOUT);
        assert_eq!(budget.block_within("redis", ready(Ok(1))), Ok(1));
        let real = Budget::start(&Clock::system(), Duration::from_millis(1));
        assert_eq!(real.block_within::<()>("redis", pending()), Err(timeout()));
    }
}
