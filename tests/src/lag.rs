//! What the machine takes away: how late a task wakes up that does nothing but sleep.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// How long the task sleeps each time.
const TICK: Duration = Duration::from_millis(10);

/// Sums up what a task of the current tokio runtime lost by waiting for its turn, so that a test can tell a call that was late from a machine that was busy.
#[derive(Clone)]
pub struct Lag {
    micros: Arc<AtomicU64>,
    last: Arc<AtomicU64>,
    ticks: Arc<AtomicU64>,
}

impl Lag {
    /// Begins to watch. The task ends when nobody has this any more.
    #[must_use]
    pub fn watch() -> Self {
        let lag = Lag { micros: Arc::default(), last: Arc::default(), ticks: Arc::default() };
        let (sum, last, ticks) = (Arc::downgrade(&lag.micros), Arc::downgrade(&lag.last), Arc::downgrade(&lag.ticks));
        tokio::spawn(async move {
            loop {
                let start = Instant::now();
                tokio::time::sleep(TICK).await; // sleeps: how long that takes is what is measured
                let (Some(sum), Some(last), Some(ticks)) = (sum.upgrade(), last.upgrade(), ticks.upgrade()) else {
                    return;
                };
                let micros = start.elapsed().saturating_sub(TICK).as_micros() as u64;
                sum.fetch_add(micros, Ordering::SeqCst);
                last.store(micros, Ordering::SeqCst);
                ticks.fetch_add(1, Ordering::SeqCst);
            }
        });
        lag
    }

    /// The sum until now.
    #[must_use]
    pub fn so_far(&self) -> Duration {
        Duration::from_micros(self.micros.load(Ordering::SeqCst))
    }

    /// How long a task waits for its turn just now.
    #[must_use]
    pub fn now(&self) -> Duration {
        Duration::from_micros(self.last.load(Ordering::SeqCst))
    }

    /// The sum, with the tick that is under way.
    pub async fn settled(&self) -> Duration {
        let ticks = self.ticks.load(Ordering::SeqCst);
        while self.ticks.load(Ordering::SeqCst) == ticks {
            tokio::time::sleep(TICK).await; // sleeps: until the watching task has had its turn
        }
        self.so_far()
    }
}
