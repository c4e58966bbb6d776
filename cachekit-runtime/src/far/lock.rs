//! The fill lock across processes: a marker with a lease. The store is its own fence, so that a lock that was lost costs a load and nothing else.

use super::{
    Far,
    ask::{Has, Question},
    bridge,
    fill::Fill,
    fill::Ticket,
    link::{Link, Unanswered},
    traced::Verb,
    visit::Visit,
};
use crate::{
    backend::{Address, Witness},
    budget::Budget,
    envelope::{Head, Kind},
    time::{Clock, nanos},
};
use std::{
    hash::{BuildHasher, RandomState},
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// How long a waiter sleeps between two looks, at least and at most.
const PAUSE: (u64, u64) = (nanos(Duration::from_millis(10)), nanos(Duration::from_millis(250)));

/// A lock that is ours: prolonged until this is dropped.
#[derive(Debug, Clone)]
pub(super) struct Hold {
    held: Arc<Held>,
}

/// Gives the lock back when it is dropped, as a leader does that goes away: others would wait for the end of the lease.
#[derive(Debug)]
struct Held {
    link: Arc<Link>,
    address: Address,
    lock: Witness,
    lease: Duration,
    clock: Clock,
    is_over: AtomicBool,
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.is_over.load(Ordering::Acquire) {
            return;
        }
        let (link, address, lock) = (Arc::clone(&self.link), self.address.clone(), self.lock);
        let budget = Budget::start(&self.clock, self.lease);
        bridge::spawn(false, async move {
            // If that fails, the lease ends.
            let _ = link.fill_shared(Verb::Store, &budget, |shared| shared.store(&address, lock, None, None)).await;
        });
    }
}

impl Hold {
    pub(super) fn keep(link: &Arc<Link>, address: &Address, lock: Witness, lease: Duration, clock: &Clock) -> Self {
        let (link, address, clock) = (Arc::clone(link), address.clone(), clock.clone());
        let held = Held {
            link: Arc::clone(&link),
            address: address.clone(),
            lock,
            lease,
            clock: clock.clone(),
            is_over: AtomicBool::new(false),
        };
        let held = Arc::new(held);
        let alive = Arc::downgrade(&held);
        bridge::spawn_apart(async move { prolong(alive, link, address, lock, lease, clock).await });
        Hold { held }
    }

    /// There is a value in its place now, or nothing.
    pub(super) fn release(&self) {
        self.held.is_over.store(true, Ordering::Release);
    }
}

async fn prolong(held: Weak<Held>, link: Arc<Link>, address: Address, lock: Witness, lease: Duration, clock: Clock) {
    loop {
        clock.sleep(lease / 3).await;
        if held.strong_count() == 0 {
            return;
        }
        let budget = Budget::start(&clock, lease / 3);
        // Lost: the store will see it. Failed: once more, while the lease lasts.
        if let Ok(false) = link.call_shared(Verb::Renew, &budget, |shared| shared.renew(&address, lock, lease)).await {
            return;
        }
    }
}

impl<V: Clone + Send + Sync + 'static> Far<V> {
    /// Another process fills: waits until there is a value, or the lock is gone. Not longer than one lease for one holder, and two for all of them; whoever has
    /// waited so long computes beside the holder, so that two processes that wait for each other's keys do not wait for ever, and neither does who waits for
    /// loads that fail one after another.
    pub(super) async fn wait_for_lock(
        self: &Arc<Self>,
        at: Visit<'_>,
        question: &mut Question<V>,
        fill: &mut Fill,
    ) -> Result<Has<V>, Unanswered> {
        self.counters.lock_wait();
        let address = question.address.clone();
        let lease = self.lock.unwrap_or_default();
        let last = *fill.locks_until.get_or_insert_with(|| self.clock.after(lease.saturating_mul(2)));
        let mut deadline = self.clock.after(lease).min(last);
        let mut pause = PAUSE.0;
        let mut holder: Option<Head> = None;
        loop {
            self.clock.sleep_until(self.clock.now().saturating_add(jittered(pause))).await;
            pause = (pause * 2).min(PAUSE.1);
            let budget = self.budget();
            let looked = at.tier.link.call_shared(Verb::Look, &budget, |shared| shared.look(&address)).await?;
            let head = looked.bytes.as_ref().and_then(|bytes| Head::read(bytes).ok());
            let still_locked = head.is_some_and(|head| head.kind() == Kind::Lock);
            // The last one was killed, and its lease has ended for all who waited: one of them fills now, which the others wait for anew.
            if still_locked && holder.is_some() && holder != head {
                deadline = self.clock.after(lease).min(last);
            }
            holder = head;
            if still_locked && self.clock.now() < deadline {
                continue;
            }
            if still_locked {
                // It is held for longer than its lease: compute beside it.
                return Ok(Has::Nothing(Ticket::None, None));
            }
            return Box::pin(self.ask_shared(Visit { budget: &budget, ..at }, question, fill)).await;
        }
    }
}

/// Between half of it and all of it.
fn jittered(pause: u64) -> u64 {
    let half = pause / 2;
    half + RandomState::new().hash_one(pause) % half.max(1)
}
