//! Many waits with one timer: for operations that begin one after another, may all take as long, and almost never do.
//!
//! A timer for each would be an allocation, and an entry that is put into the ordered jobs of the clock and taken out again, for an operation that a backend
//! answers in less time. Deadlines that come in their order need no more than a queue; whoever comes with an earlier one has a timer of its own.

use super::{Clock, NEVER, Sleep};
use crate::{background::run_caught, sync::lock};
use std::{
    collections::VecDeque,
    mem,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
};

/// The waits of those who may wait equally long.
pub(crate) struct Deadlines {
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Their deadlines never fall.
    waits: VecDeque<Wait>,
    /// How many have left the front: so each keeps its number.
    gone: u64,
    /// When a timer will look at the front. One that was set for later, before an earlier wait came, finds another time here and does nothing.
    armed: Option<u64>,
}

struct Wait {
    deadline: u64,
    /// `None`: it is over, and goes when it is at the front.
    waker: Option<Waker>,
}

impl State {
    fn at(&mut self, number: u64) -> Option<&mut Wait> {
        let at = number.checked_sub(self.gone)?;
        self.waits.get_mut(usize::try_from(at).ok()?)
    }

    fn pop(&mut self) -> Option<Waker> {
        let wait = self.waits.pop_front()?;
        self.gone += 1;
        wait.waker
    }

    /// Those who are over make room for who comes.
    fn tidy(&mut self) {
        while self.waits.front().is_some_and(|wait| wait.waker.is_none()) {
            self.pop();
        }
    }
}

impl Deadlines {
    pub(crate) fn new(clock: &Clock) -> Arc<Self> {
        Arc::new(Deadlines { clock: clock.clone(), state: Mutex::default() })
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// A wait that ends at `deadline`.
    pub(crate) fn wait(self: &Arc<Self>, deadline: u64) -> Due<'_> {
        Due { all: self, deadline, place: Place::Nowhere }
    }

    fn arm(self: &Arc<Self>, deadline: u64) {
        let all = Arc::downgrade(self);
        let fire = move || {
            if let Some(all) = all.upgrade() {
                all.fire(deadline);
            }
        };
        self.clock.at(deadline, fire).detach();
    }

    /// Wakes those whose time is up.
    fn fire(self: &Arc<Self>, armed: u64) {
        let mut due = Vec::new();
        let mut state = lock(&self.state);
        if state.armed != Some(armed) {
            return;
        }
        let now = self.clock.now();
        loop {
            state.tidy();
            match state.waits.front() {
                Some(wait) if wait.deadline <= now => due.extend(state.pop()),
                front => {
                    state.armed = front.map(|wait| wait.deadline);
                    break;
                }
            }
        }
        if let Some(next) = state.armed {
            self.arm(next);
        }
        drop(state);
        // Outside of the lock, and each by itself: a waker is somebody else's code.
        due.into_iter().for_each(|waker| run_caught("a waker", || waker.wake()));
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        lock(&self.state).waits.len()
    }
}

/// One wait; made by [`Deadlines::wait`]. Dropped, it is over.
pub(crate) struct Due<'a> {
    all: &'a Arc<Deadlines>,
    deadline: u64,
    place: Place,
}

enum Place {
    /// It was not polled yet, or never ends.
    Nowhere,
    /// In the queue, under this number.
    Queued(u64),
    /// Its deadline is before that of somebody who was there first.
    Apart(Box<Sleep>),
}

impl Due<'_> {
    /// Ready once the deadline is reached. Whoever has just looked at the clock need not poll a wait that is over.
    pub(crate) fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        match &mut self.place {
            Place::Nowhere if self.deadline == NEVER => Poll::Pending,
            Place::Nowhere => self.begin(context),
            Place::Queued(number) => {
                let number = *number;
                if self.all.clock.now() >= self.deadline {
                    return Poll::Ready(());
                }
                // Cloned, and the old one dropped, outside of the lock: a waker is somebody else's code.
                let mut fresh = Some(context.waker().clone());
                let mut state = lock(&self.all.state);
                // One that is not there any more was woken at its deadline.
                let Some(wait) = state.at(number) else { return Poll::Ready(()) };
                if !wait.waker.as_ref().is_some_and(|known| known.will_wake(context.waker())) {
                    mem::swap(&mut wait.waker, &mut fresh);
                }
                drop(state);
                Poll::Pending
            }
            Place::Apart(sleep) => Pin::new(&mut **sleep).poll(context),
        }
    }

    fn begin(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let waker = Some(context.waker().clone());
        let mut state = lock(&self.all.state);
        state.tidy();
        if state.waits.back().is_some_and(|last| last.deadline > self.deadline) {
            drop(state);
            let mut sleep = Box::new(self.all.clock.sleep_until(self.deadline));
            let polled = Pin::new(&mut *sleep).poll(context);
            self.place = Place::Apart(sleep);
            return polled;
        }
        self.place = Place::Queued(state.gone + state.waits.len() as u64);
        state.waits.push_back(Wait { deadline: self.deadline, waker });
        if state.armed.is_some_and(|at| at <= self.deadline) {
            // That timer looks at this wait too, after it has looked at the time.
            return Poll::Pending;
        }
        state.armed = Some(self.deadline);
        self.all.arm(self.deadline);
        drop(state);
        // The deadline may have passed before there was a timer, which a test clock does not notice until it is moved again.
        if self.all.clock.now() >= self.deadline { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Drop for Due<'_> {
    fn drop(&mut self) {
        let Place::Queued(number) = self.place else { return };
        let mut state = lock(&self.all.state);
        // Dropped after the lock is released.
        let _waker = state.at(number).and_then(|wait| wait.waker.take());
        state.tidy();
        drop(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::TestClock;
    use std::{
        sync::atomic::{AtomicUsize, Ordering},
        task::Wake,
        time::Duration,
    };

    const SECOND: u64 = 1_000_000_000;

    #[derive(Default)]
    struct Wakes(AtomicUsize);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn polled(due: &mut Due<'_>, wakes: &Arc<Wakes>) -> bool {
        due.poll(&mut Context::from_waker(&Waker::from(Arc::clone(wakes)))).is_ready()
    }

    fn woken(wakes: &Wakes) -> usize {
        wakes.0.load(Ordering::SeqCst)
    }

    #[test]
    fn many_waits_have_one_timer_and_each_its_own_end() {
        let test = TestClock::new();
        let all = Deadlines::new(&test.clock());
        let wakes: Vec<Arc<Wakes>> = (0..4).map(|_| Arc::default()).collect();
        let mut waits: Vec<_> = (1..=4).map(|n| all.wait(n * SECOND)).collect();
        for (wait, wakes) in waits.iter_mut().zip(&wakes) {
            assert!(!polled(wait, wakes));
        }
        assert_eq!((all.len(), test.pending()), (4, 1));
        // One in the middle is over before its time.
        drop(waits.remove(1));
        for (seconds, expected) in
            [[0, 0, 0, 0], [1, 0, 0, 0], [1, 0, 0, 0], [1, 0, 1, 0], [1, 0, 1, 1]].iter().enumerate()
        {
            if seconds > 0 {
                test.advance(Duration::from_secs(1));
            }
            let all: Vec<_> = wakes.iter().map(|wakes| woken(wakes)).collect();
            assert_eq!(all, expected, "after {seconds} seconds");
        }
        assert!(waits.iter_mut().all(|wait| polled(wait, &wakes[0])));
        assert_eq!((all.len(), test.pending()), (0, 0));
    }

    #[test]
    fn what_is_over_leaves_nothing_behind() {
        let test = TestClock::new();
        let all = Deadlines::new(&test.clock());
        let wakes = Arc::default();
        for n in 0..1_000 {
            let mut wait = all.wait(SECOND + n);
            assert!(!polled(&mut wait, &wakes));
            drop(wait);
            assert_eq!(all.len(), 0);
        }
        assert_eq!((test.pending(), Arc::strong_count(&wakes)), (1, 1));
        test.advance(Duration::from_secs(1));
        assert_eq!((test.pending(), woken(&wakes)), (0, 0));
        // After a rest there is a timer again.
        let mut wait = all.wait(2 * SECOND);
        assert!(!polled(&mut wait, &wakes));
        test.advance(Duration::from_secs(1));
        assert!(woken(&wakes) == 1 && polled(&mut wait, &wakes));
    }

    #[test]
    fn an_earlier_deadline_is_kept_too() {
        let test = TestClock::new();
        let all = Deadlines::new(&test.clock());
        let (late, early) = (Arc::default(), Arc::default());
        let (mut last, mut first) = (all.wait(2 * SECOND), all.wait(SECOND));
        assert!(!polled(&mut last, &late) && !polled(&mut first, &early));
        test.advance(Duration::from_secs(1));
        assert_eq!((woken(&early), woken(&late)), (1, 0));
        assert!(polled(&mut first, &early) && !polled(&mut last, &late));
    }

    #[test]
    fn an_earlier_deadline_after_all_others_are_over_is_kept_too() {
        let test = TestClock::new();
        let all = Deadlines::new(&test.clock());
        let wakes = Arc::default();
        let mut over = all.wait(2 * SECOND);
        assert!(!polled(&mut over, &wakes));
        drop(over);
        let mut early = all.wait(SECOND);
        assert!(!polled(&mut early, &wakes));
        test.advance(Duration::from_secs(1));
        assert!(woken(&wakes) == 1 && polled(&mut early, &wakes));
        let mut late = all.wait(3 * SECOND);
        assert!(!polled(&mut late, &wakes));
        // The timer of the first is none of theirs any more.
        test.advance(Duration::from_secs(1));
        assert_eq!(woken(&wakes), 1);
        test.advance(Duration::from_secs(1));
        assert!(woken(&wakes) == 2 && polled(&mut late, &wakes));
        assert_eq!(test.pending(), 0);
    }

    #[test]
    fn a_waker_that_panics_harms_no_other() {
        struct Panics;
        impl Wake for Panics {
            fn wake(self: Arc<Self>) {
                panic!("a waker");
            }
        }
        let test = TestClock::new();
        let all = Deadlines::new(&test.clock());
        let wakes = Arc::default();
        let (mut first, mut second) = (all.wait(SECOND), all.wait(SECOND));
        let waker = Waker::from(Arc::new(Panics));
        assert!(first.poll(&mut Context::from_waker(&waker)).is_pending() && !polled(&mut second, &wakes));
        test.advance(Duration::from_secs(1));
        assert_eq!(woken(&wakes), 1);
    }

    #[test]
    fn whoever_polled_last_is_woken() {
        let test = TestClock::new();
        let all = Deadlines::new(&test.clock());
        let (before, now) = (Arc::default(), Arc::default());
        let mut wait = all.wait(SECOND);
        assert!(!polled(&mut wait, &before) && !polled(&mut wait, &now));
        test.advance(Duration::from_secs(1));
        assert_eq!((woken(&before), woken(&now)), (0, 1));
    }

    #[test]
    fn what_is_past_or_never_comes_has_no_timer() {
        let test = TestClock::new();
        let all = Deadlines::new(&test.clock());
        let wakes = Arc::default();
        test.advance(Duration::from_secs(1));
        assert!(polled(&mut all.wait(SECOND), &wakes), "the clock does not move by itself");
        assert!(!polled(&mut all.wait(NEVER), &wakes));
        assert_eq!(all.len(), 0);
    }

    #[test]
    fn on_the_system_clock_all_of_them_end() {
        let clock = Clock::system();
        let all = Deadlines::new(&clock);
        let mut waits: Vec<_> = (0..500).map(|n| all.wait(clock.after(Duration::from_micros(n * 20)))).collect();
        crate::background::block_on(std::future::poll_fn(|context| {
            waits.retain_mut(|wait| wait.poll(context).is_pending());
            if waits.is_empty() { Poll::Ready(()) } else { Poll::Pending }
        }));
        assert_eq!(all.len(), 0);
    }
}
