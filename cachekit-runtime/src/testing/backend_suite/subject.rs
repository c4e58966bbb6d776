//! What the checks have to know of a backend under test.

use crate::{
    Error,
    backend::{Address, Backend, Fingerprint, SharedBackend},
    time::Clock,
};
use bytes::Bytes;
use std::{
    any::Any,
    fmt,
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

/// What a [`BackendSubject`] is given to run to its end.
pub type SubjectFuture<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

type Driver = Box<dyn for<'a> Fn(SubjectFuture<'a>) + Send + Sync>;
type Advance = Box<dyn Fn(Duration) + Send + Sync>;

/// How long a check waits for what is to happen by itself. Only a failing one waits so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// A backend under test by [`backend_suite!`](super::backend_suite), and what the tests have to know of it.
pub struct BackendSubject {
    backend: Arc<dyn Backend>,
    another: Arc<dyn Backend>,
    advance: Option<Advance>,
    driver: Driver,
    /// After the backends, so that what they stand on goes last.
    kept: Mutex<Vec<Box<dyn Any + Send>>>,
}

impl BackendSubject {
    /// A backend whose entries end by the real time, and whose futures run on any executor.
    #[must_use]
    pub fn new(backend: impl Backend) -> Self {
        let backend: Arc<dyn Backend> = Arc::new(backend);
        BackendSubject {
            another: Arc::clone(&backend),
            backend,
            advance: None,
            driver: Box::new(|future| crate::background::block_on(future)),
            kept: Mutex::default(),
        }
    }

    /// With a function that moves the backend's clock, so that the tests do not wait for entries to end.
    #[must_use]
    pub fn advance(mut self, advance: impl Fn(Duration) + Send + Sync + 'static) -> Self {
        self.advance = Some(Box::new(advance));
        self
    }

    /// With a function that runs a future to its end, for backends that need a runtime: `move |future| runtime.block_on(future)`. It is called from
    /// several threads at once.
    #[must_use]
    pub fn driven_by(mut self, driver: impl for<'a> Fn(SubjectFuture<'a>) + Send + Sync + 'static) -> Self {
        self.driver = Box::new(driver);
        self
    }

    /// With another handle on the same entries, as another process would have it. Without it the first one is used twice.
    #[must_use]
    pub fn another(mut self, another: impl Backend) -> Self {
        self.another = Arc::new(another);
        self
    }

    /// Keeps what the backend stands on, a folder or a server, until the test is over.
    #[must_use]
    pub fn keep(self, what: impl Any + Send) -> Self {
        crate::sync::lock(&self.kept).push(Box::new(what));
        self
    }

    pub(super) fn backend(&self) -> &dyn Backend {
        self.backend.as_ref()
    }

    #[track_caller]
    pub(super) fn shared(&self) -> &dyn SharedBackend {
        abilities(self.backend.as_ref())
    }

    #[track_caller]
    pub(super) fn other(&self) -> &dyn SharedBackend {
        abilities(self.another.as_ref())
    }

    /// Runs a check to its end.
    pub(super) fn run<'a>(&'a self, check: impl Future<Output = ()> + Send + 'a) {
        (self.driver)(Box::pin(check));
    }

    /// Lets time pass until `holds`: by the clock of the backend, at once by `span`, else the real one.
    pub(super) async fn pass<F>(&self, span: Duration, what: &str, mut holds: impl FnMut() -> F)
    where
        F: Future<Output = bool> + Send,
    {
        if let Some(advance) = &self.advance {
            advance(span);
            assert!(holds().await, "{span:?} later, by the clock of the backend: {what}");
            return;
        }
        let start = Instant::now();
        while !holds().await {
            assert!(start.elapsed() < PATIENCE, "it does not happen: {what}");
            Clock::system().sleep(Duration::from_millis(2)).await;
        }
    }

    /// Moves the backend's clock, if it has one that can be moved. Says whether it has.
    pub(super) fn step(&self, span: Duration) -> bool {
        self.advance.as_ref().map(|advance| advance(span)).is_some()
    }

    /// The ttl of entries that a check waits for.
    pub(super) fn short(&self) -> Duration {
        Duration::from_millis(if self.advance.is_some() { 60_000 } else { 400 })
    }

    /// Announces the fingerprints where the backend wants to know them.
    pub(super) async fn announce(&self, cache: &str, fingerprints: &[Fingerprint]) {
        if let Some(shared) = self.backend.shared() {
            for fingerprint in fingerprints {
                done(shared.announce(cache, *fingerprint).await);
            }
        }
    }

    pub(super) async fn get(&self, address: &Address) -> Option<Bytes> {
        done(self.backend.get(address).await)
    }

    pub(super) async fn set(&self, address: &Address, bytes: impl Into<Bytes>, ttl: Option<Duration>) {
        done(self.backend.set(address, bytes.into(), ttl).await);
    }
}

impl fmt::Debug for BackendSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BackendSubject")
            .field("backend", &self.backend.name())
            .field("in_real_time", &self.advance.is_none())
            .finish_non_exhaustive()
    }
}

#[track_caller]
fn abilities(backend: &dyn Backend) -> &dyn SharedBackend {
    match backend.shared() {
        Some(shared) => shared,
        None => panic!("the suite was told `shared`, and `{}` has no shared abilities", backend.name()),
    }
}

/// What came back, or the end of the check.
#[track_caller]
pub(super) fn done<T>(result: Result<T, Error>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("{error}"),
    }
}

/// A name of a cache that no other check has, also where several processes test on one server.
pub(super) fn fresh_name(what: &str) -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    format!("{what}.{}.{}.{}", std::process::id(), since.as_nanos(), COUNT.fetch_add(1, Ordering::Relaxed))
}
