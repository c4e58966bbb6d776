//! Scopes: a thread's own view of all caches, for tests.
//!
//! In a scope every cache is an empty one of the same settings, with the scope's clock and tags, made at first use. The path of a hit asks nothing
//! of this: a thread in a scope has no such path, and neither has any cache while `CACHEKIT_DISABLED` is set.

use crate::{
    cache::Cache,
    key::Key,
    memory::set_slow_here,
    output::{Comparison, Value},
    sync::lock,
    tags::{self, TagRegistry},
    time::Clock,
};
use std::{
    any::Any,
    cell::RefCell,
    collections::HashMap,
    future::poll_fn,
    pin::pin,
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

/// How many reasons there are to look closer: scopes alive, and one for `CACHEKIT_DISABLED`.
static SPECIAL: AtomicUsize = AtomicUsize::new(0);

static DISABLED_BY_ENVIRONMENT: LazyLock<bool> = LazyLock::new(|| {
    let disabled = std::env::var_os("CACHEKIT_DISABLED").is_some_and(|value| !value.is_empty() && value != "0");
    if disabled {
        SPECIAL.fetch_add(1, Ordering::Relaxed);
        tracing::warn!("CACHEKIT_DISABLED is set: all cached functions compute");
    }
    disabled
});

thread_local! {
    static SCOPES: RefCell<Vec<Arc<Scope>>> = const { RefCell::new(Vec::new()) };
}

/// Reads the environment once; called when a cache is built, so that no look comes before it.
pub(crate) fn read_environment() {
    LazyLock::force(&DISABLED_BY_ENVIRONMENT);
}

/// Are all caches switched off by the environment?
pub(crate) fn is_disabled() -> bool {
    *DISABLED_BY_ENVIRONMENT
}

/// Is there any reason to look closer? Not to be asked where there is a hit: a thread that has to look closer has no fast path.
#[inline]
pub(crate) fn is_special() -> bool {
    SPECIAL.load(Ordering::Relaxed) != 0
}

/// How calls in a scope behave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Cached, in the scope's own caches.
    Isolated,
    /// Every call computes.
    Disabled,
    /// Every call computes, and a value that would have been a hit is compared with it.
    DryRun,
}

/// A hit of a dry run whose value was not what the function gave.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Divergence {
    /// Name of the cache.
    pub cache: String,
    /// Hash of the key, stable within the process.
    pub key_hash: u64,
    /// The value that would have been a hit, where it has `Debug`.
    pub cached: Option<String>,
    /// What the function gave instead.
    pub computed: Option<String>,
}

/// What a dry run found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DryRunReport {
    /// Hits whose value equals what the function gave.
    pub agreed: u64,
    /// Hits whose value does not.
    pub diverged: Vec<Divergence>,
    /// Hits whose output has no `PartialEq + Clone` to compare with.
    pub not_comparable: u64,
    /// Of the hits whose value differs, how many are not in `diverged`: the dry run of a cache in use lists the first 64.
    pub more_diverged: u64,
}

/// What dry runs have found so far.
pub(crate) struct Report {
    found: Mutex<DryRunReport>,
    /// It is of a cache in use: bounded, and some of it is in the log.
    is_live: bool,
}

/// As many divergences are listed of a cache in use.
const LISTED: usize = 64;

impl Report {
    fn of_scope() -> Arc<Self> {
        Arc::new(Report { found: Mutex::default(), is_live: false })
    }

    pub(crate) fn of_live() -> Arc<Self> {
        Arc::new(Report { found: Mutex::default(), is_live: true })
    }

    pub(crate) fn found(&self) -> DryRunReport {
        lock(&self.found).clone()
    }

    pub(crate) fn compared(&self, cache: &str, key_hash: u64, compared: Comparison) {
        let mut found = lock(&self.found);
        match compared {
            Comparison::Same => found.agreed += 1,
            Comparison::Different(texts) => {
                if self.is_live && found.diverged.len() >= LISTED {
                    found.more_diverged += 1;
                } else {
                    let (cached, computed) = texts.map(|[cached, computed]| (cached, computed)).unzip();
                    found.diverged.push(Divergence { cache: cache.to_owned(), key_hash, cached, computed });
                }
                let diverged = found.diverged.len() as u64 + found.more_diverged;
                drop(found);
                // The more there are, the fewer are worth a line.
                if self.is_live && diverged.is_power_of_two() {
                    tracing::warn!(cache, key_hash, diverged, "a dry run computed another value than was cached");
                }
            }
            Comparison::Unknown => found.not_comparable += 1,
        }
    }
}

pub(crate) struct Scope {
    mode: Mode,
    pub(crate) clock: Clock,
    tags: Arc<TagRegistry>,
    /// By the identity of the original cache.
    caches: Mutex<HashMap<usize, Arc<dyn Any + Send + Sync>>>,
    report: Arc<Report>,
}

impl Scope {
    /// A scope that shares nothing with the one around it.
    pub(crate) fn new(mode: Mode, clock: Clock) -> Arc<Self> {
        SPECIAL.fetch_add(1, Ordering::Relaxed);
        let tags = Arc::new(TagRegistry::new());
        Arc::new(Scope { mode, clock, tags, caches: Mutex::default(), report: Report::of_scope() })
    }

    pub(crate) fn report(&self) -> &Arc<Report> {
        &self.report
    }

    fn cache_for<K: Key, V: Value>(&self, original: &Cache<K, V>) -> Cache<K, V> {
        let mut caches = lock(&self.caches);
        let scoped = caches.entry(original.identity()).or_insert_with(|| {
            // The original is kept alive with its stand-in, so that its identity is not given to another cache.
            let stand_in = original.with_environment(self.clock.clone(), self.tags.clone());
            Arc::new((original.clone(), stand_in))
        });
        match scoped.downcast_ref::<(Cache<K, V>, Cache<K, V>)>() {
            Some((_, stand_in)) => stand_in.clone(),
            None => original.clone(),
        }
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        SPECIAL.fetch_sub(1, Ordering::Relaxed);
    }
}

/// While it lives, the scope is this thread's.
pub(crate) struct Entered {
    scope: Arc<Scope>,
    _not_send: std::marker::PhantomData<*const ()>,
}

impl Entered {
    pub(crate) fn enter(scope: Arc<Scope>) -> Entered {
        // First, because it is refused under the lock of a cache.
        set_slow_here(true);
        SCOPES.with_borrow_mut(|scopes| scopes.push(scope.clone()));
        Entered { scope, _not_send: std::marker::PhantomData }
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        let _ = SCOPES.try_with(|scopes| {
            let mut scopes = scopes.borrow_mut();
            // Guards that a test holds may be dropped in any order.
            if let Some(at) = scopes.iter().rposition(|scope| Arc::ptr_eq(scope, &self.scope)) {
                scopes.remove(at);
            }
            set_slow_here(!scopes.is_empty());
        });
    }
}

/// The scope of this thread, if it is in one.
pub(crate) fn current() -> Option<Arc<Scope>> {
    if !is_special() {
        return None;
    }
    SCOPES.try_with(|scopes| scopes.borrow().last().cloned()).ok().flatten()
}

/// Runs a future in a scope, wherever it is polled.
pub(crate) async fn within<F: Future>(scope: Option<Arc<Scope>>, future: F) -> F::Output {
    let mut future = pin!(future);
    poll_fn(move |context| {
        let _entered = scope.clone().map(Entered::enter);
        future.as_mut().poll(context)
    })
    .await
}

/// The tags that calls of this thread use.
pub(crate) fn tag_registry() -> Arc<TagRegistry> {
    current().map_or_else(|| tags::global().clone(), |scope| scope.tags.clone())
}

/// The clock by which the tags of this thread are made stale.
pub(crate) fn clock() -> Clock {
    current().map_or_else(Clock::system, |scope| scope.clock.clone())
}

/// Is the cache switched off for this thread?
pub(crate) fn is_off<K: Key, V: Value>(cache: &Cache<K, V>) -> bool {
    is_special() && matches!(view(cache), View::Disabled(_))
}

/// Does every call of this thread compute, and compare?
pub(crate) fn is_dry_run<K: Key, V: Value>(cache: &Cache<K, V>) -> bool {
    is_special() && matches!(view(cache), View::DryRun(..))
}

/// How a call of this thread is to treat a cache, and which cache it gets.
pub(crate) enum View<K, V> {
    Cached(Cache<K, V>),
    Disabled(Cache<K, V>),
    DryRun(Cache<K, V>, Arc<Scope>),
}

pub(crate) fn view<K: Key, V: Value>(cache: &Cache<K, V>) -> View<K, V> {
    let Some(scope) = current() else {
        return if *DISABLED_BY_ENVIRONMENT { View::Disabled(cache.clone()) } else { View::Cached(cache.clone()) };
    };
    let scoped = scope.cache_for(cache);
    match scope.mode {
        Mode::Disabled => View::Disabled(scoped),
        _ if *DISABLED_BY_ENVIRONMENT => View::Disabled(scoped),
        Mode::Isolated => View::Cached(scoped),
        Mode::DryRun => View::DryRun(scoped, scope),
    }
}
