//! One question at a time, however many want its answer.

use crate::{
    Error,
    backend::Failure,
    backend::redis::{connection::Limit, failures},
    sync::lock,
};
use std::{
    future::Future,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    runtime::Handle,
    sync::watch,
    time::{Instant, timeout_at},
};

pub(super) type Answer = watch::Receiver<Option<Result<(), Error>>>;

#[derive(Default)]
pub(super) struct Refresher {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    running: Option<Answer>,
    /// When the last one ended.
    last: Option<Instant>,
}

impl Refresher {
    /// Asks in a task of its own, unless that is being done. `None`: the last answer is younger than `pause`.
    pub(super) fn start<F>(&self, pause: Duration, question: impl FnOnce() -> F) -> Result<Option<Answer>, Error>
    where
        F: Future<Output = Result<(), Error>> + Send + 'static,
    {
        let runtime = Handle::try_current().map_err(|_| {
            failures::error(Failure::Other, "it can only be reached from within a tokio runtime, and this is none")
        })?;
        let mut state = lock(&self.state);
        // Without its sender and without an answer: its task was dropped with its runtime.
        if let Some(running) = state.running.as_ref().filter(|running| running.has_changed().is_ok()) {
            return Ok(Some(running.clone()));
        }
        if state.last.is_some_and(|last| last.elapsed() < pause) {
            return Ok(None);
        }
        let (give, answer) = watch::channel(None);
        state.running = Some(answer.clone());
        let (question, shared) = (question(), self.state.clone());
        runtime.spawn(async move {
            let given = question.await;
            let mut state = lock(&shared);
            state.last = Some(Instant::now());
            state.running = None;
            drop(state);
            give.send_replace(Some(given));
        });
        Ok(Some(answer))
    }
}

/// Awaits the answer, for at most so long.
pub(super) async fn await_answer(mut answer: Answer, limit: Limit) -> Result<(), Error> {
    match timeout_at(limit.end(), answer.wait_for(Option::is_some)).await {
        Ok(Ok(given)) => given.clone().unwrap_or(Ok(())),
        Ok(Err(_)) => Err(failures::error(
            Failure::Unreachable,
            "asking for the masters was abandoned: the tokio runtime shuts down",
        )),
        Err(_) => Err(limit.passed()),
    }
}
