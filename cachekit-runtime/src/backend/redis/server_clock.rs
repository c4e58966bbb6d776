//! How far a server's clock is ahead of this machine's, by what it answers to `TIME`: ages are told by its clock, so that processes whose own clocks differ agree
//! on them.
//!
//! The answer was given at some moment between question and answer, so an estimate is wrong by at most half of the time between the two. One counts until a better
//! one comes, or any after a minute: a server that is busy for a moment does not make the clock seem to be another. It is kept by the clock that nobody sets, so that
//! setting this machine's changes no age. That the server's clock was set is heard within two minutes where invalidations are told, and with the next connection
//! elsewhere.

use super::boot::millis;
use redis::Value;
use std::{
    sync::{
        Mutex,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// How long an estimate counts before any other replaces it: by then either clock may have been set.
const LASTS: Duration = Duration::from_secs(60);

/// When a server was asked for its time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked(Instant);

/// When, and how long it took.
#[derive(Debug, Clone, Copy)]
pub(super) struct Answered {
    asked: Instant,
    took: Duration,
}

/// What its clock said, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Estimate {
    /// Milliseconds since 1970, at the middle between question and answer. `None`: it did not say.
    said: Option<i64>,
    middle: Instant,
    took: Duration,
}

impl Asked {
    pub(super) fn now() -> Self {
        Asked(Instant::now())
    }

    pub(super) fn answered(self) -> Answered {
        Answered { asked: self.0, took: self.0.elapsed() }
    }
}

impl Answered {
    /// How long the answer took.
    #[cfg(feature = "inspect")]
    pub(super) fn took(self) -> Duration {
        self.took
    }

    /// By what the server said of its time.
    pub(super) fn estimate(self, time: &Value) -> Estimate {
        let said = millis(time).and_then(|now| i64::try_from(now).ok());
        Estimate { said, middle: self.asked + self.took / 2, took: self.took }
    }
}

/// The clock of one server.
#[derive(Debug)]
pub(super) struct ServerClock {
    began: Instant,
    /// What its clock said when this one began, in milliseconds; read by every look.
    origin: AtomicI64,
    best: Mutex<Option<(Duration, Instant)>>,
}

/// Nothing is known.
const UNKNOWN: i64 = i64::MIN;

impl Default for ServerClock {
    fn default() -> Self {
        ServerClock { began: Instant::now(), origin: AtomicI64::new(UNKNOWN), best: Mutex::default() }
    }
}

impl ServerClock {
    /// Of this machine's, in milliseconds; 0 while nothing is known.
    pub(super) fn ahead(&self) -> i64 {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.ahead_at(Instant::now(), signed(wall))
    }

    /// What it says now, since 1970. `None` while nothing is known. One reading of a clock.
    pub(super) fn time(&self) -> Option<Duration> {
        let says = self.says_at(Instant::now())?;
        Some(Duration::from_millis(u64::try_from(says).unwrap_or(0)))
    }

    fn says_at(&self, now: Instant) -> Option<i64> {
        match self.origin.load(Ordering::Relaxed) {
            UNKNOWN => None,
            origin => Some(origin.saturating_add(self.since_began(now))),
        }
    }

    fn ahead_at(&self, now: Instant, wall: i64) -> i64 {
        self.says_at(now).map_or(0, |says| says.saturating_sub(wall))
    }

    pub(super) fn learn(&self, estimate: Estimate) {
        self.learn_at(estimate, Instant::now());
    }

    /// Another server answers in this one's place, whose clock is another.
    pub(super) fn begin_anew(&self) {
        *crate::sync::lock(&self.best) = None;
    }

    fn learn_at(&self, Estimate { said, middle, took }: Estimate, now: Instant) {
        let Some(said) = said else { return };
        let mut best = crate::sync::lock(&self.best);
        let is_better = best.is_none_or(|(known, at)| took <= known || now.duration_since(at) >= LASTS);
        if is_better {
            *best = Some((took, now));
            self.origin.store(said.saturating_sub(self.since_began(middle)), Ordering::Relaxed);
        }
    }

    /// In milliseconds; less than nothing for a question from before.
    fn since_began(&self, at: Instant) -> i64 {
        let before = || signed(self.began.duration_since(at)).saturating_neg();
        at.checked_duration_since(self.began).map_or_else(before, signed)
    }
}

fn signed(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    fn time(seconds: i64) -> Value {
        let part = |text: String| Value::BulkString(text.into_bytes());
        Value::Array(vec![part(seconds.to_string()), part("500000".to_owned())])
    }

    fn answered(asked: Instant, took: u64) -> Answered {
        Answered { asked, took: ms(took) }
    }

    #[test]
    fn an_estimate_stands_in_the_middle_of_its_question() {
        let asked = Instant::now();
        let estimate = answered(asked, 40).estimate(&time(1_007));
        assert_eq!((estimate.said, estimate.middle), (Some(1_007_500), asked + ms(20)));
        assert_eq!(answered(asked, 1).estimate(&Value::Nil).said, None);
        let clock = ServerClock::default();
        clock.learn_at(estimate, asked + ms(40));
        assert_eq!(clock.ahead_at(asked + ms(20), 1_000_000), 7_500);
        assert_eq!(clock.ahead_at(asked + ms(20), 1_010_000), -2_500);
    }

    #[test]
    fn a_good_estimate_counts_for_a_minute() {
        let clock = ServerClock::default();
        let began = clock.began;
        let learn = |after, took, said| {
            clock.learn_at(answered(began + after, took).estimate(&time(said)), began + after + ms(took));
        };
        let origin = || clock.ahead_at(began, 0);
        assert_eq!(origin(), 0);
        learn(ms(0), 10, 1_000);
        assert_eq!(origin(), 1_000_495);
        learn(LASTS / 2, 400, 2_000);
        assert_eq!(origin(), 1_000_495, "a slow answer says less");
        learn(LASTS / 2, 4, 1_030);
        assert_eq!(origin(), 1_000_498);
        learn(LASTS * 2, 400, 1_120);
        assert_eq!(origin(), 1_000_300, "the other is of long ago");
        clock.learn_at(answered(began, 0).estimate(&Value::Nil), began + LASTS * 9);
        assert_eq!(origin(), 1_000_300);
        clock.begin_anew();
        learn(LASTS * 2, 4_000, 7_000);
        assert_eq!(origin(), 7_000_500 - 122_000, "the first answer of another server");
    }

    #[test]
    fn setting_this_machines_clock_changes_no_age() {
        let clock = ServerClock::default();
        clock.learn_at(answered(clock.began, 0).estimate(&time(1_000)), clock.began);
        let servers = |after, wall: i64| wall + clock.ahead_at(clock.began + after, wall);
        assert_eq!(servers(ms(0), 900_000), 1_000_500);
        assert_eq!(servers(ms(250), 5_000_000), 1_000_750);
        assert_eq!(servers(ms(500), 0), 1_001_000);
    }

    #[test]
    fn its_time_goes_on() {
        let clock = ServerClock::default();
        assert_eq!(clock.time(), None);
        let asked = Instant::now();
        clock.learn(answered(asked, 0).estimate(&time(1_000)));
        let first = clock.time().unwrap();
        let exact = ms(1_000_500) + asked.elapsed();
        assert!((ms(1_000_500)..=exact).contains(&first), "{first:?}, {exact:?}");
        while clock.time().unwrap() == first {
            std::hint::spin_loop();
        }
        assert!(clock.time().unwrap() > first);
    }

    #[test]
    fn a_question_may_be_older_than_the_clock() {
        let asked = Instant::now();
        let clock = ServerClock { began: asked + ms(100), ..ServerClock::default() };
        clock.learn_at(answered(asked, 0).estimate(&time(1_000)), asked);
        assert_eq!(clock.ahead_at(asked + ms(100), 0), 1_000_600);
    }
}
