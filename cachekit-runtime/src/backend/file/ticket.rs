//! Waiting for what the writing thread does.

use crate::{Error, sync::lock};
use event_listener::Event;
use std::sync::{Arc, Mutex};

/// One piece of work that somebody may wait for; its clones are the same.
#[derive(Debug, Clone, Default)]
pub(super) struct Ticket {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    result: Mutex<Option<Result<(), Error>>>,
    ended: Event,
}

impl Ticket {
    /// It is over. Only the first end counts.
    pub(super) fn end(&self, result: Result<(), Error>) {
        lock(&self.shared.result).get_or_insert(result);
        self.shared.ended.notify(usize::MAX);
    }

    pub(super) async fn wait(&self) -> Result<(), Error> {
        loop {
            let listener = self.shared.ended.listen();
            if let Some(result) = lock(&self.shared.result).clone() {
                return result;
            }
            listener.await;
        }
    }
}
