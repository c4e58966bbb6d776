//! `max_loads`: at most so many loaders of one cache at once.

use super::graph::{self, Node, Waiting};
use crate::sync::lock;
use event_listener::{Event, Listener};
use std::sync::{Arc, Mutex};

pub(crate) struct Permits {
    max: usize,
    taken: Mutex<usize>,
    event: Event,
    node: Arc<Node>,
}

/// One loader's permit; `None` inside for a nested load that had to go over the limit.
pub(crate) struct Permit {
    permits: Option<Arc<Permits>>,
    holder: Arc<Node>,
}

impl Permit {
    pub(crate) fn is_over_limit(&self) -> bool {
        self.permits.is_none()
    }
}

impl Permits {
    pub(crate) fn new(max: usize) -> Self {
        Permits { max, taken: Mutex::new(0), event: Event::new(), node: Arc::new(Node::default()) }
    }

    fn try_take(self: &Arc<Self>, holder: &Arc<Node>) -> Option<Permit> {
        let mut taken = lock(&self.taken);
        if *taken >= self.max {
            return None;
        }
        *taken += 1;
        drop(taken);
        graph::hold(&self.node, holder);
        Some(Permit { permits: Some(self.clone()), holder: holder.clone() })
    }

    /// Waits for a permit; a wait that would close a cycle goes over the limit instead.
    pub(crate) fn take(self: &Arc<Self>, holder: &Arc<Node>) -> Permit {
        loop {
            let listener = self.event.listen();
            if let Some(permit) = self.try_take(holder) {
                return permit;
            }
            let Ok(_waiting) = Waiting::begin(&self.node, Some(holder)) else {
                return Permit { permits: None, holder: holder.clone() };
            };
            listener.wait();
        }
    }

    /// As [`Permits::take`]. Cancel-safe.
    pub(crate) async fn take_async(self: &Arc<Self>, holder: &Arc<Node>) -> Permit {
        loop {
            let listener = self.event.listen();
            if let Some(permit) = self.try_take(holder) {
                return permit;
            }
            let Ok(_waiting) = Waiting::begin(&self.node, Some(holder)) else {
                return Permit { permits: None, holder: holder.clone() };
            };
            listener.await;
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let Some(permits) = &self.permits else { return };
        graph::release(&permits.node, &self.holder);
        *lock(&permits.taken) -= 1;
        permits.event.notify(1);
    }
}
