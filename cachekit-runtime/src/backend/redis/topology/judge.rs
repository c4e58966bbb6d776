//! Which masters of a cluster are to be asked: each has a breaker of its own, so that one that fails takes nothing away from what the others have.
//!
//! What a node says is an answer, also that a slot has moved, or that it is loading. What counts is silence, lost connections, and that it refuses us whatever it is asked. One that takes no
//! entries is asked for fills again after a while. A node that is left out is probed in the background.

use super::masters::Master;
use crate::{
    Error,
    backend::{
        Failure,
        redis::{connection::Limit, failures},
    },
    breaker::{Breaker, Operation, Purpose, Refused},
    time::Clock,
};
use redis::Value;
use std::{
    fmt,
    future::Future,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, Ordering},
    },
};

/// Of a master that is not the only one.
#[derive(Default)]
pub(super) struct Judge {
    breaker: Option<Arc<Breaker>>,
    is_probed: AtomicBool,
}

impl Judge {
    pub(super) fn new(breaker: Arc<Breaker>) -> Self {
        Judge { breaker: Some(breaker), is_probed: AtomicBool::new(false) }
    }
}

impl Master {
    /// What the node answers, if it is to be asked.
    pub(super) async fn judged<T: Answers>(
        self: &Arc<Self>,
        purpose: Purpose,
        limit: Limit,
        asked: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let Some(breaker) = &self.judge.breaker else { return asked.await };
        let operation = match breaker.begin(purpose) {
            Ok(operation) => operation,
            Err(Refused::NoFills) => return Err(self.takes_nothing()),
            Err(refused) => {
                // Who tries again at once must not keep the thread from those who find out who has taken the node's place.
                tokio::task::yield_now().await;
                let message = format!("{} is not asked now: {refused}", self.address);
                return Err(failures::error(Failure::Unreachable, message));
            }
        };
        let mut waiting = Waiting { master: self, limit, successes: breaker.successes(), operation: Some(operation) };
        let answer = asked.await;
        let refusal = answer.as_ref().ok().and_then(refusal);
        waiting.ended(answer.as_ref().err().or(refusal.as_ref()));
        answer
    }

    /// Does it take entries, as far as is known?
    pub(super) fn takes_fills(&self) -> Result<(), Error> {
        match self.judge.breaker.as_ref().map_or(Ok(()), |breaker| breaker.admit(Purpose::Fill)) {
            Err(Refused::NoFills) => Err(self.takes_nothing()),
            _ => Ok(()),
        }
    }

    fn takes_nothing(&self) -> Error {
        failures::error(Failure::NotWritable, format!("{} took no entries lately", self.address))
    }

    /// Probes it until it is asked again.
    fn probe(self: &Arc<Self>) {
        if !self.judge.is_probed.swap(true, Ordering::AcqRel) {
            crate::far::spawn_apart(probed(Arc::downgrade(self)));
        }
    }
}

/// What a node has answered.
pub(super) trait Answers {
    fn answers(&self) -> &[Value];
}

impl Answers for Value {
    fn answers(&self) -> &[Value] {
        std::slice::from_ref(self)
    }
}

impl Answers for Vec<Value> {
    fn answers(&self) -> &[Value] {
        self
    }
}

/// The answer that says something of the node, and not of what it was asked: that it takes no entries, or that it refuses all of it. A user who may not publish is refused that alone.
fn refusal(answers: &impl Answers) -> Option<Error> {
    let answers = answers.answers();
    let error = |answer: &Value| match answer {
        Value::ServerError(said) => Some(failures::from_redis(&said.clone().into())),
        _ => None,
    };
    let mut errors: Vec<Error> = answers.iter().filter_map(error).collect();
    let is = |error: &Error, expected| matches!(error, Error::Backend { failure, .. } if *failure == expected);
    if let Some(at) = errors.iter().position(|error| is(error, Failure::NotWritable)) {
        return Some(errors.swap_remove(at));
    }
    let is_refused = errors.len() == answers.len() && errors.iter().all(|error| is(error, Failure::Misconfigured));
    errors.pop().filter(|_| is_refused)
}

/// An operation whose caller may give up before we would: if that did not count, a node that is silent would be asked for ever by callers who are less patient than we. It says
/// nothing of a node that has answered others meanwhile.
struct Waiting<'a> {
    master: &'a Arc<Master>,
    limit: Limit,
    /// How many operations had gone well when it began.
    successes: u64,
    operation: Option<Operation>,
}

impl Waiting<'_> {
    fn ended(&mut self, error: Option<&Error>) {
        let Some(operation) = self.operation.take() else { return };
        operation.ended(error);
        if error.is_some()
            && let Some(breaker) = &self.master.judge.breaker
            && breaker.admit(Purpose::Read).is_err()
        {
            self.master.probe();
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let has_answered = |breaker: &Arc<Breaker>| breaker.successes() != self.successes;
        if self.operation.is_some()
            && self.limit.is_worth_counting()
            && !self.master.judge.breaker.as_ref().is_some_and(has_answered)
        {
            let passed = self.limit.passed();
            self.ended(Some(&passed));
        }
    }
}

async fn probed(master: Weak<Master>) {
    let clock = Clock::system();
    loop {
        // Nobody asks it any more.
        let Some(next) = master.upgrade().and_then(|master| Some(master.judge.breaker.as_ref()?.next_probe())) else {
            return;
        };
        clock.sleep_until(next).await;
        let Some(strong) = master.upgrade() else { return };
        let Some(breaker) = &strong.judge.breaker else { return };
        if let Some(probe) = breaker.probe_due() {
            let pinged = strong.connections.send(&redis::cmd("PING"), strong.connections.limit()).await;
            probe.ended(pinged.as_ref().err());
        }
        if breaker.admit(Purpose::Read).is_ok() {
            strong.judge.is_probed.store(false, Ordering::Release);
            // Opened again in between, by somebody who found it probed.
            if breaker.admit(Purpose::Read).is_err() {
                strong.probe();
            }
            return;
        }
    }
}

impl fmt::Debug for Judge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Judge").field(&self.breaker).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        backend::redis::{boot::Boot, layout::Layout, topology::Dial},
        background::block_on,
    };
    use redis::IntoConnectionInfo;
    use std::{
        future::{pending, ready},
        pin::pin,
        task::{Context, Waker},
        time::Duration,
    };

    /// Of a cluster; nobody is connected to it.
    fn master() -> Arc<Master> {
        let like = "redis://127.0.0.1:1".into_connection_info().unwrap();
        let boot = Boot::new(&Arc::new(Layout::new("shop").unwrap()), true);
        let (connect_timeout, response_timeout) = (Duration::from_secs(1), Duration::from_secs(1));
        Dial { like, connect_timeout, response_timeout, boot }.master("127.0.0.1", 1).unwrap()
    }

    /// A caller who goes away after a time that is worth counting, and what happens meanwhile.
    fn goes_away(master: &Arc<Master>, meanwhile: impl FnOnce()) {
        let mut asked =
            pin!(master.judged(Purpose::Read, Limit::new(Duration::ZERO), pending::<Result<Value, Error>>()));
        assert!(asked.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        meanwhile();
    }

    #[test]
    fn who_goes_away_says_nothing_of_a_node_that_answers_others() {
        let master = master();
        let breaker = master.judge.breaker.clone().unwrap();
        for _ in 0..50 {
            goes_away(&master, || {
                let limit = Limit::new(Duration::from_secs(1));
                block_on(master.judged(Purpose::Read, limit, ready(Ok(Value::Okay)))).unwrap();
            });
        }
        assert_eq!(breaker.stats().last_failure, None);
        assert_eq!(breaker.admit(Purpose::Read), Ok(()));
        (0..5).for_each(|_| goes_away(&master, || {}));
        assert_eq!(breaker.admit(Purpose::Read), Err(Refused::Open), "nobody was answered");
    }
}
