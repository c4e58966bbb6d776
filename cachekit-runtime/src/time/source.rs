//! What stands behind a clock: the coarse word, the jobs that wait for their deadline, and the thread that serves both.

use std::collections::BTreeMap;
use std::fmt;
use std::mem;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::{Clock, NEVER, REACH, Tick, duration, nanos, tick_of};
use crate::background::run_caught;
use crate::sync::lock;

/// In the word: nobody moves it, so a reader has to ask the precise clock.
const IDLE: u64 = NEVER;

type Job = Box<dyn FnOnce() + Send>;

/// Deadline, then order of creation. A tree and not a heap, because most timers (timeouts, sleeps) are cancelled long before they are due, and
/// in a heap they would stay as garbage until then.
type Key = (u64, u64);

/// Alone in its cache line: every hit reads it, and the lock beside it is written by others.
#[repr(align(64))]
struct Word {
    nanos: AtomicU64,
    /// The tick of the latest time that it may be while `nanos` is not moved.
    horizon: AtomicU32,
}

/// How far the word may lag behind: twice the tick, for its scheduling.
const LAG: u64 = 2 * nanos(Clock::TICK);

impl Word {
    fn new(time: u64) -> Self {
        Word { nanos: AtomicU64::new(time), horizon: AtomicU32::new(tick_of(time)) }
    }

    /// The time of the process is `now`.
    fn tick(&self, now: u64) {
        self.nanos.store(now, Ordering::Relaxed);
        // One more, because a tick is the beginning of its millisecond.
        self.horizon.store(tick_of(now + LAG + 1_000_000), Ordering::Relaxed);
    }

    /// The time of a test clock is at least `now`.
    fn advance(&self, now: u64) {
        self.nanos.fetch_max(now, Ordering::AcqRel);
        self.horizon.store(tick_of(self.nanos.load(Ordering::Acquire)), Ordering::Release);
    }
}

/// The time at which a process begins: not 0, so that what is older than it, an entry of a snapshot or of another process, has a time too.
const BEGINNING: u64 = REACH;

pub(super) struct Source {
    word: Word,
    /// `None` for a test clock, whose precise time is the word.
    origin: Option<Instant>,
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    jobs: BTreeMap<Key, Job>,
    next_seq: u64,
    /// How many `Ticks` are alive.
    tickers: usize,
    has_thread: bool,
    /// When the timer thread looks again; zero while it is not waiting.
    wakes_at: u64,
    /// Test clock: the time that all calls of `advance` together lead to.
    target: u64,
}

impl Source {
    pub(super) fn system() -> Self {
        Self::new(Some(Instant::now()), IDLE)
    }

    pub(super) fn test() -> Self {
        Self::new(None, 0)
    }

    fn new(origin: Option<Instant>, word: u64) -> Self {
        let state = State { jobs: BTreeMap::new(), next_seq: 0, tickers: 0, has_thread: false, wakes_at: 0, target: 0 };
        Self { word: Word::new(word), origin, state: Mutex::new(state), changed: Condvar::new() }
    }

    pub(super) fn is_test(&self) -> bool {
        self.origin.is_none()
    }

    pub(super) fn now(&self) -> u64 {
        match self.origin {
            Some(origin) => BEGINNING.saturating_add(nanos(origin.elapsed())).min(NEVER - 1),
            None => self.word.nanos.load(Ordering::Acquire),
        }
    }

    /// The coarse word as it is; [`NEVER`] while nobody moves it.
    #[inline]
    pub(super) fn word(&self) -> u64 {
        self.word.nanos.load(Ordering::Relaxed)
    }

    #[inline(always)]
    pub(super) fn horizon(&self) -> Tick {
        self.word.horizon.load(Ordering::Relaxed)
    }

    #[inline]
    pub(super) fn latest(&self) -> u64 {
        match self.word() {
            IDLE => self.now_instead_of_coarse(),
            word if self.is_test() => word,
            word => word.saturating_add(LAG + 1_000_000),
        }
    }

    #[inline]
    pub(super) fn coarse(&self) -> u64 {
        let word = self.word();
        if word == IDLE { self.now_instead_of_coarse() } else { word }
    }

    #[cold]
    fn now_instead_of_coarse(&self) -> u64 {
        self.now()
    }

    pub(super) fn need_coarse(this: &Arc<Self>) -> Ticks {
        if this.is_test() {
            return Ticks { source: None, are_ticking: true };
        }
        let mut state = lock(&this.state);
        state.tickers += 1;
        let are_ticking = Self::ensure_thread(this, &mut state);
        if are_ticking {
            this.word.tick(this.now());
            if state.tickers == 1 {
                this.changed.notify_one();
            }
        }
        Ticks { source: Some(Arc::clone(this)), are_ticking }
    }

    pub(super) fn schedule(this: &Arc<Self>, deadline: u64, job: Job) -> Timer {
        let mut state = lock(&this.state);
        let key = (deadline, state.next_seq);
        state.next_seq += 1;
        state.jobs.insert(key, job);
        if !this.is_test() && Self::ensure_thread(this, &mut state) && deadline < state.wakes_at {
            state.wakes_at = deadline;
            this.changed.notify_one();
        }
        Timer { source: Arc::clone(this), key }
    }

    fn ensure_thread(this: &Arc<Self>, state: &mut State) -> bool {
        if !state.has_thread {
            let source = Arc::clone(this);
            match thread::Builder::new().name("cachekit-timer".to_owned()).spawn(move || source.drive()) {
                Ok(_) => state.has_thread = true,
                Err(error) => tracing::error!(%error, "no timer thread: timers wait until one can be started"),
            }
        }
        state.has_thread
    }

    fn drive(&self) {
        let mut state = lock(&self.state);
        loop {
            state.wakes_at = 0;
            let now = self.now();
            if state.tickers > 0 {
                self.word.tick(now);
            }
            if let Some((_, job)) = pop_due(&mut state, now) {
                drop(state);
                run_caught("a timer", job);
                state = lock(&self.state);
                continue;
            }
            let tick = if state.tickers > 0 { now.saturating_add(nanos(Clock::TICK)) } else { NEVER };
            state.wakes_at = tick.min(state.jobs.first_key_value().map_or(NEVER, |(key, _)| key.0));
            state = self.wait(state, now);
        }
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>, now: u64) -> MutexGuard<'a, State> {
        if state.wakes_at == NEVER {
            return self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let span = duration(state.wakes_at.saturating_sub(now));
        self.changed.wait_timeout(state, span).unwrap_or_else(PoisonError::into_inner).0
    }

    /// Test clock: moves to the sum of all advances and runs what falls due on the way, each job at its own time.
    pub(super) fn advance(&self, span: Duration) {
        let mut state = lock(&self.state);
        state.target = state.target.saturating_add(nanos(span)).min(NEVER - 1);
        let target = state.target;
        while let Some((deadline, job)) = pop_due(&mut state, target) {
            self.word.advance(deadline);
            drop(state);
            run_caught("a timer", job);
            state = lock(&self.state);
        }
        self.word.advance(target);
    }

    pub(super) fn pending(&self) -> usize {
        lock(&self.state).jobs.len()
    }
}

fn pop_due(state: &mut State, now: u64) -> Option<(u64, Job)> {
    let first = state.jobs.first_entry()?;
    if first.key().0 > now {
        return None;
    }
    let ((deadline, _), job) = first.remove_entry();
    Some((deadline, job))
}

/// A job that waits for its deadline, made by [`Clock::at`]. Dropping it cancels the job; [`detach`](Self::detach) lets it run.
#[must_use = "dropping a timer cancels it; use `detach` to let it run"]
pub struct Timer {
    source: Arc<Source>,
    key: Key,
}

impl Timer {
    /// When the job is due.
    #[must_use]
    pub fn deadline(&self) -> u64 {
        self.key.0
    }

    /// Removes the job, and says whether that was in time: `false` means that it has run or is running. Does not wait for it.
    pub fn cancel(self) -> bool {
        self.remove()
    }

    /// Lets the job run without this handle. One whose deadline is [`NEVER`] is dropped.
    pub fn detach(mut self) {
        if self.key.0 != NEVER {
            self.key = (NEVER, u64::MAX);
        }
    }

    fn remove(&self) -> bool {
        // In a statement of its own, so that the job is dropped after the lock is released.
        let job = lock(&self.source.state).jobs.remove(&self.key);
        job.is_some()
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.remove();
    }
}

impl fmt::Debug for Timer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timer").field("deadline", &self.deadline()).finish_non_exhaustive()
    }
}

/// Keeps [`Clock::coarse`] ticking while it lives; made by [`Clock::need_coarse`].
#[must_use = "the coarse time ticks only while this lives"]
pub struct Ticks {
    source: Option<Arc<Source>>,
    are_ticking: bool,
}

impl Ticks {
    /// Is there a thread that ticks? Not where the system refused to start one.
    pub(crate) fn are_ticking(&self) -> bool {
        self.are_ticking
    }
}

impl Drop for Ticks {
    fn drop(&mut self) {
        let Some(source) = mem::take(&mut self.source) else { return };
        let mut state = lock(&source.state);
        state.tickers = state.tickers.saturating_sub(1);
        if state.tickers == 0 {
            source.word.nanos.store(IDLE, Ordering::Relaxed);
        }
    }
}

impl fmt::Debug for Ticks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ticks")
    }
}
