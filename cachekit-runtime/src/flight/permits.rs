//! `max_loads`: at most so many loaders of one cache at once.

use super::graph::{self, Node, Waiting};
use crate::{runtime_thread::is_runtime_thread, sync::lock};
use event_listener::{Event, Listener};
use std::sync::{Arc, Mutex};

pub(crate) struct Permits {
    max: usize,
    taken: Mutex<Taken>,
    event: Event,
    node: Arc<Node>,
}

#[derive(Default)]
struct Taken {
    all: usize,
    by_async: usize,
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
    pub(crate) fn new(max: usize) -> Self {
        Permits { max, taken: Mutex::default(), event: Event::new(), node: Arc::new(Node::default()) }
    }

    fn try_take(self: &Arc<Self>, holder: &Arc<Node>, is_async: bool) -> Option<Permit> {
        let mut taken = lock(&self.taken);
        if taken.all >= self.max {
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
        if let Some(permit) = self.try_take(holder, false) {
            return permit;
        }
        let blocked = is_runtime_thread().then(|| {
            lock(&self.taken).blocked += 1;
            Blocked(self)
        });
        loop {
            let listener = self.event.listen();
            if let Some(permit) = self.try_take(holder, false) {
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
        loop {
            let listener = self.event.listen();
            if let Some(permit) = self.try_take(holder, true) {
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
        drop(taken);
        // One more for each permit: `notify(1)` would do nothing while somebody who was woken for another one has not come yet.
        permits.event.notify_additional(1);
    }
}
