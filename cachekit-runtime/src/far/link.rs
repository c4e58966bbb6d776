//! One backend as all caches of the process that use it see it: its breaker, what it has not been told yet, and who finds out when it is back.

use super::{
    bridge,
    deliver::Attempts,
    flush,
    traced::{Traced, Verb},
    undelivered::Undelivered,
    watch::Watch,
};
use crate::{
    Error,
    backend::{Address, Backend, BackendFuture, Each, Failure, Looked, SharedBackend},
    breaker::{Breaker, Purpose},
    budget::Budget,
    time::{Clock, NEVER, nanos},
};
use async_lock::RwLock;
use std::{
    fmt,
    pin::pin,
    sync::{
        Arc, Once,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// How long a probe, or the delivery of invalidations, may take.
const PATIENCE: Duration = Duration::from_secs(1);

/// Between two attempts to deliver while the breaker is closed.
pub(super) const AGAIN: u64 = nanos(Duration::from_millis(100));

pub(crate) struct Link {
    backend: Arc<dyn Backend>,
    breaker: Arc<Breaker>,
    pub(super) undelivered: Undelivered,
    pub(super) clock: Clock,
    /// What others change in it.
    pub(super) watch: Arc<Watch>,
    is_watched: Once,
    /// Held by the caches that ask it.
    uses: Arc<()>,
    /// Held by the stores of a backend that knows no witness, so that a delivery comes after those that are under way.
    pub(super) settling: RwLock<()>,
    /// Held while the version of a tag is changed in a backend that can only read and write.
    pub(super) tags_turn: async_lock::Mutex<()>,
    /// Whether somebody probes and delivers.
    is_attended: AtomicBool,
    /// How long its operations took.
    #[cfg(feature = "registry")]
    pub(super) times: crate::stats::Histogram,
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
        let breaker = Arc::new(Breaker::new(backend.name(), clock.clone()));
        let watch = Arc::new(Watch::new(clock.clone(), backend.shared().map_or(1, SharedBackend::parts)));
        let link = Arc::new(Link {
            backend,
            watch,
            is_watched: Once::new(),
            uses: Arc::default(),
            breaker,
            undelivered: Undelivered::default(),
            clock,
            settling: RwLock::new(()),
            tags_turn: async_lock::Mutex::new(()),
            is_attended: AtomicBool::new(false),
            #[cfg(feature = "registry")]
            times: crate::stats::Histogram::default(),
        });
        flush::enlist(&link);
        link
    }

    /// For as long as this lives a cache asks it.
    pub(super) fn used(&self) -> Arc<()> {
        Arc::clone(&self.uses)
    }

    /// Does any cache ask it? It may live on for what it has to be told.
    pub(super) fn is_used(&self) -> bool {
        Arc::strong_count(&self.uses) > 1
    }

    /// Does it answer? Blocks this thread.
    pub(crate) fn check(self: &Arc<Self>) -> Result<(), Error> {
        let link = Arc::clone(self);
        let ping = async move {
            let asked = link.backend.ping();
            Budget::start(&link.clock, PATIENCE).within(link.backend.name(), asked).await
        };
        let unable = || Error::backend(self.backend.name(), Failure::Other, "no thread to ask it from");
        bridge::wait(self.backend.capabilities().immediate, ping).unwrap_or_else(|| Err(unable()))
    }

    pub(super) fn backend(&self) -> &dyn Backend {
        &*self.backend
    }

    /// An operation has ended after so many nanoseconds.
    #[cfg(feature = "registry")]
    fn took(&self, nanos: u64) {
        self.times.record(nanos);
        #[cfg(feature = "metrics")]
        crate::metrics::backend_time(self.tier(), nanos);
    }

    /// By its name, which is its kind where it is one of ours.
    fn tier(&self) -> crate::outcome::Tier {
        match self.backend.name() {
            "file" => crate::outcome::Tier::File,
            "redis" => crate::outcome::Tier::Redis,
            _ => crate::outcome::Tier::Own,
        }
    }

    #[cfg(feature = "registry")]
    pub(super) fn breaker(&self) -> &Breaker {
        &self.breaker
    }

    /// Is what fails one of its servers, of which it knows which?
    pub(super) fn judges_itself(&self) -> bool {
        self.backend.shared().is_some_and(SharedBackend::judges_itself)
    }

    pub(super) fn takes_fills(&self) -> bool {
        self.breaker.admit(Purpose::Fill).is_ok()
    }

    pub(super) fn is_open(&self) -> bool {
        self.breaker.admit(Purpose::Read).is_err()
    }

    /// Asks the backend, if it is to be asked, within the budget.
    pub(super) async fn call<'a, T>(
        self: &'a Arc<Self>,
        verb: Verb,
        budget: &Budget,
        ask: impl FnOnce(&'a dyn Backend) -> BackendFuture<'a, T>,
    ) -> Result<T, Unanswered> {
        self.run((Purpose::Read, verb), budget, || ask(&*self.backend)).await
    }

    /// As [`call`](Self::call), for what is to be stored.
    pub(super) async fn fill<'a, T>(
        self: &'a Arc<Self>,
        verb: Verb,
        budget: &Budget,
        ask: impl FnOnce(&'a dyn Backend) -> BackendFuture<'a, T>,
    ) -> Result<T, Unanswered> {
        self.run((Purpose::Fill, verb), budget, || ask(&*self.backend)).await
    }

    async fn run<'a, T>(
        self: &Arc<Self>,
        what: (Purpose, Verb),
        budget: &Budget,
        ask: impl FnOnce() -> BackendFuture<'a, T>,
    ) -> Result<T, Unanswered> {
        if budget.is_over() {
            // It is not asked, so that it has not failed.
            Traced::skipped(self.tier(), what.1);
            return Err(Unanswered::Skipped);
        }
        self.run_in_time(what, budget, ask).await
    }

    /// As that, for whoever knows that something is left.
    async fn run_in_time<'a, T>(
        self: &Arc<Self>,
        (purpose, verb): (Purpose, Verb),
        budget: &Budget,
        ask: impl FnOnce() -> BackendFuture<'a, T>,
    ) -> Result<T, Unanswered> {
        let Ok(operation) = self.breaker.begin(purpose) else {
            Traced::skipped(self.tier(), verb);
            return Err(Unanswered::Skipped);
        };
        let traced = Traced::begin(|| self.tier(), verb);
        let is_timed = cfg!(feature = "registry") || traced.is_on();
        let begun = if is_timed { self.clock.now() } else { 0 };
        let answer = traced.around(pin!(budget.within_what_is_left(self.backend.name(), ask()))).await;
        let took = if is_timed { self.clock.now().saturating_sub(begun) } else { 0 };
        #[cfg(feature = "registry")]
        self.took(took);
        traced.ended(&answer, took);
        match &answer {
            // It is one of its servers that has failed, and the backend knows which.
            Err(_) if self.judges_itself() => drop(operation),
            answer => operation.ended(answer.as_ref().err()),
        }
        if answer.is_err() && self.is_open() {
            self.attend();
        }
        answer.map_err(Unanswered::Failed)
    }

    /// From now on this process is told what others change in it. `false`: it cannot tell.
    pub(super) fn be_told(self: &Arc<Self>) -> bool {
        if let Some(shared) = self.backend.shared() {
            self.is_watched.call_once(|| {
                let link = Arc::downgrade(self);
                self.watch.begin(shared, move || {
                    if let Some(link) = link.upgrade() {
                        link.repeat();
                    }
                });
            });
        }
        self.watch.is_told()
    }

    /// What was invalidated lately is invalidated again: the server that acknowledged it is not the one that answers now.
    fn repeat(self: &Arc<Self>) {
        self.undelivered.repeat(self.clock.now());
        if self.undelivered.is_any() {
            self.attend();
        }
    }

    pub(super) fn is_shared(&self) -> bool {
        self.backend.shared().is_some()
    }

    /// As [`call`](Self::call), for what only shared backends can.
    pub(super) async fn call_shared<'a, T>(
        self: &'a Arc<Self>,
        verb: Verb,
        budget: &Budget,
        ask: impl FnOnce(&'a dyn SharedBackend) -> BackendFuture<'a, T>,
    ) -> Result<T, Unanswered> {
        let shared = self.backend.shared().ok_or(Unanswered::Skipped)?;
        self.run((Purpose::Read, verb), budget, || ask(shared)).await
    }

    /// A look. The timer is ours: one of the backend's may belong to a runtime whose only thread waits for this.
    pub(super) async fn look(self: &Arc<Self>, address: &Address, budget: &Budget) -> Result<Looked, Unanswered> {
        self.call_shared(Verb::Look, budget, |shared| shared.look(address)).await
    }

    /// As [`look`](Self::look), with a budget that has just begun.
    pub(super) async fn look_first(self: &Arc<Self>, address: &Address, budget: &Budget) -> Result<Looked, Unanswered> {
        let shared = self.backend.shared().ok_or(Unanswered::Skipped)?;
        self.run_in_time((Purpose::Read, Verb::Look), budget, || shared.look(address)).await
    }

    /// As [`fill`](Self::fill), for what only shared backends can.
    pub(super) async fn fill_shared<'a, T>(
        self: &'a Arc<Self>,
        verb: Verb,
        budget: &Budget,
        ask: impl FnOnce(&'a dyn SharedBackend) -> BackendFuture<'a, T>,
    ) -> Result<T, Unanswered> {
        let shared = self.backend.shared().ok_or(Unanswered::Skipped)?;
        self.run((Purpose::Fill, verb), budget, || ask(shared)).await
    }

    /// Has what could not be delivered be delivered, and the breaker closed, as soon as the backend is back.
    pub(super) fn attend(self: &Arc<Self>) {
        if !self.is_attended.swap(true, Ordering::AcqRel) {
            let link = Arc::clone(self);
            bridge::spawn_apart(async move { link.attended().await });
        }
    }

    async fn attended(self: Arc<Self>) {
        let mut attempts = Attempts::default();
        loop {
            let next = match self.breaker.next_probe() {
                NEVER if self.undelivered.is_any() => self.clock.now().saturating_add(AGAIN),
                NEVER => {
                    self.is_attended.store(false, Ordering::Release);
                    // Who came in between found it attended.
                    let is_idle = !self.is_open() && !self.undelivered.is_any();
                    if is_idle || self.is_attended.swap(true, Ordering::AcqRel) {
                        return;
                    }
                    self.clock.now().saturating_add(AGAIN)
                }
                next => next,
            };
            // Nobody else would have anything to tell it.
            if Arc::strong_count(&self) == 1 && !self.undelivered.is_any() {
                return;
            }
            self.clock.sleep_until(next).await;
            match self.breaker.probe_due() {
                Some(probe) => {
                    attempts.anew();
                    let probed = match self.patiently(self.backend.ping()).await {
                        Ok(()) => self.deliver(&mut attempts).await,
                        Err(error) => Err(error),
                    };
                    probe.ended(probed.as_ref().err());
                }
                // It is closed: what failed was a single call. The next attempt says whether that was all.
                None => _ = self.deliver(&mut attempts).await,
            }
        }
    }

    /// The time, for what was delivered.
    pub(super) fn now(&self) -> u64 {
        self.clock.now()
    }

    /// In a shared backend what the entries take up is freed later: that may take long.
    pub(super) fn clear<'a>(&self, backend: &'a dyn Backend, cache: &'a str) -> BackendFuture<'a, ()> {
        match backend.shared() {
            Some(shared) => shared.invalidate_all(cache),
            None => backend.clear(cache),
        }
    }

    pub(super) async fn patiently<T>(&self, asked: BackendFuture<'_, T>) -> Result<T, Error> {
        Budget::start(&self.clock, PATIENCE).within(self.backend.name(), asked).await
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("backend", &self.backend.name()).finish_non_exhaustive()
    }
}

/// Removes the entries, under every fingerprint; of each, whether that is done.
pub(super) fn invalidate<'a>(backend: &'a dyn Backend, addresses: &'a [Address]) -> BackendFuture<'a, Each<()>> {
    match backend.shared() {
        Some(shared) => shared.invalidate_many(addresses),
        None => Box::pin(async move {
            backend.remove_many(addresses).await?;
            Ok(addresses.iter().map(|_| Ok(())).collect())
        }),
    }
}

impl Unanswered {
    /// It takes nothing just now, which is no reason to count it as gone.
    pub(super) fn is_not_writable(&self) -> bool {
        matches!(self, Unanswered::Failed(Error::Backend { failure: Failure::NotWritable, .. }))
    }

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
