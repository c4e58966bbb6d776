//! A backend that always fails: calls go on without it, or fail with it where the attribute says so.
use cachekit::backend::{Address, Backend, BackendFuture, Cursor, Failure, Page};
use cachekit::{Cache, Error, OutcomeKind, Place, cache};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

static COMPUTED: AtomicU64 = AtomicU64::new(0);

struct Broken;

fn broken<T>() -> Result<T, Error> {
    Err(Error::backend("broken", Failure::Protocol, "always"))
}

impl Backend for Broken {
    fn name(&self) -> &str {
        "broken"
    }
    fn get<'a>(&'a self, _: &'a Address) -> BackendFuture<'a, Option<bytes::Bytes>> {
        Box::pin(async { broken() })
    }
    fn set<'a>(&'a self, _: &'a Address, _: bytes::Bytes, _: Option<Duration>) -> BackendFuture<'a, ()> {
        Box::pin(async { broken() })
    }
    fn remove<'a>(&'a self, _: &'a Address) -> BackendFuture<'a, bool> {
        Box::pin(async { broken() })
    }
    fn remove_many<'a>(&'a self, _: &'a [Address]) -> BackendFuture<'a, ()> {
        Box::pin(async { broken() })
    }
    fn clear<'a>(&'a self, _: &'a str) -> BackendFuture<'a, ()> {
        Box::pin(async { broken() })
    }
    fn scan<'a>(&'a self, _: Option<&'a str>, _: Option<Cursor>, _: usize) -> BackendFuture<'a, Page> {
        Box::pin(async { broken() })
    }
    fn ping(&self) -> BackendFuture<'_, ()> {
        Box::pin(async { broken() })
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Failed {
    Cache(Error),
    Zero,
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Failed::Cache(error)
    }
}

#[cache(backend = Broken)]
fn bypassed(id: u64) -> Result<u64, Failed> {
    COMPUTED.fetch_add(1, SeqCst);
    if id == 0 { Err(Failed::Zero) } else { Ok(id) }
}

#[cache(backend = Broken, on_backend_error = "fail")]
fn fails(id: u64) -> Result<u64, Failed> {
    COMPUTED.fetch_add(1, SeqCst);
    Ok(id)
}

#[cache(backend = ["memory", Broken], on_backend_error = "fail", load_timeout = (hard = "30s"))]
async fn fails_later(id: u64) -> Result<u64, Failed> {
    COMPUTED.fetch_add(1, SeqCst);
    Ok(id)
}

#[cache(
    backend = Broken,
    on_backend_error = "fail",
    ttl = "1m",
    stale_if_error = "1h",
    load_timeout = (soft = "10s", hard = "30s")
)]
async fn fails_detached(id: u64) -> Result<u64, Failed> {
    COMPUTED.fetch_add(1, SeqCst);
    Ok(id)
}

struct Repo;

impl Repo {
    #[cache(companion = false, backend = Broken, name = "find", on_backend_error = "fail", skip(self))]
    async fn find(&self, id: u64) -> Result<u64, Failed> {
        COMPUTED.fetch_add(1, SeqCst);
        Ok(id)
    }
}

/// The backends that configuration describes, which nobody calls here.
#[cache(
    backend = ["memory", "file"],
    codec = "bincode",
    capacity = 10,
    on_backend_error = "bypass",
    ttl = "1h",
    refresh_ahead = "80%"
)]
fn in_a_file(id: u64) -> Vec<u64> {
    vec![id]
}

#[cache(backend = ["memory", "redis"], lock = "10s", timeout = "100ms", compress = "lz4", none = false)]
async fn in_redis(id: u64) -> Option<String> {
    Some(id.to_string())
}

fn run<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return output;
        }
        std::thread::yield_now();
    }
}

fn of_the_backend(result: Result<u64, Failed>) -> bool {
    matches!(result, Err(Failed::Cache(Error::Backend { backend, .. })) if backend == "broken")
}

fn main() {
    assert_eq!((bypassed(1), bypassed(0)), (Ok(1), Err(Failed::Zero)));
    assert_eq!(bypassed::traced(1).1.kind, OutcomeKind::Miss);
    assert_eq!(COMPUTED.swap(0, SeqCst), 3);
    assert!(of_the_backend(fails(1)));
    assert!(of_the_backend(run(fails_later(1))));
    assert!(of_the_backend(run(fails_detached(1))));
    assert!(of_the_backend(run(Repo.find(1))));
    assert_eq!(COMPUTED.load(SeqCst), 0);
    assert_eq!(fails::uncached(1), Ok(1));

    let by_hand: Cache<u64, u64> = Cache::builder().name("by_hand").backends([Place::own(Arc::new(Broken))]).build();
    assert!(of_the_backend(by_hand.call(&1).try_get_or_compute_strict(|| Ok(1))));
    assert!(of_the_backend(run(by_hand.call(&1).try_get_or_compute_strict_async(async || Ok(1)))));
    assert_eq!(by_hand.call(&1).try_get_or_compute(|| Ok::<_, Failed>(1)), Ok(1));
    let _: (fn(u64) -> Vec<u64>, fn(u64) -> u64) = (in_a_file, |id| size_of_val(&in_redis(id)) as u64);
}
