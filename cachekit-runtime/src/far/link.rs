//! One backend as all caches of the process that use it see it: its breaker, what it has not been told yet, and who finds out when it is back.

use super::{bridge, undelivered::Undelivered};
use crate::{
    Error,
    backend::{Address, Backend, BackendFuture, Failure, SharedBackend},
    breaker::{Admission, Breaker, Budget},
    time::{Clock, nanos},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// How long a probe, or the delivery of invalidations, may take.
const PATIENCE: Duration = Duration::from_secs(1);

/// Invalidations that are delivered at once.
const BATCH: usize = 512;

/// Between two attempts to deliver while the breaker is closed.
const AGAIN: u64 = nanos(Duration::from_millis(100));

pub(crate) struct Link {
    backend: Arc<dyn Backend>,
    breaker: Breaker,
    pub(super) undelivered: Undelivered,
    clock: Clock,
    /// Whether somebody probes and delivers.
    is_attended: AtomicBool,
}

/// Why a backend gave no answer.
#[derive(Debug, Clone)]
pub(super) enum Unanswered {
    /// It was not asked: the breaker is open, too many ask at once, or it has invalidations to come.
    Skipped,
    Failed(Error),
}

impl Link {
    pub(crate) fn new(backend: Arc<dyn Backend>, clock: Clock) -> Arc<Self> {
        let breaker = Breaker::new(backend.name(), clock.clone());
        Arc::new(Link {
            backend,
            breaker,
            undelivered: Undelivered::default(),
            clock,
            is_attended: AtomicBool::new(false),
        })
    }

    /// Does it answer? Blocks this thread.
    pub(crate) fn check(self: &Arc<Self>) -> Result<(), Error> {
        let link = Arc::clone(self);
        let ping = async move {
            let asked = link.backend.ping();
            Budget::new(&link.clock, PATIENCE).within(link.backend.name(), asked).await
        };
        let unable = || Error::backend(self.backend.name(), Failure::Other, "no thread to ask it from");
        bridge::wait(self.backend.capabilities().immediate, ping).unwrap_or_else(|| Err(unable()))
    }

    pub(super) fn backend(&self) -> &dyn Backend {
        &*self.backend
    }

    pub(crate) fn breaker(&self) -> &Breaker {
        &self.breaker
    }

    /// Asks the backend, if it is to be asked, within the budget.
    pub(super) async fn call<'a, T>(
        self: &'a Arc<Self>,
        budget: &Budget,
        ask: impl FnOnce(&'a dyn Backend) -> BackendFuture<'a, T>,
    ) -> Result<T, Unanswered> {
        let Admission::Admitted(admitted) = self.breaker.admit() else {
            return Err(Unanswered::Skipped);
        };
        let answer = budget.within(self.backend.name(), ask(&*self.backend)).await;
        admitted.ended(answer.as_ref().err());
        if !self.breaker.is_closed() {
            self.attend();
        }
        answer.map_err(Unanswered::Failed)
    }

    /// As [`call`](Self::call), for what is to be stored.
    pub(super) async fn fill<'a, T>(
        self: &'a Arc<Self>,
        budget: &Budget,
        ask: impl FnOnce(&'a dyn Backend) -> BackendFuture<'a, T>,
    ) -> Result<T, Unanswered> {
        if self.breaker.takes_fills() { self.call(budget, ask).await } else { Err(Unanswered::Skipped) }
    }

    pub(super) fn is_shared(&self) -> bool {
        self.backend.shared().is_some()
    }

    /// As [`call`](Self::call), for what only shared backends can.
    pub(super) async fn call_shared<'a, T>(
        self: &'a Arc<Self>,
        budget: &Budget,
        ask: impl FnOnce(&'a dyn SharedBackend) -> BackendFuture<'a, T>,
    ) -> Result<T, Unanswered> {
        let shared = self.backend.shared().ok_or(Unanswered::Skipped)?;
        self.call(budget, |_| ask(shared)).await
    }

    /// As [`fill`](Self::fill), for what only shared backends can.
    pub(super) async fn fill_shared<'a, T>(
        self: &'a Arc<Self>,
        budget: &Budget,
        ask: impl FnOnce(&'a dyn SharedBackend) -> BackendFuture<'a, T>,
    ) -> Result<T, Unanswered> {
        if self.breaker.takes_fills() { self.call_shared(budget, ask).await } else { Err(Unanswered::Skipped) }
    }

    /// Has what could not be delivered be delivered, and the breaker closed, as soon as the backend is back.
    pub(super) fn attend(self: &Arc<Self>) {
        if !self.is_attended.swap(true, Ordering::AcqRel) {
            let link = Arc::clone(self);
            bridge::spawn_apart(async move { link.attended().await });
        }
    }

    async fn attended(self: Arc<Self>) {
        loop {
            let next = match self.breaker.probe_due() {
                Some(due) => due,
                None if self.undelivered.is_any() => self.clock.now().saturating_add(AGAIN),
                None => {
                    self.is_attended.store(false, Ordering::Release);
                    // Who came in between found it attended.
                    if self.breaker.is_closed() && !self.undelivered.is_any()
                        || self.is_attended.swap(true, Ordering::AcqRel)
                    {
                        return;
                    }
                    continue;
                }
            };
            // Nobody else would have anything to tell it.
            if Arc::strong_count(&self) == 1 && !self.undelivered.is_any() {
                return;
            }
            self.clock.sleep_until(next).await;
            let probed = match Budget::new(&self.clock, PATIENCE).within(self.backend.name(), self.backend.ping()).await
            {
                Ok(()) => self.deliver().await,
                Err(error) => Err(error),
            };
            self.breaker.probe_ended(probed.as_ref().err());
        }
    }

    /// All that is undelivered. A new invalidation may come meanwhile: then not that one.
    async fn deliver(&self) -> Result<(), Error> {
        loop {
            let batch = self.undelivered.next(BATCH);
            if batch.is_empty() {
                return Ok(());
            }
            for (cache, number) in &batch.caches {
                self.patiently(self.backend.clear(cache)).await?;
                self.undelivered.cache_delivered(cache, *number);
            }
            if !batch.keys.is_empty() {
                let addresses: Vec<Address> = batch.keys.iter().map(|(_, address)| address.clone()).collect();
                self.patiently(self.backend.remove_many(&addresses)).await?;
                self.undelivered.keys_delivered(&batch.keys);
            }
        }
    }

    async fn patiently<T>(&self, asked: BackendFuture<'_, T>) -> Result<T, Error> {
        Budget::new(&self.clock, PATIENCE).within(self.backend.name(), asked).await
    }
}

impl Unanswered {
    /// The error for a call that asked to fail with its backend.
    pub(super) fn into_error(self, backend: &str) -> Error {
        match self {
            Unanswered::Failed(error) => error,
            Unanswered::Skipped => {
                Error::backend(backend, Failure::Unreachable, "it failed lately and is not asked now")
            }
        }
    }
}
