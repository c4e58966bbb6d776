//! Looks that tasks of one runtime begin at about the same time, in one command.
//!
//! Each command costs its connection a channel, a place in a queue and a timer, and the server its dispatch; a key more in an `MGET` costs next to nothing.
//! So a look is noted, and a task that was started with the first of them sends all that were noted by the time it runs: when the tasks that were ready
//! before it have been polled. Nothing waits for company.
//!
//! Whoever looks may go away at any time, and whoever waits does not hang: the answers come from that task, and when it is dropped with its runtime, so are
//! the ends of the channels that it holds.

use super::{
    ask,
    connection::{Connection, Limit},
    failures, fill,
    layout::Layout,
};
use crate::{
    Error,
    backend::{Address, Failure},
    sync::lock,
};
use redis::{Cmd, Value};
use std::{
    mem,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{runtime::Handle, sync::oneshot};

/// Most looks of one command: a server does nothing else meanwhile, and while it answers one command the answers of the one before are decoded.
const MOST: usize = 64;

/// What is at an entry, and the digits of its cache's generation as a number.
pub(super) type Seen = (Value, Option<u64>);

/// Where the answer to a look comes.
pub(super) type Answer = oneshot::Receiver<Result<Seen, Error>>;

/// The looks of a connection that are not sent yet.
#[derive(Default)]
pub(super) struct Gather(Mutex<State>);

#[derive(Default)]
struct State {
    batch: Batch,
    /// A task has been started that will send them.
    is_awaited: bool,
}

/// One command.
#[derive(Default)]
struct Batch {
    command: Cmd,
    looks: Vec<Look>,
    generations: Vec<String>,
}

struct Look {
    give: oneshot::Sender<Result<Seen, Error>>,
    /// Which of the generations is its cache's.
    generation: usize,
}

impl Gather {
    fn take(&self) -> Batch {
        let mut state = lock(&self.0);
        state.is_awaited = false;
        mem::take(&mut state.batch)
    }

    /// Notes a look, which is answered, or fails, within `time` of its being sent.
    ///
    /// # Errors
    /// Of an address that is no key.
    pub(super) fn look(
        connection: &Arc<Connection>,
        runtime: &Handle,
        layout: &Layout,
        address: &Address,
        time: Duration,
    ) -> Result<Answer, Error> {
        layout.check(address)?;
        let (give, answer) = oneshot::channel();
        let mut state = lock(&connection.gather.0);
        state.batch.add(layout, address, give);
        let full = (state.batch.looks.len() >= MOST).then(|| mem::take(&mut state.batch));
        let is_first = full.is_none() && !mem::replace(&mut state.is_awaited, true);
        drop(state);
        if let Some(batch) = full {
            runtime.spawn(batch.send(connection.clone(), time));
        } else if is_first {
            let flush = Flush(Some(connection.clone()));
            runtime.spawn(async move {
                if let Some((batch, connection)) = flush.take() {
                    batch.send(connection, time).await;
                }
            });
        }
        Ok(answer)
    }
}

impl Batch {
    fn add(&mut self, layout: &Layout, address: &Address, give: oneshot::Sender<Result<Seen, Error>>) {
        if self.looks.is_empty() {
            self.command.arg("MGET");
        }
        layout.add_data(&mut self.command, address);
        let is_of = |key: &String| layout.is_generation(key, address.cache());
        let generation = self.generations.iter().position(is_of).unwrap_or_else(|| {
            self.generations.push(layout.generation_of(address.cache()));
            self.generations.len() - 1
        });
        self.looks.push(Look { give, generation });
    }

    /// Asks, and gives everyone his answer.
    async fn send(mut self, connection: Arc<Connection>, time: Duration) {
        if self.looks.is_empty() {
            return;
        }
        for key in &self.generations {
            self.command.arg(key);
        }
        let limit = Limit::new(time);
        match self.ask(&connection, limit).await {
            Ok((entries, generations)) => {
                for (look, entry) in self.looks.into_iter().zip(entries) {
                    let generation = generations.get(look.generation).copied().flatten();
                    // Who does not wait any more has gone.
                    let _ = look.give.send(Ok((entry, generation)));
                }
            }
            Err(error) => self.looks.into_iter().for_each(|look| _ = look.give.send(Err(error.clone()))),
        }
    }

    async fn ask(&self, connection: &Connection, limit: Limit) -> Result<(Vec<Value>, Vec<Option<u64>>), Error> {
        let mut entries = ask::list(connection.send(&self.command, limit).await?)?;
        if entries.len() != self.looks.len() + self.generations.len() {
            return Err(failures::senseless("another number of values than of keys"));
        }
        let generations = entries.split_off(self.looks.len()).into_iter();
        // A generation that cannot be read is none: every entry is invalid then.
        let generations =
            generations.map(|digits| Ok(ask::bytes(digits)?.and_then(|digits| fill::read_generation(&digits))));
        Ok((entries, generations.collect::<Result<_, Error>>()?))
    }
}

/// The one task that will send what is noted; dropped before it ran, it takes the looks with it.
struct Flush(Option<Arc<Connection>>);

impl Flush {
    fn take(mut self) -> Option<(Batch, Arc<Connection>)> {
        let connection = self.0.take()?;
        Some((connection.gather.take(), connection))
    }
}

impl Drop for Flush {
    fn drop(&mut self) {
        if let Some(connection) = &self.0 {
            drop(connection.gather.take());
        }
    }
}

/// What is said to those whose look was dropped with its runtime.
pub(super) fn abandoned() -> Error {
    failures::error(Failure::Unreachable, "the tokio runtime of the connection shuts down")
}
