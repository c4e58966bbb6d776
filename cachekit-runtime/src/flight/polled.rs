//! A loader's future, watched: it knows when it was woken and not polled.
//!
//! A leader whose task is never polled again (it was put aside by a `select!`, or its owner awaits a follower of the same key) would hold up its
//! followers for ever. The waker that the loader sees notes the time of each wake, and each poll clears it.

use super::{
    graph::{Executing, Node},
    state::Flight,
};
use crate::{sync::lock, time::Clock};
use std::{
    future::poll_fn,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Wake, Waker},
};

/// A leader that was woken and not polled for so long is stalled, in nanoseconds.
pub(crate) const STALL: u64 = 100_000_000;

struct Watch<V> {
    flight: Arc<Flight<V>>,
    leader: u64,
    clock: Clock,
    task: Mutex<Waker>,
}

impl<V: Send + Sync + 'static> Wake for Watch<V> {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.flight.mark_woken(self.leader, self.clock.now());
        let task = lock(&self.task).clone();
        task.wake();
    }
}

/// Drives a leader's loader, which stays where it is: one that was moved in here would take up its room twice.
pub(crate) async fn polled<V, F>(
    flight: Arc<Flight<V>>,
    leader: u64,
    clock: Clock,
    mut loader: Pin<&mut F>,
) -> F::Output
where
    V: Send + Sync + 'static,
    F: Future,
{
    let mut watch: Option<(Arc<Watch<V>>, Waker)> = None;
    poll_fn(move |context| {
        let (watch, waker) = watch.get_or_insert_with(|| {
            let task = Mutex::new(context.waker().clone());
            let watch = Arc::new(Watch { flight: flight.clone(), leader, clock: clock.clone(), task });
            let waker = Waker::from(watch.clone());
            (watch, waker)
        });
        lock(&watch.task).clone_from(context.waker());
        flight.poll_begins(leader);
        let polled = {
            let _executing = Executing::enter_poll(&flight.node);
            loader.as_mut().poll(&mut Context::from_waker(waker))
        };
        flight.poll_ended(leader, || clock.now());
        polled
    })
    .await
}

/// Drives a future with a node on the stack but no flight: loads that run past single flight.
pub(crate) async fn executing<F: Future>(node: Arc<Node>, mut loader: Pin<&mut F>) -> F::Output {
    poll_fn(move |context| {
        let _executing = Executing::enter_poll(&node);
        loader.as_mut().poll(context)
    })
    .await
}
