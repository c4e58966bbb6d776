//! The one thread that frees what has expired, in all caches.
//!
//! Apart from the timer thread, which drives the coarse clock and must not wait for the destructors and listeners of users, and from the pool of
//! background refreshes, whose loaders may block all of its threads.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;

use crate::background::run_caught;
use crate::sync::lock;

type Job = Box<dyn FnOnce() + Send>;

struct Queue {
    jobs: VecDeque<Job>,
    has_thread: bool,
}

static QUEUE: Mutex<Queue> = Mutex::new(Queue { jobs: VecDeque::new(), has_thread: false });
static CHANGED: Condvar = Condvar::new();

/// Has the job run soon, after those that were given before it. Where no thread can be started it waits until one can.
pub(crate) fn run_soon(job: impl FnOnce() + Send + 'static) {
    let mut queue = lock(&QUEUE);
    queue.jobs.push_back(Box::new(job));
    if !queue.has_thread {
        match thread::Builder::new().name("cachekit-upkeep".to_owned()).spawn(work) {
            Ok(_) => queue.has_thread = true,
            Err(error) => tracing::error!(%error, "no thread for upkeep: expired entries wait until they are met"),
        }
    }
    CHANGED.notify_one();
}

fn work() {
    let mut queue = lock(&QUEUE);
    loop {
        while let Some(job) = queue.jobs.pop_front() {
            drop(queue);
            run_caught("upkeep", job);
            queue = lock(&QUEUE);
        }
        queue = CHANGED.wait(queue).unwrap_or_else(PoisonError::into_inner);
    }
}
