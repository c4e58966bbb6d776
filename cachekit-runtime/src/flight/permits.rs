//! `max_loads`: at most so many loaders of one cache at once, in the order of their coming.
//!
//! A permit that is given back while somebody waits is handed on: it is nobody else's, or a stream of newcomers would take each of them, and who waits
//! would wait for ever. Only where the waiting do not come for it, because their futures are not polled, newcomers take it after all.

use super::graph::{self, Node, Waiting};
use crate::{
    runtime_thread::is_runtime_thread,
    sync::lock,
    time::{Clock, nanos},
};
use event_listener::{Event, Listener};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

/// How long a permit that was handed on is kept for those who wait.
const KEPT: u64 = nanos(Duration::from_millis(100));

pub(crate) struct Permits {
    max: usize,
    clock: Clock,
    taken: Mutex<Taken>,
    event: Event,
    node: Arc<Node>,
}

#[derive(Default)]
struct Taken {
    all: usize,
    by_async: usize,
    waiting: usize,
    /// Permits for those who wait.
    handed: usize,
    /// When one was handed on last.
    handed_at: u64,
    /// Sync callers that block a thread of a runtime while they wait: async holders may need that thread.
    blocked: usize,
}

/// A sync caller waits on a thread of a runtime.
struct Blocked<'a>(&'a Permits);

impl Drop for Blocked<'_> {
    fn drop(&mut self) {
        lock(&self.0.taken).blocked -= 1;
    }
}

/// A caller waits.
struct Queued<'a>(&'a Permits);

impl<'a> Queued<'a> {
    fn begin(permits: &'a Permits) -> Self {
        lock(&permits.taken).waiting += 1;
        Queued(permits)
    }
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        lock(&self.0.taken).waiting -= 1;
    }
}

/// One loader's permit; `None` inside for a nested load that had to go over the limit.
pub(crate) struct Permit {
    permits: Option<Arc<Permits>>,
    holder: Arc<Node>,
    is_async: bool,
}

impl Permit {
    pub(crate) fn is_over_limit(&self) -> bool {
        self.permits.is_none()
    }
}

impl Permits {
    pub(crate) fn new(max: usize, clock: Clock) -> Self {
        Permits { max, clock, taken: Mutex::default(), event: Event::new(), node: Arc::new(Node::default()) }
    }

    fn try_take(self: &Arc<Self>, holder: &Arc<Node>, is_async: bool, waited: bool) -> Option<Permit> {
        let mut taken = lock(&self.taken);
        let may_have_handed =
            waited || taken.waiting == 0 || taken.handed > 0 && self.clock.now().saturating_sub(taken.handed_at) > KEPT;
        if may_have_handed && taken.handed > 0 {
            taken.handed -= 1;
        } else if taken.all + taken.handed >= self.max {
            return None;
        }
        taken.all += 1;
        taken.by_async += usize::from(is_async);
        let tell_blocked = is_async && taken.blocked > 0;
        drop(taken);
        if tell_blocked {
            self.event.notify(usize::MAX);
        }
        graph::hold(&self.node, holder);
        Some(Permit { permits: Some(self.clone()), holder: holder.clone(), is_async })
    }

    fn over_limit(holder: &Arc<Node>) -> Permit {
        Permit { permits: None, holder: holder.clone(), is_async: false }
    }

    /// Waits for a permit; a wait that would close a cycle, or would block a thread that an async holder may need, goes over the limit instead.
    pub(crate) fn take(self: &Arc<Self>, holder: &Arc<Node>) -> Permit {
        if let Some(permit) = self.try_take(holder, false, false) {
            return permit;
        }
        let _queued = Queued::begin(self);
        let blocked = is_runtime_thread().then(|| {
            lock(&self.taken).blocked += 1;
            Blocked(self)
        });
        loop {
            let listener = self.event.listen();
            if let Some(permit) = self.try_take(holder, false, true) {
                return permit;
            }
            if blocked.is_some() && lock(&self.taken).by_async > 0 {
                return Self::over_limit(holder);
            }
            let Ok(_waiting) = Waiting::begin(&self.node, Some(holder)) else { return Self::over_limit(holder) };
            listener.wait();
        }
    }

    /// As [`Permits::take`]. Cancel-safe.
    pub(crate) async fn take_async(self: &Arc<Self>, holder: &Arc<Node>) -> Permit {
        if let Some(permit) = self.try_take(holder, true, false) {
            return permit;
        }
        let _queued = Queued::begin(self);
        loop {
            let listener = self.event.listen();
            if let Some(permit) = self.try_take(holder, true, true) {
                return permit;
            }
            let Ok(_waiting) = Waiting::begin(&self.node, Some(holder)) else { return Self::over_limit(holder) };
            listener.await;
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let Some(permits) = &self.permits else { return };
        graph::release(&permits.node, &self.holder);
        let mut taken = lock(&permits.taken);
        taken.all -= 1;
        taken.by_async -= usize::from(self.is_async);
        if taken.waiting > taken.handed {
            taken.handed += 1;
            taken.handed_at = permits.clock.now();
        }
        drop(taken);
        // One more for each permit: `notify(1)` would do nothing while somebody who was woken for another one has not come yet.
        permits.event.notify_additional(1);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::time::TestClock;
    use std::{
        future::Future,
        pin::pin,
        task::{Context, Poll, Waker},
    };

    #[test]
    fn newcomers_do_not_overtake_who_waits() {
        let clock = TestClock::new();
        let permits = Arc::new(Permits::new(1, clock.clock()));
        let [first, second, third] = [(); 3].map(|()| Arc::new(Node::default()));
        let mut context = Context::from_waker(Waker::noop());
        let held = permits.try_take(&first, true, false);
        let mut waiter = pin!(permits.take_async(&second));
        assert!(waiter.as_mut().poll(&mut context).is_pending());
        drop(held);
        assert!(permits.try_take(&third, true, false).is_none(), "it is the waiter's");
        let Poll::Ready(taken) = waiter.as_mut().poll(&mut context) else { panic!("its turn") };
        drop(taken);
        assert!(permits.try_take(&third, true, false).is_some(), "nobody waits any more");
    }

    #[test]
    fn a_permit_that_nobody_comes_for_is_not_lost() {
        let clock = TestClock::new();
        let permits = Arc::new(Permits::new(1, clock.clock()));
        let [first, second, third] = [(); 3].map(|()| Arc::new(Node::default()));
        let mut context = Context::from_waker(Waker::noop());
        {
            let held = permits.try_take(&first, true, false);
            let mut unpolled = pin!(permits.take_async(&second));
            assert!(unpolled.as_mut().poll(&mut context).is_pending());
            drop(held);
            clock.advance(Duration::from_millis(101));
            let taken = permits.try_take(&third, true, false);
            assert!(taken.is_some(), "the waiter does not come");
            drop(taken);
        }
        assert!(permits.try_take(&third, true, false).is_some(), "the waiter is gone");
    }
}
