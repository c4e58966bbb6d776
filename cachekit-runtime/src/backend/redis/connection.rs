//! One connection: it carries the requests of all tasks of a runtime at once, and knows when it is of no more use.

use super::{boot::Boot, failures, gather::Gather, server_clock::Estimate};
use crate::{Error, backend::Failure};
use redis::{
    AsyncConnectionConfig, Client, Cmd, Pipeline, PushInfo, PushKind, RedisError, Value,
    aio::{AsyncPushSender, MultiplexedConnection, SendError},
};
use std::{
    future::Future,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};
use tokio::time::Instant;

/// So many calls in a row without an answer in time, and the connection is given up. A peer that is gone without a word looks like this; so does a
/// server that is slow for a moment, and for that one alone a new connection would be a waste.
const SILENCES: u32 = 3;

/// How many requests wait to be written before callers have to.
const QUEUE: usize = 1_024;

/// A connection that the tasks of one runtime share.
pub(super) struct Connection {
    requests: MultiplexedConnection,
    /// Set when its task has ended, for whatever reason, or when it is not to be trusted any more.
    over: Arc<AtomicBool>,
    /// Calls in a row that got no answer in time.
    silences: AtomicU32,
    /// What is not sent yet.
    pub(super) gather: Gather,
    /// Of the data that the server had when it was opened; a server that starts anew closes its connections.
    lineage: u64,
    /// Of the clock of its server, when it was opened.
    ahead: Option<Estimate>,
}

impl Connection {
    /// Connects, authenticates and chooses the database. Its task runs on the runtime that polls this.
    pub(super) async fn open(client: &Client, timeout: Duration, boot: &Boot) -> Result<Self, RedisError> {
        let over = Arc::new(AtomicBool::new(false));
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(timeout))
            // Each call has a limit of its own, which covers the wait for a connection too.
            .set_response_timeout(None)
            .set_pipeline_buffer_size(QUEUE)
            .set_push_sender(UntilTheEnd(over.clone()));
        let mut requests = client.get_multiplexed_async_connection_with_config(&config).await?;
        let checked = tokio::time::timeout(timeout, boot.check(&mut requests)).await;
        let (lineage, ahead) = match checked {
            Ok(Ok(verdict)) => (verdict.number(), Some(verdict.ahead())),
            // A user who may not ask: what a restart brings back is not noticed then.
            Ok(Err(error)) if !requests_are_lost(&error) => {
                tracing::debug!(%error, "whether the server has restarted from older data is not known");
                (1, None)
            }
            Ok(Err(_)) | Err(_) => return Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into()),
        };
        Ok(Connection { requests, over, silences: AtomicU32::new(0), gather: Gather::default(), lineage, ahead })
    }

    pub(super) fn lineage(&self) -> u64 {
        self.lineage
    }

    pub(super) fn ahead(&self) -> Option<Estimate> {
        self.ahead
    }

    /// Is it worth to send anything?
    pub(super) fn is_usable(&self) -> bool {
        !self.over.load(Ordering::Acquire)
    }

    /// Nobody sends anything any more.
    pub(super) fn give_up(&self) {
        self.over.store(true, Ordering::Release);
    }

    /// Sends one command and awaits its answer, which may be an error of the server.
    pub(super) async fn send(&self, command: &Cmd, limit: Limit) -> Result<Value, Error> {
        let mut requests = self.requests.clone();
        self.answer(requests.send_packed_command(command), limit).await
    }

    /// Sends the commands in one go and awaits their answers, errors of the server among them.
    pub(super) async fn send_all(&self, commands: &Pipeline, limit: Limit) -> Result<Vec<Value>, Error> {
        let mut requests = self.requests.clone();
        self.answer(requests.send_packed_commands(commands, 0, commands.len()), limit).await
    }

    async fn answer<T>(&self, request: impl Future<Output = Result<T, RedisError>>, limit: Limit) -> Result<T, Error> {
        let mut waiting = Waiting { connection: self, limit, answered: false };
        // Pinned here, so that it is not moved into the timeout and with it.
        let request = pin!(request);
        match tokio::time::timeout_at(limit.end, request).await {
            Ok(Ok(answer)) => {
                waiting.answered = true;
                // Looked at first: a store by every answer would make the word travel between the cores.
                if self.silences.load(Ordering::Relaxed) != 0 {
                    self.silences.store(0, Ordering::Relaxed);
                }
                Ok(answer)
            }
            Ok(Err(said)) => {
                waiting.answered = true;
                if failures::is_fatal(&said) {
                    self.give_up();
                }
                Err(failures::from_redis(&said))
            }
            Err(_) => Err(limit.passed()),
        }
    }

    fn silence(&self) {
        if self.silences.fetch_add(1, Ordering::Relaxed) + 1 >= SILENCES {
            self.give_up();
        }
    }
}

fn requests_are_lost(error: &Error) -> bool {
    let Error::Backend { failure, .. } = error else { return false };
    matches!(failure, Failure::Unreachable | Failure::Timeout | Failure::Protocol)
}

/// When a call began, and when its time is up.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limit {
    start: Instant,
    end: Instant,
}

impl Limit {
    /// From now.
    pub(super) fn new(time: Duration) -> Self {
        let start = Instant::now();
        // So far away that it does not matter, where the time is too long for a clock.
        let end = start.checked_add(time).unwrap_or_else(|| start + Duration::from_secs(86_400));
        Limit { start, end }
    }

    pub(super) fn end(&self) -> Instant {
        self.end
    }

    /// The error when it is up.
    pub(super) fn passed(&self) -> Error {
        let message = format!("within {:?}", self.end - self.start);
        failures::error(Failure::Timeout, message)
    }

    /// A caller that gives up after at least a tenth of the time has noticed the silence too.
    pub(super) fn is_worth_counting(&self) -> bool {
        self.start.elapsed() * 10 >= self.end - self.start
    }
}

/// A call that waits for an answer. Its caller may give up earlier than we would: if that did not count, a connection whose peer is gone would never
/// be given up by callers who are less patient than we.
struct Waiting<'a> {
    connection: &'a Connection,
    limit: Limit,
    answered: bool,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if !self.answered && self.limit.is_worth_counting() {
            self.connection.silence();
        }
    }
}

/// Belongs to the task of a connection and goes with it: when the peer has closed, when the connection fails, and when its runtime is gone.
struct UntilTheEnd(Arc<AtomicBool>);

impl AsyncPushSender for UntilTheEnd {
    fn send(&self, push: PushInfo) -> Result<(), SendError> {
        if push.kind == PushKind::Disconnection {
            self.0.store(true, Ordering::Release);
        }
        Ok(())
    }
}

impl Drop for UntilTheEnd {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}
