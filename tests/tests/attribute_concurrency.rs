//! `single_flight`, `max_loads`, `load_timeout`, and many callers of one key.

use cachekit::{OutcomeKind, cache, testing};
use cachekit_tests::Hand;
use std::cell::Cell;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::sync::{Notify, Semaphore};

static STARTED: AtomicU32 = AtomicU32::new(0);

#[cache]
fn expensive(n: u64) -> u64 {
    STARTED.fetch_add(1, Ordering::SeqCst);
    // Long enough for the other threads to arrive; correct even if they do not.
    (0..200_000).fold(n, |sum, i| sum.wrapping_mul(31).wrapping_add(i))
}

#[test]
fn sixty_four_threads_compute_once() {
    let scope = testing::scope();
    let barrier = Barrier::new(64);
    let values: Vec<u64> = std::thread::scope(|threads| {
        let workers: Vec<_> = (0..64)
            .map(|_| {
                let (handle, barrier) = (scope.handle(), &barrier);
                threads.spawn(move || {
                    barrier.wait();
                    handle.enter(|| expensive(7))
                })
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).collect()
    });
    assert!(values.iter().all(|value| *value == values[0]));
    assert_eq!(STARTED.load(Ordering::SeqCst), 1);
    let stats = expensive::stats();
    assert_eq!((stats.loads, stats.hits + stats.misses.total()), (1, 64));
}

static GATE: Semaphore = Semaphore::const_new(0);
static ENTERED: AtomicU32 = AtomicU32::new(0);

#[cache]
async fn gated(id: u64, name: &str) -> Arc<String> {
    ENTERED.fetch_add(1, Ordering::SeqCst);
    let _pass = GATE.acquire().await.unwrap();
    Arc::new(format!("{id} {name}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ten_thousand_tasks_compute_once() {
    let scope = testing::scope();
    let tasks: Vec<_> = (0..10_000).map(|_| tokio::spawn(scope.run(async { gated(1, "x").await }))).collect();
    while scope.handle().enter(|| gated::stats().misses.total()) < 10_000 {
        tokio::task::yield_now().await;
    }
    GATE.add_permits(1);
    let mut all = Vec::new();
    for task in tasks {
        all.push(task.await.unwrap());
    }
    assert!(all.iter().all(|value| Arc::ptr_eq(value, &all[0])));
    assert_eq!(ENTERED.load(Ordering::SeqCst), 1);
    let stats = scope.handle().enter(gated::stats);
    assert_eq!((stats.loads, stats.joins), (1, 9_999));
}

#[cache]
async fn abandoned(id: u64, gate: Gate) -> u64 {
    gate.entered();
    gate.pass().await;
    id
}

/// A key that is the same for all, and a gate.
#[derive(Clone)]
struct Gate(Arc<(AtomicUsize, Notify)>);

impl Gate {
    fn new() -> Self {
        Gate(Arc::new((AtomicUsize::new(0), Notify::new())))
    }
    fn entered(&self) {
        self.0.0.fetch_add(1, Ordering::SeqCst);
    }
    fn count(&self) -> usize {
        self.0.0.load(Ordering::SeqCst)
    }
    async fn pass(&self) {
        self.0.1.notified().await;
    }
    fn open(&self) {
        self.0.1.notify_one();
    }
}

impl PartialEq for Gate {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}
impl Eq for Gate {}
impl std::hash::Hash for Gate {
    fn hash<H: std::hash::Hasher>(&self, _: &mut H) {}
}

fn is_waiting<F: Future>(task: &mut Pin<Box<F>>) -> bool {
    task.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending()
}

#[tokio::test]
async fn the_first_hundred_leaders_are_dropped_and_one_computes() {
    let _scope = testing::scope();
    let gate = Gate::new();
    let mut tasks: Vec<_> = (0..200).map(|_| Box::pin(abandoned(3, gate.clone()))).collect();
    assert!(tasks.iter_mut().all(is_waiting));
    let mut leader = 0;
    for dropped in 1..=100 {
        assert_eq!(gate.count(), dropped, "one at a time");
        drop(tasks.remove(leader));
        leader = tasks
            .iter_mut()
            .position(|task| is_waiting(task) && gate.count() > dropped)
            .expect("somebody takes over, since only who is polled can");
    }
    assert_eq!((gate.count(), abandoned::stats().takeovers.after_drop), (101, 100));
    gate.open();
    assert_eq!(tasks.remove(leader).await, 3);
    for task in tasks {
        assert_eq!(task.await, 3);
    }
    assert_eq!(gate.count(), 101, "the last leader computes for all");
    assert_eq!(abandoned::get(3, gate.clone()).await, Some(3));
    assert!(abandoned::cache().loads_in_flight() == 0);
}

#[cache(single_flight = false)]
async fn each_for_itself(id: u64, gate: Gate) -> u64 {
    gate.entered();
    gate.pass().await;
    id
}

#[tokio::test]
async fn without_single_flight_each_computes() {
    let _scope = testing::scope();
    let gate = Gate::new();
    let (a, b) = (each_for_itself(1, gate.clone()), each_for_itself(1, gate.clone()));
    let open = async {
        while gate.count() < 2 {
            tokio::task::yield_now().await;
        }
        gate.open();
        tokio::task::yield_now().await;
        gate.open();
    };
    let (a, b, ()) = tokio::join!(a, b, open);
    assert_eq!((a, b, gate.count()), (1, 1, 2));
    assert_eq!(each_for_itself::stats().joins, 0);
    assert_eq!(each_for_itself(1, gate.clone()).await, 1);
    assert_eq!(gate.count(), 2, "it is stored all the same");
}

static RUNNING: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

#[cache(max_loads = 3)]
async fn limited(id: u64) -> u64 {
    let now = RUNNING.fetch_add(1, Ordering::SeqCst) + 1;
    MOST.fetch_max(now, Ordering::SeqCst);
    for _ in 0..5 {
        tokio::task::yield_now().await;
    }
    RUNNING.fetch_sub(1, Ordering::SeqCst);
    id
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn max_loads_limits_loads_of_different_keys() {
    let scope = testing::scope();
    let tasks: Vec<_> = (0..50).map(|id| tokio::spawn(scope.run(async move { limited(id).await }))).collect();
    for (id, task) in tasks.into_iter().enumerate() {
        assert_eq!(task.await.unwrap(), id as u64);
    }
    assert_eq!(MOST.load(Ordering::SeqCst), 3);
}

#[derive(Debug, Clone, PartialEq)]
enum Failure {
    Cache(cachekit::Error),
}

impl From<cachekit::Error> for Failure {
    fn from(error: cachekit::Error) -> Self {
        Failure::Cache(error)
    }
}

#[cache(load_timeout = (hard = "2s"), name = "slow")]
async fn hard(id: u64, gate: Gate) -> Result<u64, Failure> {
    gate.entered();
    gate.pass().await;
    Ok(id)
}

/// Polls until the future has nothing to do but wait for time or the gate.
async fn started(gate: &Gate, count: usize) {
    while gate.count() < count {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_hard_timeout_is_an_error_of_the_function() {
    let scope = testing::scope();
    let gate = Gate::new();
    let late = async {
        started(&gate, 1).await;
        scope.advance(Duration::from_secs(3));
    };
    let (result, ()) = tokio::join!(hard(1, gate.clone()), late);
    let error = cachekit::Error::LoadTimeout { cache: "slow".to_owned(), after: Duration::from_secs(2) };
    assert_eq!(result, Err(Failure::Cache(error)));
    assert_eq!(hard::stats().load_timeouts, 1);
    assert_eq!(hard::get(1, gate.clone()).await, None);
    gate.open();
    assert_eq!(hard(1, gate.clone()).await, Ok(1), "the next caller may be in luck");
}

#[cache(skip(gate), ttl = "10s", stale_if_error = "1h", load_timeout = (soft = "200ms", hard = "2s"))]
async fn soft_and_hard(id: u64, gate: Gate) -> Result<usize, Failure> {
    let _ = id;
    gate.entered();
    if gate.count() > 1 {
        gate.pass().await;
    }
    Ok(gate.count())
}

#[tokio::test]
async fn after_a_soft_timeout_the_stale_value_is_given_and_the_load_goes_on() {
    let scope = testing::scope();
    let gate = Gate::new();
    assert_eq!(soft_and_hard(1, gate.clone()).await, Ok(1));
    scope.advance(Duration::from_secs(11));
    let slow = async {
        started(&gate, 2).await;
        scope.advance(Duration::from_millis(300));
    };
    let ((result, outcome), ()) = tokio::join!(soft_and_hard::traced(1, gate.clone()), slow);
    assert_eq!((result, outcome.kind), (Ok(1), OutcomeKind::StaleHit));
    gate.open();
    cachekit::flush().await;
    assert_eq!(soft_and_hard::get(1).await, Some(2), "the load has gone on");
}

thread_local! {
    static DEEP: Cell<u32> = const { Cell::new(0) };
}

#[cache]
fn fibonacci(n: u64) -> u64 {
    DEEP.set(DEEP.get() + 1);
    if n < 2 { n } else { fibonacci(n - 1) + fibonacci(n - 2) }
}

#[cache]
async fn async_fibonacci(n: u64) -> u64 {
    if n < 2 { n } else { async_fibonacci(n - 1).await + async_fibonacci(n - 2).await }
}

#[cache]
fn circle(n: u32) -> u32 {
    DEEP.set(DEEP.get() + 1);
    if DEEP.get() > 3 { n } else { circle(n) + 1 }
}

#[tokio::test]
async fn recursion_compiles_and_a_circle_does_not_hang() {
    let _scope = testing::scope();
    DEEP.set(0);
    assert_eq!(fibonacci(90), 2_880_067_194_370_816_120);
    assert_eq!(DEEP.get(), 91);
    assert_eq!(async_fibonacci(90).await, 2_880_067_194_370_816_120);
    assert_eq!(async_fibonacci::stats().loads, 91);
    DEEP.set(0);
    assert_eq!(circle(5), 8);
    assert!(circle::stats().bypasses.cycle >= 1);
}

#[cache(max_loads = 3)]
async fn sendable(id: u64) -> u64 {
    tokio::task::yield_now().await;
    id
}

fn assert_send<T: Send>(value: T) -> T {
    value
}

#[tokio::test]
async fn futures_of_cached_functions_are_send() {
    let _scope = testing::scope();
    assert_eq!(assert_send(sendable(400)).await, 400);
    assert_eq!(assert_send(sendable::traced(400)).await.0, 400);
    assert_eq!(assert_send(sendable::get(400)).await, Some(400));
    assert_eq!(assert_send(sendable::refresh(400)).await, 400);
    assert_send(sendable::invalidate(400)).await;
}

#[derive(Debug, Clone, PartialEq)]
struct Copied(&'static str);

#[derive(Debug, PartialEq)]
struct Single(&'static str);

#[cache]
async fn failing_for_all(id: u64, gate: Gate) -> Result<u64, Copied> {
    gate.entered();
    gate.pass().await;
    Err(Copied(if id > 0 { "down" } else { "none" }))
}

#[cache]
async fn failing_for_each(id: u64, gate: Gate) -> Result<u64, Single> {
    gate.entered();
    gate.pass().await;
    Err(Single(if id > 0 { "down" } else { "none" }))
}

#[cache]
async fn failing_generically<E: From<&'static str> + 'static>(id: u64, gate: Gate) -> Result<u64, E> {
    gate.entered();
    gate.pass().await;
    Err(E::from(if id > 0 { "down" } else { "none" }))
}

struct Service;

impl Service {
    #[cache(skip(self))]
    async fn failing(&self, id: u64, gate: Gate) -> Result<u64, Copied> {
        gate.entered();
        gate.pass().await;
        Err(Copied(if id > 0 { "down" } else { "none" }))
    }
}

/// Fifty callers of a load that fails: how many loads there were, and what the callers got.
fn loads_of_fifty<F: Future>(gate: &Gate, call: impl Fn() -> F) -> (usize, Vec<F::Output>) {
    let mut calls: Vec<_> = (0..50).map(|_| Hand::pending(call())).collect();
    assert_eq!(gate.count(), 1);
    gate.open();
    let mut outputs = vec![calls.remove(0).finish()];
    // Each either has the leader's error by now, or stands at the gate with a load of its own beside all others.
    calls.retain_mut(|call| match call.poll() {
        Poll::Ready(output) => {
            outputs.push(output);
            false
        }
        Poll::Pending => true,
    });
    let loads = gate.count();
    for call in calls {
        gate.open();
        outputs.push(call.finish());
    }
    assert_eq!(gate.count(), loads, "nobody loads after another");
    (loads, outputs)
}

#[test]
fn an_error_that_can_be_cloned_is_for_all_who_wait() {
    let _scope = testing::scope();
    let gate = Gate::new();
    assert_eq!(loads_of_fifty(&gate, || failing_for_all(1, gate.clone())), (1, vec![Err(Copied("down")); 50]));
    let gate = Gate::new();
    assert_eq!(loads_of_fifty(&gate, || Service.failing(1, gate.clone())), (1, vec![Err(Copied("down")); 50]));
}

#[test]
fn an_error_that_cannot_be_cloned_lets_all_who_wait_load_at_the_same_time() {
    let _scope = testing::scope();
    let gate = Gate::new();
    let (loads, outputs) = loads_of_fifty(&gate, || failing_for_each(1, gate.clone()));
    assert_eq!((loads, outputs.len()), (50, 50));
    assert!(outputs.iter().all(|output| *output == Err(Single("down"))));
    assert_eq!(failing_for_each::stats().bypasses.released, 49);
    // What is known of a type parameter is its bounds.
    let gate = Gate::new();
    let (loads, outputs) = loads_of_fifty(&gate, || failing_generically::<String>(1, gate.clone()));
    assert_eq!((loads, outputs), (50, vec![Err("down".to_owned()); 50]));
}
