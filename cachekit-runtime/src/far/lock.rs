//! The fill lock across processes: a marker with a lease. The store is its own fence, so that a lock that was lost costs a load and nothing else.

use super::{
    Far, Tier,
    ask::{Accept, Has},
    bridge,
    fill::Ticket,
    link::{Link, Unanswered},
};
use crate::{
    backend::{Address, Witness},
    budget::Budget,
    envelope::{Head, Kind},
    time::{Clock, nanos},
};
use std::{
    hash::{BuildHasher, RandomState},
    sync::{Arc, Weak},
    time::Duration,
};

/// How long a waiter sleeps between two looks, at least and at most.
const PAUSE: (u64, u64) = (nanos(Duration::from_millis(10)), nanos(Duration::from_millis(250)));

/// A lock that is ours: prolonged until this is dropped.
#[derive(Debug, Clone)]
pub(super) struct Hold {
    _alive: Arc<()>,
}

impl Hold {
    pub(super) fn keep(link: &Arc<Link>, address: &Address, lock: Witness, lease: Duration, clock: &Clock) -> Self {
        let alive = Arc::new(());
        let (held, link, address, clock) = (Arc::downgrade(&alive), Arc::clone(link), address.clone(), clock.clone());
        bridge::spawn_apart(async move { prolong(held, link, address, lock, lease, clock).await });
        Hold { _alive: alive }
    }
}

async fn prolong(held: Weak<()>, link: Arc<Link>, address: Address, lock: Witness, lease: Duration, clock: Clock) {
    loop {
        clock.sleep(lease / 3).await;
        if held.upgrade().is_none() {
            return;
        }
        let budget = Budget::start(&clock, lease / 3);
        // Lost: the store will see it. Failed: once more, while the lease lasts.
        if let Ok(false) = link.call_shared(&budget, |shared| shared.renew(&address, lock, lease)).await {
            return;
        }
    }
}

impl<V: Clone + Send + Sync + 'static> Far<V> {
    /// Another process fills: waits until there is a value, or the lock is gone. Not longer than a lease after the lock was seen prolonged last.
    pub(super) async fn wait_for_lock(
        self: &Arc<Self>,
        tier: &Tier,
        address: &Address,
        accept: Accept,
    ) -> Result<Has<V>, Unanswered> {
        self.counters.lock_wait();
        let lease = self.lock.unwrap_or_default();
        let deadline = self.clock.after(lease);
        let mut pause = PAUSE.0;
        loop {
            self.clock.sleep_until(self.clock.now().saturating_add(jittered(pause))).await;
            pause = (pause * 2).min(PAUSE.1);
            let budget = self.budget();
            let looked = tier.link.call_shared(&budget, |shared| shared.look(address)).await?;
            let head = looked.bytes.as_ref().and_then(|bytes| Head::read(bytes).ok());
            let still_locked = head.is_some_and(|head| head.kind() == Kind::Lock);
            if still_locked && self.clock.now() < deadline {
                continue;
            }
            if still_locked {
                // It is held for longer than its lease: compute beside it.
                return Ok(Has::Nothing(Ticket::None, None));
            }
            return Box::pin(self.ask_shared(tier, address, accept, &budget)).await;
        }
    }
}

/// Between half of it and all of it.
fn jittered(pause: u64) -> u64 {
    let half = pause / 2;
    half + RandomState::new().hash_one(pause) % half.max(1)
}
