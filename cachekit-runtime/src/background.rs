//! Work that no caller waits for: a small pool of threads, the count of what is in progress, and waiting for it to end.

use std::any::Any;
use std::cell::Cell;
use std::collections::VecDeque;
use std::future::{Future, IntoFuture, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::{Arc, Condvar, LazyLock, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use std::{fmt, mem};

use event_listener::{Event, Listener};

pub(crate) use crate::block_on::block_on;
use crate::sync::lock;

static TASKS: LazyLock<Arc<Tasks>> = LazyLock::new(Arc::default);
static POOL: LazyLock<Pool> = LazyLock::new(|| Pool::new(Arc::clone(&TASKS), Limits::default()));

/// Waits for the background work of all caches that has begun before this call: refreshes, loads that go on past a soft timeout, and stores in backends
/// of bytes, which are as durable afterwards as the backend makes them. What a refresh or such a load stores in the end is part of it.
///
/// `.await` the value, or use [`Flush::wait`] or [`Flush::wait_timeout`]. Never fails; may be called any number of times, from anywhere. Other work that
/// begins later is not waited for, even if earlier work begins it.
///
/// ```
/// # use cachekit_runtime as cachekit;
/// cachekit::flush().wait();
/// let in_async_code = async { cachekit::flush().await };
/// # drop(in_async_code);
/// ```
pub fn flush() -> Flush {
    #[cfg(feature = "backend")]
    crate::far::flush();
    Tasks::flush(&TASKS)
}

/// What has begun so far, and a place among it for what is to come after all of that. `None`: on a thread that runs such work, and after the shutdown.
#[cfg(feature = "backend")]
pub(crate) fn after_all() -> Option<(Flush, TaskGuard)> {
    if RUNNING.get().is_some() {
        return None;
    }
    let before = Tasks::flush(&TASKS);
    TaskGuard::begin().map(|guard| (before, guard))
}

/// Refuses new background work of all caches from now on, and waits for what has begun, like [`flush`]. For the end of a process.
///
/// Caches go on to work afterwards, but nothing is refreshed in the background. May be called any number of times.
pub fn shutdown() -> Flush {
    // Before the end of new work, which the flush of the backends is.
    let flushed = flush();
    TASKS.shut_down();
    flushed
}

/// Whether [`shutdown`] has been called.
#[must_use]
pub fn is_shut_down() -> bool {
    TASKS.is_shut_down()
}

/// Background work that is waited for; made by [`flush`] and [`shutdown`].
///
/// Made by background work itself, in a loader that a refresh runs, it is done at once: it would wait for itself.
#[must_use = "await it or call `wait`"]
#[derive(Clone)]
pub struct Flush {
    tasks: Arc<Tasks>,
    /// The work waited for has smaller numbers.
    until: u64,
}

impl Flush {
    /// Blocks this thread until the work has ended.
    ///
    /// On a thread of an async runtime prefer `.await`: the work may need that very thread.
    pub fn wait(&self) {
        while let Some(listener) = self.listen() {
            listener.wait();
        }
    }

    /// Like [`wait`](Self::wait), but for at most `limit`. Returns whether the work has ended.
    #[must_use]
    pub fn wait_timeout(&self, limit: Duration) -> bool {
        let Some(deadline) = Instant::now().checked_add(limit) else {
            self.wait();
            return true;
        };
        while let Some(listener) = self.listen() {
            if listener.wait_deadline(deadline).is_none() {
                return self.is_done();
            }
        }
        true
    }

    /// Whether the work has ended.
    #[must_use]
    pub fn is_done(&self) -> bool {
        lock(&self.tasks.state).live.front().is_none_or(|oldest| *oldest >= self.until)
    }

    /// `None` once done. Listens before it looks, so that no end is missed.
    fn listen(&self) -> Option<event_listener::EventListener> {
        if self.is_done() {
            return None;
        }
        let listener = self.tasks.ended.listen();
        if self.is_done() { None } else { Some(listener) }
    }
}

impl IntoFuture for Flush {
    type Output = ();
    type IntoFuture = Pin<Box<dyn Future<Output = ()> + Send + Sync>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            while let Some(listener) = self.listen() {
                listener.await;
            }
        })
    }
}

impl fmt::Debug for Flush {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flush").field("done", &self.is_done()).finish_non_exhaustive()
    }
}

/// What is in progress in the background. One for the process; tests make their own.
#[derive(Default)]
pub(crate) struct Tasks {
    state: Mutex<TasksState>,
    ended: Event,
}

#[derive(Default)]
struct TasksState {
    /// Numbers in the order of their beginning, so that a flush need not wait for what began after it. What is part of other work has that work's number.
    live: VecDeque<u64>,
    next: u64,
    shut_down: bool,
}

impl Tasks {
    /// `None` after the shutdown.
    pub(crate) fn begin(this: &Arc<Self>) -> Option<TaskGuard> {
        let mut state = lock(&this.state);
        if state.shut_down {
            return None;
        }
        let number = state.next;
        state.next += 1;
        state.live.push_back(number);
        Some(TaskGuard { tasks: Arc::clone(this), number })
    }

    /// As [`begin`](Self::begin); on a thread that runs work already a part of that, also after the shutdown.
    #[cfg(any(test, feature = "backend"))]
    fn begin_part(this: &Arc<Self>) -> Option<TaskGuard> {
        let Some(Running { number, .. }) = RUNNING.get().filter(|running| running.of == Arc::as_ptr(this).addr())
        else {
            return Self::begin(this);
        };
        let mut state = lock(&this.state);
        let at = state.live.partition_point(|live| *live <= number);
        state.live.insert(at, number);
        Some(TaskGuard { tasks: Arc::clone(this), number })
    }

    pub(crate) fn flush(this: &Arc<Self>) -> Flush {
        let until = if RUNNING.get().is_some() { 0 } else { lock(&this.state).next };
        Flush { tasks: Arc::clone(this), until }
    }

    pub(crate) fn shut_down(&self) {
        lock(&self.state).shut_down = true;
    }

    pub(crate) fn is_shut_down(&self) -> bool {
        lock(&self.state).shut_down
    }
}

/// One piece of background work in progress, until it is dropped.
#[must_use = "the work counts as ended when this is dropped"]
pub(crate) struct TaskGuard {
    tasks: Arc<Tasks>,
    number: u64,
}

#[cfg_attr(not(feature = "tokio"), allow(dead_code))] // the pool counts its jobs itself
impl TaskGuard {
    /// Registers work with the process; `None` means that it is shut down and the work must not begin.
    pub(crate) fn begin() -> Option<Self> {
        Tasks::begin(&TASKS)
    }

    /// As [`begin`](Self::begin), for what work that is under way leaves to others in the end: on its thread this is part of it, so that whoever waits for that
    /// waits for this, and the shutdown does not come in between.
    #[cfg(feature = "backend")]
    pub(crate) fn begin_part() -> Option<Self> {
        Tasks::begin_part(&TASKS)
    }

    /// Runs `future` as this work, which ends with the future or when it is dropped. For refreshes that run on a caller's runtime.
    pub(crate) async fn cover<F: Future>(self, future: F) -> F::Output {
        let mut future = pin!(future);
        // Set while it is polled only, since the thread belongs to the runtime; and restored also if the future panics.
        poll_fn(|context| {
            let _entered = self.enter();
            future.as_mut().poll(context)
        })
        .await
    }

    /// Until the result is dropped, this thread runs this work.
    fn enter(&self) -> Entered {
        let running = Running { of: Arc::as_ptr(&self.tasks).addr(), number: self.number };
        Entered { before: RUNNING.replace(Some(running)) }
    }
}

/// What a thread runs.
#[derive(Clone, Copy)]
#[cfg_attr(not(any(test, feature = "backend")), allow(dead_code))] // only that it runs something matters there
struct Running {
    /// The address of its tasks, which live longer.
    of: usize,
    number: u64,
}

/// See [`TaskGuard::enter`].
struct Entered {
    before: Option<Running>,
}

impl Drop for Entered {
    fn drop(&mut self) {
        RUNNING.set(self.before);
    }
}

impl Drop for TaskGuard {
    fn drop(&mut self) {
        let mut state = lock(&self.tasks.state);
        if let Ok(at) = state.live.binary_search(&self.number) {
            state.live.remove(at);
        }
        drop(state);
        self.tasks.ended.notify(usize::MAX);
    }
}

thread_local! {
    /// The background work that this thread is running at this moment.
    static RUNNING: Cell<Option<Running>> = const { Cell::new(None) };
}

type Job = Box<dyn FnOnce() + Send>;

#[derive(Clone, Copy)]
struct Limits {
    threads: usize,
    queue: usize,
    idle: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { threads: 2, queue: 1_024, idle: Duration::from_secs(10) }
    }
}

/// A bounded pool for refreshes that no async runtime takes: threads start when needed and leave when idle.
pub(crate) struct Pool {
    shared: Arc<Shared>,
}

struct Shared {
    tasks: Arc<Tasks>,
    limits: Limits,
    queue: Mutex<Queue>,
    changed: Condvar,
}

struct Queue {
    jobs: VecDeque<(TaskGuard, Job)>,
    /// By number, so that the names stay within the limit although threads come and go.
    running: Vec<bool>,
    idle: usize,
}

impl Pool {
    /// The pool of the process.
    pub(crate) fn global() -> &'static Self {
        &POOL
    }

    fn new(tasks: Arc<Tasks>, limits: Limits) -> Self {
        let queue = Queue { jobs: VecDeque::new(), running: vec![false; limits.threads], idle: 0 };
        Self { shared: Arc::new(Shared { tasks, limits, queue: Mutex::new(queue), changed: Condvar::new() }) }
    }

    /// Runs `job` soon on a thread of the pool; `false` if the queue is full, no thread can be had or the process is shut down, and then `job`
    /// is dropped. A panic of the job is caught and logged.
    pub(crate) fn try_spawn(&self, job: Job) -> bool {
        let shared = &self.shared;
        let Some(guard) = Tasks::begin(&shared.tasks) else { return false };
        let mut queue = lock(&shared.queue);
        if queue.jobs.len() >= shared.limits.queue {
            // The job holds a user's values: they must not be dropped under the lock.
            drop(queue);
            return false;
        }
        queue.jobs.push_back((guard, job));
        if queue.jobs.len() > queue.idle
            && let Some(number) = queue.running.iter().position(|running| !running)
        {
            if Self::start_worker(shared, number) {
                queue.running[number] = true;
            } else if !queue.running.contains(&true) {
                let refused = queue.jobs.pop_back();
                drop(queue);
                drop(refused);
                return false;
            }
        }
        shared.changed.notify_one();
        true
    }

    fn start_worker(shared: &Arc<Shared>, number: usize) -> bool {
        let shared = Arc::clone(shared);
        let name = format!("cachekit-bg-{number}");
        match thread::Builder::new().name(name).spawn(move || shared.work(number)) {
            Ok(_) => true,
            Err(error) => {
                tracing::warn!(%error, "a thread for background refreshes could not be started");
                false
            }
        }
    }
}

impl Shared {
    fn work(&self, number: usize) {
        let mut queue = lock(&self.queue);
        loop {
            if let Some((guard, job)) = queue.jobs.pop_front() {
                drop(queue);
                let entered = guard.enter();
                run_caught("a background refresh", job);
                drop(entered);
                drop(guard);
                queue = lock(&self.queue);
                continue;
            }
            queue.idle += 1;
            let waited = self.changed.wait_timeout(queue, self.limits.idle).unwrap_or_else(PoisonError::into_inner);
            queue = waited.0;
            queue.idle -= 1;
            if waited.1.timed_out() && queue.jobs.is_empty() {
                queue.running[number] = false;
                return;
            }
        }
    }
}

/// Runs `job`; a panic of it is logged and goes no further.
pub(crate) fn run_caught(what: &str, job: impl FnOnce()) {
    // Twice, because a subscriber that logs and a payload that is dropped are a user's code as well.
    let outer = catch_unwind(AssertUnwindSafe(|| {
        if let Err(payload) = catch_unwind(AssertUnwindSafe(job)) {
            tracing::error!(panic = panic_text(payload.as_ref()), "{what} panicked");
        }
    }));
    if let Err(payload) = outer {
        mem::forget(payload);
    }
}

fn panic_text(payload: &(dyn Any + Send)) -> &str {
    payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a value that is no text")
}

#[cfg(test)]
#[path = "background_tests.rs"]
mod tests;
