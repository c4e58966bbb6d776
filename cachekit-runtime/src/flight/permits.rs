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
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

/// How long a permit that was handed on is kept for those who wait.
const KEPT: u64 = nanos(Duration::from_millis(100));

pub(crate) struct Permits {
    max: usize,
    clock: Clock,
    taken: Mutex<Taken>,
    node: Arc<Node>,
}

#[derive(Default)]
struct Taken {
    all: usize,
    by_async: usize,
    /// Those who wait, in the order of their coming: of their numbers.
    queue: VecDeque<Waiter>,
    next: u64,
    /// Permits that were handed on, and not come for yet.
    handed: usize,
}

struct Waiter {
    number: u64,
    event: Arc<Event>,
    is_async: bool,
    /// A sync caller that blocks a thread of a runtime while it waits: async holders may need that thread.
    is_blocking: bool,
    /// When a permit was handed on to it.
    handed_at: Option<u64>,
    /// It did not come for one: others come first.
    was_late: bool,
}

impl Taken {
    /// Hands a permit that is free on to who has waited longest. Whom to wake, outside of the lock.
    fn hand_on(&mut self, clock: &Clock) -> Vec<Arc<Event>> {
        let waiting = |waiter: &&mut Waiter| waiter.handed_at.is_none();
        let is_late = self.queue.iter().filter(|waiter| waiter.handed_at.is_none()).all(|waiter| waiter.was_late);
        let next = self.queue.iter_mut().filter(waiting).find(|waiter| is_late || !waiter.was_late);
        let Some(waiter) = next else { return Vec::new() };
        waiter.handed_at = Some(clock.now());
        let (event, is_async) = (waiter.event.clone(), waiter.is_async);
        self.handed += 1;
        let mut wakes = if is_async { self.blocking() } else { Vec::new() };
        wakes.push(event);
        wakes
    }

    /// Those who must not wait for an async holder, and look again when there is one.
    fn blocking(&self) -> Vec<Arc<Event>> {
        self.queue.iter().filter(|waiter| waiter.is_blocking).map(|waiter| waiter.event.clone()).collect()
    }

    /// Takes back what was handed on to somebody who does not come for it, and lets others come first from now on.
    fn take_back(&mut self, now: u64) -> bool {
        let is_late = |waiter: &Waiter| waiter.handed_at.is_some_and(|at| now.saturating_sub(at) > KEPT);
        let Some(late) = self.queue.iter_mut().find(|waiter| is_late(waiter)) else { return false };
        late.handed_at = None;
        late.was_late = true;
        self.handed -= 1;
        true
    }

    /// Takes one who waits out of the queue.
    fn leave(&mut self, number: u64) -> Option<Waiter> {
        let at = self.queue.binary_search_by_key(&number, |waiter| waiter.number).ok()?;
        self.queue.remove(at)
    }

    fn is_handed(&self, number: u64) -> bool {
        let at = self.queue.binary_search_by_key(&number, |waiter| waiter.number);
        at.is_ok_and(|at| self.queue[at].handed_at.is_some())
    }

    /// May an async holder need a thread that is blocked?
    fn has_async(&self) -> bool {
        self.by_async > 0 || self.queue.iter().any(|waiter| waiter.is_async && waiter.handed_at.is_some())
    }
}

fn wake(events: Vec<Arc<Event>>) {
    events.iter().for_each(|event| _ = event.notify(usize::MAX));
}

/// A caller waits.
struct Queued<'a> {
    permits: &'a Permits,
    number: u64,
    event: Arc<Event>,
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        let mut taken = lock(&self.permits.taken);
        if taken.leave(self.number).is_some_and(|waiter| waiter.handed_at.is_some()) {
            taken.handed -= 1;
            let wakes = taken.hand_on(&self.permits.clock);
            drop(taken);
            wake(wakes);
        }
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
        Permits { max, clock, taken: Mutex::default(), node: Arc::new(Node::default()) }
    }

    fn taken(self: &Arc<Self>, mut taken: MutexGuard<'_, Taken>, holder: &Arc<Node>, is_async: bool) -> Permit {
        taken.all += 1;
        taken.by_async += usize::from(is_async);
        let wakes = if is_async { taken.blocking() } else { Vec::new() };
        drop(taken);
        wake(wakes);
        graph::hold(&self.node, holder);
        Permit { permits: Some(self.clone()), holder: holder.clone(), is_async }
    }

    /// As `try_take`, and waits in the queue otherwise.
    fn take_or_queue(
        self: &Arc<Self>,
        holder: &Arc<Node>,
        is_async: bool,
        is_blocking: bool,
    ) -> Result<Permit, Queued<'_>> {
        let mut taken = lock(&self.taken);
        let is_free = taken.all + taken.handed < self.max;
        if is_free || taken.handed > 0 && taken.take_back(self.clock.now()) {
            return Ok(self.taken(taken, holder, is_async));
        }
        let (number, event) = (taken.next, Arc::new(Event::new()));
        taken.next += 1;
        let waiter = Waiter { number, event: event.clone(), is_async, is_blocking, handed_at: None, was_late: false };
        taken.queue.push_back(waiter);
        Err(Queued { permits: self, number, event })
    }

    /// What was handed on to the one who waits.
    fn come_for(self: &Arc<Self>, queued: &Queued<'_>, holder: &Arc<Node>, is_async: bool) -> Option<Permit> {
        let mut taken = lock(&self.taken);
        if !taken.is_handed(queued.number) {
            return None;
        }
        taken.leave(queued.number);
        taken.handed -= 1;
        Some(self.taken(taken, holder, is_async))
    }

    fn over_limit(holder: &Arc<Node>) -> Permit {
        Permit { permits: None, holder: holder.clone(), is_async: false }
    }

    /// Waits for a permit; a wait that would close a cycle, or would block a thread that an async holder may need, goes over the limit instead.
    pub(crate) fn take(self: &Arc<Self>, holder: &Arc<Node>) -> Permit {
        let is_blocking = is_runtime_thread();
        let queued = match self.take_or_queue(holder, false, is_blocking) {
            Ok(permit) => return permit,
            Err(queued) => queued,
        };
        loop {
            let listener = queued.event.listen();
            if let Some(permit) = self.come_for(&queued, holder, false) {
                return permit;
            }
            if is_blocking && lock(&self.taken).has_async() {
                return Self::over_limit(holder);
            }
            let Ok(_waiting) = Waiting::begin(&self.node, Some(holder)) else { return Self::over_limit(holder) };
            listener.wait();
        }
    }

    /// As [`Permits::take`]. Cancel-safe.
    pub(crate) async fn take_async(self: &Arc<Self>, holder: &Arc<Node>) -> Permit {
        let queued = match self.take_or_queue(holder, true, false) {
            Ok(permit) => return permit,
            Err(queued) => queued,
        };
        loop {
            let listener = queued.event.listen();
            if let Some(permit) = self.come_for(&queued, holder, true) {
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
        let wakes = taken.hand_on(&permits.clock);
        drop(taken);
        wake(wakes);
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
        let held = permits.take_or_queue(&first, true, false).ok();
        let mut waiter = pin!(permits.take_async(&second));
        assert!(waiter.as_mut().poll(&mut context).is_pending());
        drop(held);
        let mut newcomer = pin!(permits.take_async(&third));
        assert!(newcomer.as_mut().poll(&mut context).is_pending(), "it is the waiter's");
        let Poll::Ready(taken) = waiter.as_mut().poll(&mut context) else { panic!("its turn") };
        drop(taken);
        assert!(newcomer.as_mut().poll(&mut context).is_ready(), "nobody waits before it any more");
    }

    #[test]
    fn a_permit_that_nobody_comes_for_is_not_lost() {
        let clock = TestClock::new();
        let permits = Arc::new(Permits::new(1, clock.clock()));
        let [first, second, third] = [(); 3].map(|()| Arc::new(Node::default()));
        let mut context = Context::from_waker(Waker::noop());
        {
            let held = permits.take_or_queue(&first, true, false).ok();
            let mut unpolled = pin!(permits.take_async(&second));
            assert!(unpolled.as_mut().poll(&mut context).is_pending());
            drop(held);
            clock.advance(Duration::from_millis(101));
            let taken = permits.take_or_queue(&third, true, false).ok();
            assert!(taken.is_some(), "the waiter does not come");
            drop(taken);
        }
        assert!(permits.take_or_queue(&third, true, false).ok().is_some(), "the waiter is gone");
    }
}
