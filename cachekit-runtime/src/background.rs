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
/// of bytes, which are as durable afterwards as the backend makes them.
///
/// `.await` the value, or use [`Flush::wait`] or [`Flush::wait_timeout`]. Never fails; may be called any number of times, from anywhere. Work that
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
    if IN_BACKGROUND.get() {
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
    /// Numbers in the order of their beginning, so that a flush need not wait for what began after it.
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

    pub(crate) fn flush(this: &Arc<Self>) -> Flush {
        let until = if IN_BACKGROUND.get() { 0 } else { lock(&this.state).next };
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

    /// Runs `future` as this work, which ends with the future or when it is dropped. For refreshes that run on a caller's runtime.
    pub(crate) async fn cover<F: Future>(self, future: F) -> F::Output {
        struct Restore(bool);
        impl Drop for Restore {
            fn drop(&mut self) {
                IN_BACKGROUND.set(self.0);
            }
        }
        let mut future = pin!(future);
        // Set while it is polled only, since the thread belongs to the runtime; and restored also if the future panics.
        poll_fn(|context| {
            let _restore = Restore(IN_BACKGROUND.replace(true));
            future.as_mut().poll(context)
        })
        .await
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
    /// Whether this thread is running background work at this moment.
    static IN_BACKGROUND: Cell<bool> = const { Cell::new(false) };
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
        IN_BACKGROUND.set(true);
        let mut queue = lock(&self.queue);
        loop {
            if let Some((guard, job)) = queue.jobs.pop_front() {
                drop(queue);
                run_caught("a background refresh", job);
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
mod tests {
    use super::*;
    use std::cell::RefCell;
    use std::collections::HashSet;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::mpsc::{self, Sender};
    use std::task::{Context, Poll, Waker};

    fn pool(limits: Limits) -> (Arc<Tasks>, Pool) {
        let tasks = Arc::new(Tasks::default());
        (Arc::clone(&tasks), Pool::new(tasks, limits))
    }

    #[test]
    fn at_most_two_threads_run_all_jobs() {
        let (tasks, pool) = pool(Limits::default());
        let names = Arc::new(Mutex::new(Vec::new()));
        for _ in 0..500 {
            let names = Arc::clone(&names);
            assert!(pool.try_spawn(Box::new(move || {
                lock(&names).push(thread::current().name().map(str::to_owned));
            })));
        }
        Tasks::flush(&tasks).wait();
        let names = lock(&names);
        assert_eq!(names.len(), 500);
        let distinct: HashSet<_> = names.iter().flatten().map(String::as_str).collect();
        assert!(distinct.iter().all(|name| ["cachekit-bg-0", "cachekit-bg-1"].contains(name)), "{distinct:?}");
    }

    #[test]
    fn two_jobs_run_side_by_side() {
        let (tasks, pool) = pool(Limits::default());
        let barrier = Arc::new(std::sync::Barrier::new(2));
        for _ in 0..2 {
            let barrier = Arc::clone(&barrier);
            assert!(pool.try_spawn(Box::new(move || _ = barrier.wait())));
        }
        Tasks::flush(&tasks).wait();
    }

    #[test]
    fn a_full_queue_refuses_and_a_panic_harms_no_one() {
        let (tasks, pool) = pool(Limits { threads: 1, queue: 2, ..Limits::default() });
        let (started, has_started) = mpsc::channel();
        let (release, released) = mpsc::channel::<()>();
        assert!(pool.try_spawn(Box::new(move || {
            started.send(()).ok();
            released.recv().ok();
            panic!("expected by a test");
        })));
        assert_eq!(has_started.recv(), Ok(()));
        let (done, is_done) = mpsc::channel();
        for job in 0..2 {
            let done = done.clone();
            assert!(pool.try_spawn(Box::new(move || done.send(job).unwrap_or(()))));
        }
        assert!(!pool.try_spawn(Box::new(|| ())), "the queue is full");
        let flush = Tasks::flush(&tasks);
        assert!(!flush.is_done() && !flush.wait_timeout(Duration::ZERO));
        release.send(()).ok();
        flush.wait();
        assert!(flush.wait_timeout(Duration::MAX));
        assert_eq!(is_done.try_iter().collect::<Vec<_>>(), [0, 1]);
    }

    #[test]
    fn idle_threads_leave_and_new_ones_come() {
        struct AtExit(Sender<()>);
        impl Drop for AtExit {
            fn drop(&mut self) {
                self.0.send(()).ok();
            }
        }
        thread_local!(static AT_EXIT: RefCell<Option<AtExit>> = const { RefCell::new(None) });

        let (_tasks, pool) = pool(Limits { idle: Duration::ZERO, ..Limits::default() });
        for _ in 0..20 {
            let (left, has_left) = mpsc::channel();
            assert!(pool.try_spawn(Box::new(move || AT_EXIT.set(Some(AtExit(left))))));
            assert_eq!(has_left.recv(), Ok(()));
        }
        assert_eq!(lock(&pool.shared.queue).running, [false, false]);
    }

    #[test]
    fn a_flush_waits_for_earlier_work_only() {
        let tasks = Arc::new(Tasks::default());
        let first = Tasks::begin(&tasks);
        let flush = Tasks::flush(&tasks);
        let second = Tasks::begin(&tasks);
        assert!(first.is_some() && second.is_some() && !flush.is_done());
        drop(first);
        assert!(flush.is_done());
        assert!(!Tasks::flush(&tasks).is_done());
        drop(second);
        assert!(Tasks::flush(&tasks).is_done());
    }

    #[test]
    fn a_flush_can_be_awaited_and_waited_for_at_once() {
        let tasks = Arc::new(Tasks::default());
        let work = Tasks::begin(&tasks);
        let flush = Tasks::flush(&tasks);
        let mut future = flush.clone().into_future();
        assert!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        thread::scope(|scope| {
            scope.spawn(|| flush.wait());
            scope.spawn(|| block_on(future));
            scope.spawn(|| drop(work));
        });
    }

    #[test]
    fn an_end_just_before_the_wait_is_not_missed() {
        let tasks = Arc::new(Tasks::default());
        let (slot, stop) = (Mutex::new(None), AtomicBool::new(false));
        thread::scope(|scope| {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    drop(lock(&slot).take());
                }
            });
            for round in 0..100_000 {
                let flush = {
                    let mut slot = lock(&slot);
                    *slot = Tasks::begin(&tasks);
                    Tasks::flush(&tasks)
                };
                // Moves the look of this thread along the other's drop.
                (0..round % 64).for_each(|_| std::hint::spin_loop());
                if round % 2 == 0 {
                    flush.wait();
                } else {
                    block_on(flush.into_future());
                }
            }
            stop.store(true, Ordering::Relaxed);
        });
    }

    #[test]
    fn after_the_shutdown_no_work_begins_and_queued_work_ends() {
        let (tasks, pool) = pool(Limits { threads: 1, ..Limits::default() });
        let (release, released) = mpsc::channel::<()>();
        let (done, is_done) = mpsc::channel();
        assert!(pool.try_spawn(Box::new(move || _ = released.recv())));
        assert!(pool.try_spawn(Box::new(move || done.send(()).unwrap_or(()))));
        tasks.shut_down();
        tasks.shut_down();
        assert!(tasks.is_shut_down() && Tasks::begin(&tasks).is_none());
        assert!(!pool.try_spawn(Box::new(|| ())));
        drop(release);
        Tasks::flush(&tasks).wait();
        assert_eq!(is_done.try_recv(), Ok(()));
    }

    #[test]
    fn a_flush_inside_of_a_background_job_does_not_wait_for_itself() {
        let (tasks, pool) = pool(Limits::default());
        let (done, is_done) = mpsc::channel();
        let inner = Arc::clone(&tasks);
        assert!(pool.try_spawn(Box::new(move || {
            Tasks::flush(&inner).wait();
            done.send(()).ok();
        })));
        assert_eq!(is_done.recv(), Ok(()));
    }

    #[test]
    fn a_covered_future_is_background_work_until_it_ends() {
        let tasks = Arc::new(Tasks::default());
        let Some(guard) = Tasks::begin(&tasks) else { panic!("nothing was shut down") };
        let (open, opened) = (Event::new(), Arc::clone(&tasks));
        let listener = open.listen();
        let mut future = pin!(guard.cover(async move {
            listener.await;
            Tasks::flush(&opened).await;
        }));
        let mut context = Context::from_waker(Waker::noop());
        assert!(future.as_mut().poll(&mut context).is_pending());
        assert!(!Tasks::flush(&tasks).is_done(), "this thread is not in the background between polls");
        open.notify(1);
        assert!(future.as_mut().poll(&mut context).is_ready(), "it does not wait for itself");
        assert!(Tasks::flush(&tasks).is_done());
    }

    #[test]
    fn a_covered_future_that_panics_or_is_dropped_has_ended() {
        let tasks = Arc::new(Tasks::default());
        let Some(guard) = Tasks::begin(&tasks) else { panic!("nothing was shut down") };
        run_caught("a test", || block_on(guard.cover(async { panic!("expected by a test") })));
        assert!(Tasks::flush(&tasks).is_done() && !IN_BACKGROUND.get());
        let Some(guard) = Tasks::begin(&tasks) else { panic!("nothing was shut down") };
        drop(guard.cover(std::future::pending::<()>()));
        assert!(Tasks::flush(&tasks).is_done());
    }

    #[test]
    fn a_panic_whose_payload_panics_is_caught() {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                if !thread::panicking() {
                    panic!("expected by a test");
                }
            }
        }
        let mut reached = false;
        run_caught("a test", || std::panic::panic_any(Bomb));
        run_caught("a test", || reached = true);
        assert!(reached);
    }

    #[test]
    fn block_on_survives_a_future_that_uses_up_the_token() {
        let mut polls = 0;
        let output = block_on(std::future::poll_fn(|context| {
            polls += 1;
            if polls == 3 {
                return Poll::Ready(polls);
            }
            context.waker().wake_by_ref();
            thread::park();
            Poll::Pending
        }));
        assert_eq!(output, 3);
    }
}
