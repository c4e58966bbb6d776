//! Flights that one call leads together: the elements of a batch.
//!
//! They have one node in the graph of waits, and are watched as one, so that a poll of the loader costs the same for a thousand elements as for one.
//! A flight that another leader has taken over is watched by itself again.

use super::{
    graph::{Executing, Node},
    shim::{AtomicBool, AtomicU64, Ordering},
    state::{FIRST_LEADER, Flight},
};
use crate::{sync::lock, time::Clock};
use std::{
    future::poll_fn,
    pin::pin,
    sync::{Arc, Mutex},
    task::{Context, Wake, Waker},
};

/// What the flights of one leader have in common.
pub(crate) struct Group {
    pub(crate) node: Arc<Node>,
    /// When the leader was woken, in clock time; 0 while it needs no poll.
    woken: AtomicU64,
    /// The leader is inside a poll.
    polling: AtomicBool,
    /// One of the flights was declared stalled since the last poll.
    has_stalled: AtomicBool,
}

impl Group {
    pub(crate) fn new() -> Self {
        Group {
            node: Arc::new(Node::default()),
            woken: AtomicU64::new(0),
            polling: AtomicBool::new(false),
            has_stalled: AtomicBool::new(false),
        }
    }

    /// Is the leader inside a poll, and since when is it to be polled?
    pub(super) fn seen(&self) -> (bool, u64) {
        (self.polling.load(Ordering::Acquire), self.woken.load(Ordering::Acquire))
    }

    /// A flight of it may be taken over.
    pub(super) fn declare_stalled(&self) {
        self.has_stalled.store(true, Ordering::Release);
    }

    fn mark_woken(&self, now: u64) {
        let _ = self.woken.compare_exchange(0, now.max(1), Ordering::AcqRel, Ordering::Relaxed);
    }

    /// Whether flights were declared stalled, which it leads again where nobody has taken over.
    fn poll_begins(&self) -> bool {
        self.polling.store(true, Ordering::Release);
        self.woken.store(0, Ordering::Release);
        self.has_stalled.swap(false, Ordering::AcqRel)
    }

    /// A wake from within the poll counts from now on.
    fn poll_ended(&self, now: impl FnOnce() -> u64) {
        if self.woken.load(Ordering::Acquire) != 0 {
            self.woken.store(now().max(1), Ordering::Release);
        }
        self.polling.store(false, Ordering::Release);
    }
}

/// What one loader is run for.
pub(crate) struct Led<V> {
    pub(crate) group: Arc<Group>,
    /// Those of the group.
    pub(crate) own: Vec<Arc<Flight<V>>>,
    /// Those that were others' before, with the number under which they are led now.
    pub(crate) taken: Vec<(Arc<Flight<V>>, u64)>,
}

impl<V> Led<V> {
    pub(crate) fn new(group: Arc<Group>) -> Self {
        Led { group, own: Vec::new(), taken: Vec::new() }
    }

    /// While they live, this thread executes the leader of all of them.
    pub(crate) fn executing(&self) -> Vec<Executing> {
        self.nodes().map(Executing::enter).collect()
    }

    fn executing_poll(&self) -> Vec<Executing> {
        self.nodes().map(Executing::enter_poll).collect()
    }

    fn nodes(&self) -> impl Iterator<Item = &Arc<Node>> {
        [&self.group.node].into_iter().chain(self.taken.iter().map(|(flight, _)| &flight.node))
    }
}

struct Watch<V> {
    led: Led<V>,
    clock: Clock,
    task: Mutex<Waker>,
}

impl<V: Send + Sync + 'static> Wake for Watch<V> {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let now = self.clock.now();
        self.led.group.mark_woken(now);
        self.led.taken.iter().for_each(|(flight, leader)| flight.mark_woken(*leader, now));
        let task = lock(&self.task).clone();
        task.wake();
    }
}

/// Drives the loader of several flights; as `polled` does that of one.
pub(crate) async fn polled_together<V, F>(led: Led<V>, clock: Clock, loader: F) -> F::Output
where
    V: Send + Sync + 'static,
    F: Future,
{
    let mut loader = pin!(loader);
    let watch = Arc::new(Watch { led, clock, task: Mutex::new(Waker::noop().clone()) });
    let waker = Waker::from(watch.clone());
    poll_fn(move |context| {
        let Watch { led, clock, task } = &*watch;
        lock(task).clone_from(context.waker());
        if led.group.poll_begins() {
            led.own.iter().for_each(|flight| flight.poll_begins(FIRST_LEADER));
        }
        led.taken.iter().for_each(|(flight, leader)| flight.poll_begins(*leader));
        let polled = {
            let _executing = led.executing_poll();
            loader.as_mut().poll(&mut Context::from_waker(&waker))
        };
        led.group.poll_ended(|| clock.now());
        led.taken.iter().for_each(|(flight, leader)| flight.poll_ended(*leader, || clock.now()));
        polled
    })
    .await
}
