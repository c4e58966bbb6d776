//! Sleeping on a clock, without a runtime.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use super::{Clock, NEVER, Timer};
use crate::sync::lock;

/// A future that is ready once its deadline is reached; made by [`Clock::sleep`] and [`Clock::sleep_until`].
///
/// Works on any executor. Dropping it removes its timer. Polled again after it was ready, it is ready again.
#[must_use = "futures do nothing unless polled"]
pub struct Sleep {
    clock: Clock,
    deadline: u64,
    waker: Arc<Mutex<Option<Waker>>>,
    timer: Option<Timer>,
}

impl Sleep {
    pub(super) fn new(clock: Clock, deadline: u64) -> Self {
        Self { clock, deadline, waker: Arc::default(), timer: None }
    }

    /// When it is ready.
    #[must_use]
    pub fn deadline(&self) -> u64 {
        self.deadline
    }

    fn remember(&self, waker: &Waker) {
        if lock(&self.waker).as_ref().is_some_and(|known| known.will_wake(waker)) {
            return;
        }
        let fresh = waker.clone();
        // The old waker may run an executor's code when it is dropped, so it leaves the lock first.
        let old = lock(&self.waker).replace(fresh);
        drop(old);
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.clock.now() >= self.deadline {
            return Poll::Ready(());
        }
        if self.deadline == NEVER {
            return Poll::Pending;
        }
        self.remember(context.waker());
        if self.timer.is_none() {
            let waker = Arc::clone(&self.waker);
            self.timer = Some(self.clock.at(self.deadline, move || {
                let waker = lock(&waker).take();
                if let Some(waker) = waker {
                    waker.wake();
                }
            }));
        }
        // The timer may have fired for the waker before this one, and it fires once.
        if self.clock.now() >= self.deadline { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl fmt::Debug for Sleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sleep").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}
