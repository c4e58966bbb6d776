//! Integration and conformance tests of cachekit, and what they share.

pub mod browser;
pub mod child;
pub mod coherence;
pub mod drive;
pub mod fault_proxy;
pub mod file_load;
pub mod fuzz_bodies;
pub mod heard;
pub mod lag;
pub mod moves;
pub mod node;
pub mod own_backend;
pub mod receivers;
pub mod redis_server;
pub mod reference;
pub mod responses;
pub mod waiting;
pub mod watched;

pub use waiting::eventually;

use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    task::{Context, Poll, Wake, Waker},
    thread,
    time::Duration,
};

/// How long a test that could hang is given. No test waits for it unless it fails.
const WATCHDOG: Duration = Duration::from_secs(120);

/// Runs `work` on a thread of its own and fails if it hangs.
///
/// # Panics
/// With the panic of `work`, or if it does not end.
pub fn never_hangs<R: Send + 'static>(work: impl FnOnce() -> R + Send + 'static) -> R {
    let (send, receive) = mpsc::channel();
    thread::spawn(move || send.send(catch_unwind(AssertUnwindSafe(work))).ok());
    match receive.recv_timeout(WATCHDOG) {
        Ok(Ok(result)) => result,
        Ok(Err(panic)) => resume_unwind(panic),
        Err(_) => panic!("it hangs"),
    }
}

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// A future that is polled by hand, so that a test decides who runs when.
pub struct Hand<F: Future> {
    future: Pin<Box<F>>,
    wakes: Arc<Wakes>,
}

impl<F: Future> Hand<F> {
    /// Not polled yet.
    pub fn new(future: F) -> Self {
        Hand { future: Box::pin(future), wakes: Arc::default() }
    }

    /// Polled once, and pending.
    ///
    /// # Panics
    /// If it is ready.
    pub fn pending(future: F) -> Self {
        let mut hand = Hand::new(future);
        assert!(hand.poll().is_pending(), "ready at its first poll");
        hand
    }

    /// Polls once.
    pub fn poll(&mut self) -> Poll<F::Output> {
        self.wakes.0.store(0, Ordering::SeqCst);
        self.future.as_mut().poll(&mut Context::from_waker(&Waker::from(self.wakes.clone())))
    }

    /// Woken since the last poll?
    #[must_use]
    pub fn is_woken(&self) -> bool {
        self.wakes.0.load(Ordering::SeqCst) > 0
    }

    /// Polls once; it must be ready.
    ///
    /// # Panics
    /// If it is not.
    pub fn finish(mut self) -> F::Output {
        match self.poll() {
            Poll::Ready(output) => output,
            Poll::Pending => panic!("still pending"),
        }
    }
}

/// Yields this thread until `condition` holds. It says nothing about time: whoever calls it has made sure that the condition will hold.
pub fn until(mut condition: impl FnMut() -> bool) {
    while !condition() {
        thread::yield_now();
    }
}
