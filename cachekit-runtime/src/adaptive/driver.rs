//! A background thread that looks at what the caches of the process have sampled: one for the adaptive caches, others for who samples besides.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, LazyLock, Mutex, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use super::handle::Step;
use super::ring::STRIPE_CAPACITY;
use crate::sync::lock;

static DRIVER: LazyLock<Driver> = LazyLock::new(|| Driver::new("cachekit-adaptive", REST));

/// Between two rounds, as long as few samples come.
const CALM: Duration = Duration::from_millis(20);

/// Between two rounds at the least, when samples come fast.
const BUSY: Duration = Duration::from_millis(1);

/// Between two rounds at the most, when none come at all.
const ASLEEP: Duration = Duration::from_millis(640);

/// After as many rounds without a sample the pause doubles from round to round.
const DROWSY: u32 = 50;

/// The pause is at least as many times as long as the round before: simulations take at most a twentieth of one core, however many
/// calls there are. What comes faster is dropped.
const REST: u32 = 19;

/// What samples, and wants its samples looked at.
pub trait Stepped: Send + Sync {
    /// Looks at what waits. Does nothing while another thread does so.
    fn step_now(&self) -> Step;
}

/// Steps what samples on a thread of its own, which runs only while there is any.
#[derive(Clone)]
pub struct Driver {
    shared: Arc<Shared>,
}

struct Shared {
    name: &'static str,
    rest: u32,
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    caches: Vec<Weak<dyn Stepped>>,
    running: bool,
}

impl Driver {
    /// The one of the adaptive caches.
    pub fn global() -> &'static Self {
        &DRIVER
    }

    /// One whose pauses are at least `rest` times as long as what it did before.
    pub(crate) fn new(name: &'static str, rest: u32) -> Self {
        let state = State { caches: Vec::new(), running: false };
        Driver { shared: Arc::new(Shared { name, rest, state: Mutex::new(state), changed: Condvar::new() }) }
    }

    /// Steps this one from now on, for as long as somebody else holds it. If no thread can be started it is not looked at until one can.
    pub fn attach(&self, cache: Weak<dyn Stepped>) {
        let mut state = lock(&self.shared.state);
        state.caches.push(cache);
        if state.running {
            // It may be in a long pause.
            self.shared.changed.notify_all();
            return;
        }
        let shared = Arc::clone(&self.shared);
        let spawned = thread::Builder::new().name(self.shared.name.into()).spawn(move || shared.run());
        match spawned {
            Ok(_) => state.running = true,
            Err(error) => {
                tracing::warn!(%error, "no thread for what caches have sampled: nobody looks at it until one can be started")
            }
        }
    }
}

impl Shared {
    fn run(&self) {
        let mut idle = 0;
        loop {
            let Some(caches) = self.living() else { return };
            let mut round = Round::default();
            for cache in caches {
                // The callback of one cache must not stop the others.
                match catch_unwind(AssertUnwindSafe(|| cache.step_now())) {
                    Ok(step) => round.add(step),
                    Err(_) => tracing::warn!("looking at what a cache has sampled panicked"),
                }
            }
            idle = if round.samples == 0 { idle + 1 } else { 0 };
            let state = lock(&self.state);
            drop(
                self.changed.wait_timeout(state, round.pause(idle, self.rest)).unwrap_or_else(PoisonError::into_inner),
            );
        }
    }

    /// `None` when the thread is to end.
    fn living(&self) -> Option<Vec<Arc<dyn Stepped>>> {
        let mut state = lock(&self.state);
        state.caches.retain(|cache| cache.strong_count() > 0);
        let living: Vec<_> = state.caches.iter().filter_map(Weak::upgrade).collect();
        if living.is_empty() && state.caches.is_empty() {
            state.running = false;
            self.changed.notify_all();
            return None;
        }
        Some(living)
    }
}

#[derive(Default)]
struct Round {
    samples: usize,
    /// The most samples of one cache.
    most: usize,
    nanos: u64,
}

impl Round {
    fn add(&mut self, step: Step) {
        self.samples += step.samples;
        self.most = self.most.max(step.samples);
        self.nanos = self.nanos.saturating_add(step.nanos);
    }

    fn pause(&self, idle: u32, rest: u32) -> Duration {
        let rest = Duration::from_nanos(self.nanos).saturating_mul(rest);
        let wanted = if self.most >= STRIPE_CAPACITY / 2 {
            BUSY
        } else {
            CALM.saturating_mul(1 << idle.saturating_sub(DROWSY).min(5))
        };
        wanted.min(ASLEEP).max(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adaptive::{Adaptive, Rule, Stepping};
    use crate::policy::Strategy;
    use std::sync::mpsc;
    use std::time::Instant;

    const LIMIT: Duration = Duration::from_secs(30);

    fn round(samples: usize, nanos: u64) -> Round {
        Round { samples, most: samples, nanos }
    }

    #[test]
    fn the_pause_follows_the_load_and_bounds_the_cost() {
        assert_eq!(round(10, 1_000).pause(0, REST), CALM);
        assert_eq!(round(STRIPE_CAPACITY, 10_000).pause(0, REST), BUSY);
        assert_eq!(round(STRIPE_CAPACITY, 1_000_000).pause(0, REST), Duration::from_millis(19));
        assert_eq!(round(0, 0).pause(DROWSY, REST), CALM);
        assert_eq!(round(0, 0).pause(DROWSY + 2, REST), CALM * 4);
        assert_eq!(round(0, 0).pause(10_000, REST), ASLEEP);
    }

    fn weak(cache: &Arc<Adaptive>) -> Weak<dyn Stepped> {
        Arc::downgrade(cache) as Weak<dyn Stepped>
    }

    fn wait_for_the_end(driver: &Driver) {
        let deadline = Instant::now() + LIMIT;
        let mut state = lock(&driver.shared.state);
        while state.running {
            assert!(Instant::now() < deadline, "the thread goes on without caches");
            state = driver.shared.changed.wait_timeout(state, CALM).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Feeds a cyclic scan, which only the second candidate hits, until the switch comes.
    fn switches_to_chance(driver: &Driver) {
        let (send, receive) = mpsc::channel();
        let candidates = [Strategy::Lru, Strategy::of::<crate::adaptive::tests::Chance>()];
        let cache = Arc::new(Adaptive::new(50, &candidates, Rule::default(), Stepping::Background, move |strategy| {
            drop(send.send(strategy.name().to_owned()));
        }));
        driver.attach(weak(&cache));
        let deadline = Instant::now() + LIMIT;
        let switched = loop {
            (0..200).for_each(|key: u64| cache.saw(key.wrapping_mul(0xd6e8_feb8_6659_fd93)));
            match receive.recv_timeout(Duration::from_micros(100)) {
                Ok(name) => break name,
                Err(_) => assert!(Instant::now() < deadline, "no switch: {}", cache.stats()),
            }
        };
        assert_eq!(switched, "Chance");
        assert!(cache.stats().simulation_nanos > 0);
    }

    #[test]
    fn one_thread_serves_caches_as_they_come_and_ends_with_the_last() {
        let driver = Driver::new("cachekit-test", REST);
        switches_to_chance(&driver);
        wait_for_the_end(&driver);
        switches_to_chance(&driver);
        wait_for_the_end(&driver);
        assert!(lock(&driver.shared.state).caches.is_empty());
    }

    #[test]
    fn a_panicking_switch_does_not_stop_the_others() {
        let driver = Driver::new("cachekit-test", REST);
        let candidates = [Strategy::Lru, Strategy::of::<crate::adaptive::tests::Chance>()];
        let panicking = Arc::new(Adaptive::new(50, &candidates, Rule::default(), Stepping::Background, |_| {
            panic!("expected: from the test")
        }));
        driver.attach(weak(&panicking));
        let deadline = Instant::now() + LIMIT;
        while panicking.stats().switches == 0 {
            (0..200).for_each(|key: u64| panicking.saw(key.wrapping_mul(0xd6e8_feb8_6659_fd93)));
            assert!(Instant::now() < deadline);
            thread::yield_now();
        }
        switches_to_chance(&driver);
        drop(panicking);
        wait_for_the_end(&driver);
    }
}
