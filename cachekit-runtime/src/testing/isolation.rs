//! Isolation: a test's own view of all caches, with its own clock.

use crate::{
    scope::{self, Entered, Mode},
    time::{Clock, TestClock},
};
use std::{fmt, sync::Arc};

pub use crate::scope::{Divergence, DryRunReport};

/// A scope of this thread: as long as it lives, every cache that the thread uses, static ones included, is an empty one of the scope's own, with
/// the scope's clock and tags. Parallel tests over one static cache do not see each other.
///
/// A test on tokio's `current_thread` runtime (the default of `#[tokio::test]`) runs all its tasks on one thread, so that a scope at its top
/// covers them. Background refreshes belong to the scope of the call that started them. Futures that move between threads are wrapped by
/// [`Scope::run`]. Scopes nest; the innermost counts.
///
/// ```
/// # use cachekit_runtime as cachekit;
/// use cachekit::{Cache, testing};
/// use std::{sync::LazyLock, time::Duration};
///
/// static NAMES: LazyLock<Cache<u64, &str>> = LazyLock::new(|| Cache::builder().ttl(Duration::from_secs(30)).build());
///
/// NAMES.insert(1, "everybody's");
/// let scope = testing::scope();
/// assert_eq!(NAMES.get(&1), None, "the scope begins empty");
/// NAMES.insert(1, "the test's");
/// scope.advance(Duration::from_secs(31));
/// assert_eq!(NAMES.get(&1), None, "expired, by the scope's clock");
/// drop(scope);
/// assert_eq!(NAMES.get(&1), Some("everybody's"));
/// ```
#[must_use = "the scope ends when this is dropped"]
pub struct Scope {
    scope: Arc<scope::Scope>,
    clock: TestClock,
    _entered: Entered,
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").field("clock", &self.clock.now()).finish_non_exhaustive()
    }
}

impl Scope {
    fn new(mode: Mode) -> Self {
        let clock = TestClock::new();
        let scope = scope::Scope::new(mode, clock.clock());
        Scope { _entered: Entered::enter(scope.clone()), scope, clock }
    }

    /// The scope's clock.
    #[must_use]
    pub fn clock(&self) -> &TestClock {
        &self.clock
    }

    /// Moves the scope's clock and runs what is due.
    pub fn advance(&self, time: std::time::Duration) {
        self.clock.advance(time);
    }

    /// Runs a future in this scope, on whatever thread it is polled.
    pub fn run<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F> {
        scope::within(Some(self.scope.clone()), future)
    }

    /// A handle that brings the scope to other threads.
    pub fn handle(&self) -> ScopeHandle {
        ScopeHandle { scope: self.scope.clone() }
    }
}

/// Brings a scope to another thread; from [`Scope::handle`].
#[derive(Clone)]
pub struct ScopeHandle {
    scope: Arc<scope::Scope>,
}

impl fmt::Debug for ScopeHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopeHandle").finish_non_exhaustive()
    }
}

impl ScopeHandle {
    /// Runs `work` in the scope, on this thread.
    pub fn enter<R>(&self, work: impl FnOnce() -> R) -> R {
        let _entered = Entered::enter(self.scope.clone());
        work()
    }
}

/// Begins a scope of this thread, with caches of its own and a clock that stands still until it is moved.
///
/// ```
/// # use cachekit_runtime as cachekit;
/// use cachekit::{Cache, testing};
/// use std::time::Duration;
///
/// let cache: Cache<u64, u64> = Cache::builder().ttl(Duration::from_secs(30)).build();
/// let scope = testing::scope();
/// assert_eq!(cache.get_or_compute(&1, || 10), 10);
/// scope.advance(Duration::from_secs(29));
/// assert_eq!(cache.get_or_compute(&1, || 11), 10, "still fresh");
/// scope.advance(Duration::from_secs(1));
/// assert_eq!(cache.get_or_compute(&1, || 12), 12, "expired");
/// ```
pub fn scope() -> Scope {
    Scope::new(Mode::Isolated)
}

/// As [`scope()`], with the clock of the process: for tests against things that run in real time.
pub fn scope_in_real_time() -> RealTimeScope {
    let scope = scope::Scope::new(Mode::Isolated, Clock::system());
    RealTimeScope { _entered: Entered::enter(scope) }
}

/// A scope whose clock is the process's; from [`scope_in_real_time`].
#[must_use = "the scope ends when this is dropped"]
pub struct RealTimeScope {
    _entered: Entered,
}

impl fmt::Debug for RealTimeScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RealTimeScope").finish_non_exhaustive()
    }
}

/// Begins a scope of this thread in which nothing is cached: every call computes. For a whole process: `CACHEKIT_DISABLED=1`.
///
/// ```
/// # use cachekit_runtime as cachekit;
/// use cachekit::{Cache, testing};
///
/// let cache: Cache<u64, u64> = Cache::builder().build();
/// let off = testing::disable();
/// assert_eq!(cache.get_or_compute(&1, || 10), 10);
/// assert_eq!(cache.get_or_compute(&1, || 11), 11, "computed again");
/// assert_eq!(cache.get(&1), None, "and nothing was stored");
/// assert_eq!(cache.stats().bypasses.disabled, 2);
/// drop(off);
/// ```
pub fn disable() -> Scope {
    Scope::new(Mode::Disabled)
}

/// A scope in which every call computes, and what would have been a hit is compared with the result; from [`dry_run`].
#[must_use = "the scope ends when this is dropped"]
#[derive(Debug)]
pub struct DryRun {
    scope: Scope,
}

/// Begins a dry run on this thread: is every function that is cached one that may be?
///
/// Outputs are compared where their type is `PartialEq + Clone`, for annotated functions; `get_or_compute` cannot know that of its values, and
/// counts them as not comparable.
///
/// ```
/// # use cachekit_runtime as cachekit;
/// use cachekit::{Cache, testing};
///
/// let cache: Cache<u64, u64> = Cache::builder().name("dice").build();
/// let dry_run = testing::dry_run();
/// assert_eq!(cache.get_or_compute(&6, || 4), 4);
/// assert_eq!(cache.get_or_compute(&6, || 5), 5, "computed, although there is a value");
/// assert_eq!(dry_run.report().not_comparable, 1);
/// ```
pub fn dry_run() -> DryRun {
    DryRun { scope: Scope::new(Mode::DryRun) }
}

impl DryRun {
    /// What it has found so far.
    #[must_use]
    pub fn report(&self) -> DryRunReport {
        self.scope.scope.report().found()
    }

    /// Moves the scope's clock.
    pub fn advance(&self, time: std::time::Duration) {
        self.scope.advance(time);
    }
}
