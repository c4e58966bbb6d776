//! Waiting for what other processes, or the network, bring about.

use cachekit_runtime::{Delivery, Error, backend::Failure};
use std::{
    fmt,
    future::Future,
    thread,
    time::{Duration, Instant},
};

/// How long it may take. No test waits for it unless it fails.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// How long is waited for what a part of the protocol brings about, where that part is switched off: several times as long as it takes otherwise.
const IN_VAIN: Duration = Duration::from_secs(8);

/// How long something may take that the part of this name brings about.
#[must_use]
pub fn patience_with(part: &str) -> Duration {
    let off = std::env::var("CACHEKIT_TEST_WITHOUT").unwrap_or_default();
    if off.split(',').any(|off| off == part) { IN_VAIN } else { PATIENCE }
}

/// Waits until the condition holds.
///
/// # Panics
/// If it does not hold after a minute.
pub fn eventually(what: &str, condition: impl FnMut() -> bool) {
    eventually_or(what, String::new, condition);
}

/// As [`eventually`]; it is this part of the protocol that brings it about, and where that is [switched off](patience_with) nobody waits for a minute.
///
/// # Panics
/// As that.
pub fn eventually_by(part: &str, what: &str, condition: impl FnMut() -> bool) {
    eventually_within(patience_with(part), what, String::new, condition);
}

/// As [`eventually`]; says what there is instead.
///
/// # Panics
/// As that.
pub fn eventually_or(what: &str, instead: impl Fn() -> String, condition: impl FnMut() -> bool) {
    eventually_within(PATIENCE, what, instead, condition);
}

fn eventually_within(
    patience: Duration,
    what: &str,
    instead: impl Fn() -> String,
    mut condition: impl FnMut() -> bool,
) {
    let deadline = Instant::now() + patience;
    while !condition() {
        assert!(Instant::now() < deadline, "in vain: {what}\n{}", instead());
        thread::sleep(Duration::from_millis(2)); // sleeps: between looks at another process
    }
}

/// As [`eventually`], in async code.
///
/// # Panics
/// As that.
pub async fn comes_true<F: Future<Output = bool>>(what: &str, condition: impl FnMut() -> F) {
    comes_true_within(PATIENCE, what, condition).await;
}

/// As [`comes_true`]; it is this part of the protocol that brings it about, and where that is [switched off](patience_with) nobody waits for a minute.
///
/// # Panics
/// As that.
pub async fn comes_by<F: Future<Output = bool>>(part: &str, what: &str, condition: impl FnMut() -> F) {
    comes_true_within(patience_with(part), what, condition).await;
}

async fn comes_true_within<F: Future<Output = bool>>(patience: Duration, what: &str, mut condition: impl FnMut() -> F) {
    let deadline = Instant::now() + patience;
    while !condition().await {
        assert!(Instant::now() < deadline, "in vain: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await; // sleeps: between looks at another process
    }
}

/// Tells a real server until its answer is in time, which on a busy machine the first may not be.
///
/// # Panics
/// If it is not told after a minute, or what is told concerns nobody else.
pub async fn shared<F: Future<Output = Delivery>>(mut tell: impl FnMut() -> F) {
    let mut told = tell().await;
    while told != Delivery::Shared {
        assert_eq!(told, Delivery::Queued);
        comes_true("an answer in time", || async { cachekit_runtime::sync().await.is_ok() }).await;
        told = tell().await;
    }
}

/// It works before long; until then each attempt ends in time.
///
/// # Panics
/// If it does not work after a minute, or an attempt takes longer than `each`.
pub async fn works_again<F>(what: &str, each: Duration, mut attempt: impl FnMut() -> F)
where
    F: Future<Output = Result<(), Error>>,
{
    let deadline = Instant::now() + PATIENCE;
    loop {
        let start = Instant::now();
        let last = match attempt().await {
            Ok(()) => return,
            Err(error) => error,
        };
        assert!(start.elapsed() <= each, "{what}: {:?}", start.elapsed());
        assert!(Instant::now() < deadline, "{what}: {last}");
        tokio::time::sleep(Duration::from_millis(5)).await; // sleeps: between tries to reach real servers
    }
}

/// In what way it failed, and what it says.
///
/// # Panics
/// If it did not, or a backend had nothing to do with it.
#[track_caller]
pub fn failure<T: fmt::Debug>(result: Result<T, Error>) -> (Failure, String) {
    match result {
        Err(Error::Backend { failure, message, .. }) => (failure, message),
        other => panic!("{other:?}"),
    }
}
