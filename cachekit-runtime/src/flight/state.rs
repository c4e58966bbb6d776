//! One flight: its state, and the ways in which it ends.
//!
//! States: `Led` (by the leader with that number) → `Done` (a payload for the followers), `Released` (they run their own loaders), or `Vacant`
//! (the leader is gone; the first follower that looks takes over, which makes it `Led` again).

use super::{
    graph::Node,
    group::Group,
    shim::{AtomicBool, AtomicU64, Mutex, Ordering, lock},
};
use event_listener::Event;
use std::{any::Any, sync::Arc};

/// What a leader leaves for its followers.
pub(crate) enum Payload<V> {
    /// The value.
    Value(V),
    /// The whole output, an `Err` for instance; see `output::Share`.
    Output(Arc<dyn Any + Send + Sync>),
}

impl<V: Clone> Clone for Payload<V> {
    fn clone(&self) -> Self {
        match self {
            Payload::Value(value) => Payload::Value(value.clone()),
            Payload::Output(output) => Payload::Output(output.clone()),
        }
    }
}

/// Why a follower had to take over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Vacancy {
    Dropped,
    Panicked,
    Stalled,
}

enum Phase<V> {
    Led {
        leader: u64,
        is_async: bool,
    },
    /// And who led last.
    Vacant(Vacancy, u64),
    Done(Arc<Payload<V>>),
    Released,
}

impl<V> Phase<V> {
    fn is_led_by(&self, leader: u64) -> bool {
        matches!(self, Phase::Led { leader: current, .. } if *current == leader)
    }
}

/// What a follower finds.
pub(crate) enum Seen<V> {
    /// Still led; `is_async` tells by what.
    Led {
        is_async: bool,
    },
    /// The caller leads from now on, as the leader with this number.
    TakenOver(u64, Vacancy),
    Done(Arc<Payload<V>>),
    Released,
}

pub(crate) struct Flight<V> {
    pub(crate) node: Arc<Node>,
    phase: Mutex<Phase<V>>,
    event: Event,
    next_leader: AtomicU64,
    /// An invalidation finished during the load: the result is not stored.
    invalidated: AtomicBool,
    /// When the leader was woken, in clock time; 0 while it needs no poll.
    woken: AtomicU64,
    /// The leader is inside a poll. Written, like `woken`, under the lock of `phase`.
    polling: AtomicBool,
    /// It stands in the map, where invalidations find it.
    listed: AtomicBool,
    /// Its first leader leads others too, and is watched for all of them at once.
    group: Option<Arc<Group>>,
    /// When its first leader began, in clock time, where that counts; else 0.
    #[cfg_attr(not(feature = "backend"), expect(dead_code, reason = "all invalidations are heard at once"))]
    began: AtomicU64,
    /// It loads anew what may be given until then.
    #[cfg_attr(not(feature = "backend"), expect(dead_code, reason = "such values are all in memory"))]
    is_refresh: bool,
}

pub(crate) const FIRST_LEADER: u64 = 0;

impl<V> Flight<V> {
    pub(crate) fn new(is_async: bool) -> Self {
        Self::with(is_async, Arc::new(Node::default()), None)
    }

    /// One of those that the group's leader leads.
    pub(crate) fn in_group(is_async: bool, group: &Arc<Group>) -> Self {
        Self::with(is_async, group.node.clone(), Some(group.clone()))
    }

    fn with(is_async: bool, node: Arc<Node>, group: Option<Arc<Group>>) -> Self {
        Flight {
            node,
            phase: Mutex::new(Phase::Led { leader: FIRST_LEADER, is_async }),
            event: Event::new(),
            next_leader: AtomicU64::new(FIRST_LEADER + 1),
            invalidated: AtomicBool::new(false),
            woken: AtomicU64::new(0),
            polling: AtomicBool::new(false),
            listed: AtomicBool::new(true),
            group,
            began: AtomicU64::new(0),
            is_refresh: false,
        }
    }

    /// Of a value that may be given until it is done.
    pub(crate) fn refresh() -> Self {
        Flight { is_refresh: true, ..Self::new(true) }
    }

    #[cfg(feature = "backend")]
    pub(crate) fn begin(&self, now: u64) {
        self.began.store(now.max(1), Ordering::Relaxed);
    }

    #[cfg(feature = "backend")]
    pub(crate) fn has_begun_before(&self, time: u64) -> bool {
        (1..time).contains(&self.began.load(Ordering::Relaxed))
    }

    #[cfg(feature = "backend")]
    pub(crate) fn is_refresh(&self) -> bool {
        self.is_refresh
    }

    /// A listener; made before the state is looked at, so that no change in between is missed.
    pub(crate) fn listen(&self) -> event_listener::EventListener {
        self.event.listen()
    }

    /// Looks at the state as a follower that would take over, `as_async`, if nobody leads.
    pub(crate) fn look(&self, as_async: bool) -> Seen<V> {
        let mut phase = lock(&self.phase);
        match &*phase {
            Phase::Led { is_async, .. } => Seen::Led { is_async: *is_async },
            Phase::Done(payload) => Seen::Done(payload.clone()),
            Phase::Released => Seen::Released,
            Phase::Vacant(why, _) => {
                let why = *why;
                let leader = self.next_leader.fetch_add(1, Ordering::Relaxed);
                *phase = Phase::Led { leader, is_async: as_async };
                self.woken.store(0, Ordering::Relaxed);
                self.polling.store(false, Ordering::Relaxed);
                drop(phase);
                if as_async {
                    // A sync follower on a runtime thread must learn that it would now wait for an async leader.
                    self.event.notify(usize::MAX);
                }
                Seen::TakenOver(leader, why)
            }
        }
    }

    /// Ends the flight; `None` releases the followers. False if another leader has ended it before.
    pub(crate) fn finish(&self, payload: Option<Payload<V>>) -> bool {
        let mut phase = lock(&self.phase);
        if matches!(*phase, Phase::Done(_) | Phase::Released) {
            return false;
        }
        *phase = match payload {
            Some(payload) => Phase::Done(Arc::new(payload)),
            None => Phase::Released,
        };
        drop(phase);
        self.event.notify(usize::MAX);
        true
    }

    /// The leader is gone without a result; one follower is to be woken ([`Flight::wake_one`]), outside of locks, to take over. False if it did not
    /// lead any more.
    pub(crate) fn vacate(&self, leader: u64, why: Vacancy) -> bool {
        let mut phase = lock(&self.phase);
        if !phase.is_led_by(leader) {
            return false;
        }
        *phase = Phase::Vacant(why, leader);
        true
    }

    pub(crate) fn wake_one(&self) {
        self.event.notify(1);
    }

    pub(crate) fn is_vacant(&self) -> bool {
        matches!(*lock(&self.phase), Phase::Vacant(..))
    }

    pub(crate) fn is_over(&self) -> bool {
        matches!(*lock(&self.phase), Phase::Done(_) | Phase::Released)
    }

    pub(crate) fn invalidate(&self) {
        self.invalidated.store(true, Ordering::Release);
    }

    /// It has left the map: from now on no invalidation finds it.
    pub(crate) fn unlist(&self) {
        self.listed.store(false, Ordering::Release);
    }

    pub(crate) fn is_listed(&self) -> bool {
        self.listed.load(Ordering::Acquire)
    }

    pub(crate) fn is_invalidated(&self) -> bool {
        self.invalidated.load(Ordering::Acquire)
    }

    /// The leader with this number was woken at `now`. A leader that has been taken over has no say.
    pub(crate) fn mark_woken(&self, leader: u64, now: u64) {
        let phase = lock(&self.phase);
        if phase.is_led_by(leader) {
            let _ = self.woken.compare_exchange(0, now.max(1), Ordering::Relaxed, Ordering::Relaxed);
        }
    }

    /// The leader with this number is about to be polled. One that was declared stalled, and that nobody has taken over yet, leads again.
    pub(crate) fn poll_begins(&self, leader: u64) {
        let mut phase = lock(&self.phase);
        if matches!(*phase, Phase::Vacant(Vacancy::Stalled, stalled) if stalled == leader) {
            *phase = Phase::Led { leader, is_async: true };
        }
        if phase.is_led_by(leader) {
            self.woken.store(0, Ordering::Relaxed);
            self.polling.store(true, Ordering::Relaxed);
        }
    }

    /// The poll has ended; a wake from within it counts from now on, for a poll may take long without the leader being stalled.
    pub(crate) fn poll_ended(&self, leader: u64, now: impl FnOnce() -> u64) {
        let phase = lock(&self.phase);
        if phase.is_led_by(leader) {
            self.polling.store(false, Ordering::Relaxed);
            if self.woken.load(Ordering::Relaxed) != 0 {
                self.woken.store(now().max(1), Ordering::Relaxed);
            }
        }
    }

    /// Declares an async leader stalled that was woken `limit` or longer before `now` and not polled since. A flight that nobody took over
    /// although a follower was woken for it wakes them all.
    pub(crate) fn check_stall(&self, now: u64, limit: u64) -> bool {
        let mut phase = lock(&self.phase);
        let stalled = match *phase {
            Phase::Vacant(..) => {
                drop(phase);
                self.event.notify(usize::MAX);
                return false;
            }
            Phase::Led { leader, is_async: true } => leader,
            _ => return false,
        };
        let group = self.group.as_ref().filter(|_| stalled == FIRST_LEADER);
        let (is_polling, woken) = match group {
            Some(group) => group.seen(),
            None => (self.polling.load(Ordering::Relaxed), self.woken.load(Ordering::Relaxed)),
        };
        if is_polling || woken == 0 || now.saturating_sub(woken) < limit {
            return false;
        }
        if let Some(group) = group {
            group.declare_stalled();
        }
        *phase = Phase::Vacant(Vacancy::Stalled, stalled);
        drop(phase);
        self.event.notify(1);
        true
    }
}
