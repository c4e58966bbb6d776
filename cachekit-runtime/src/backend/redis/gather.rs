//! Looks that tasks of one runtime begin at about the same time, in one command.
//!
//! Each command costs its connection a channel, a place in a queue and a timer, and the server its dispatch; a key more in an `MGET` costs next to nothing.
//! Where nobody else looks, one is sent at once. Otherwise it is noted, and its task lets those run that are ready. If none of them has noted another by
//! then, it takes its look back and sends it alone. Otherwise a task that was started with the second of them sends all that were noted by the time it runs:
//! when the tasks that were ready before it have been polled. Nothing waits for company, and nobody for the first, who may never be polled again.
//!
//! Answers are given out in portions. All at once they would wake everybody, and what they ask next would go out when the last of them has decoded what he
//! got: the server would rest while this process works, and the other way round.
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
    backend::{Address, BackendFuture, Failure},
    sync::lock,
};
use redis::{Cmd, Value};
use std::{
    future::poll_fn,
    mem,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::Poll,
    time::Duration,
};
use tokio::{runtime::Handle, sync::oneshot};

/// Most looks of one command: a server does nothing else meanwhile, and while it answers one command the answers of the one before are decoded.
const MOST: usize = 128;

/// How many answers are given before those have their turn who got them, by how many are under way: few, so that the server always has something to do; and
/// of many more, since each command costs both sides. Measured at 1 to 256 tasks.
fn portion(under_way: usize) -> usize {
    (under_way / 3).saturating_sub(4).clamp(1, 48)
}

/// What is at an entry, and the digits of its cache's generation as a number.
pub(super) type Seen = (Value, Option<u64>);

/// What is at the entries, and the generations.
type Answers = (Vec<Value>, Vec<Option<u64>>);

/// Where the answer to a look comes.
type Answer = oneshot::Receiver<Result<Seen, Error>>;

/// The looks of a connection that are not sent yet.
#[derive(Default)]
pub(super) struct Gather {
    state: Mutex<State>,
    /// Looks that were sent, and have no answer yet.
    under_way: AtomicUsize,
}

#[derive(Default)]
struct State {
    batch: Batch,
    /// How many batches were taken before this one.
    number: u64,
    /// How many looks the last one had: the next is likely to have as many.
    last: usize,
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

/// Looks of one batch that are under way.
struct UnderWay<'a> {
    all: &'a AtomicUsize,
    of_this: usize,
}

impl<'a> UnderWay<'a> {
    fn new(all: &'a AtomicUsize, of_this: usize) -> Self {
        all.fetch_add(of_this, Ordering::Relaxed);
        UnderWay { all, of_this }
    }

    /// How many are to get their answers next, which are under way no longer then.
    fn next_portion(&mut self) -> usize {
        let portion = portion(self.all.load(Ordering::Relaxed)).min(self.of_this);
        self.of_this -= portion;
        self.all.fetch_sub(portion, Ordering::Relaxed);
        portion
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.all.fetch_sub(self.of_this, Ordering::Relaxed);
    }
}

impl State {
    /// Has the last look had no company, and is there none now?
    fn is_quiet(&self) -> bool {
        self.last <= 1 && self.batch.looks.is_empty() && !self.is_awaited
    }

    fn take(&mut self) -> Batch {
        self.number += 1;
        self.last = self.batch.looks.len();
        mem::take(&mut self.batch)
    }
}

/// A look that was begun.
pub(super) enum Noted {
    /// Among those that are noted.
    Among(Among),
    /// Sent alone, since nobody else has looked lately.
    Alone(BackendFuture<'static, Seen>),
}

/// A look among others.
pub(super) struct Among {
    answer: Answer,
    /// If no task has been started yet that will send it.
    first: Option<First>,
}

/// The first look of a batch.
struct First {
    connection: Arc<Connection>,
    number: u64,
    time: Duration,
}

impl Noted {
    /// The answer.
    ///
    /// Cancel-safe: what is noted is sent with the next look, if there is one.
    pub(super) async fn answer(self) -> Result<Seen, Error> {
        match self {
            Noted::Among(among) => among.answer().await,
            Noted::Alone(asking) => asking.await,
        }
    }
}

impl Among {
    async fn answer(mut self) -> Result<Seen, Error> {
        if let Some(First { connection, number, time }) = self.first.take() {
            yield_once().await;
            if Handle::try_current().is_err() {
                return Err(abandoned());
            }
            if let Some(batch) = connection.gather.take_back(number) {
                // Boxed: most looks have company, and their futures stay small.
                return Box::pin(ask_alone(batch.into_command(), connection, time)).await;
            }
        }
        self.answer.await.unwrap_or_else(|_| Err(abandoned()))
    }
}

/// Lets the tasks run that are ready.
async fn yield_once() {
    let mut has_yielded = false;
    poll_fn(|context| {
        if mem::replace(&mut has_yielded, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

impl Gather {
    fn take(&self) -> Batch {
        let mut state = lock(&self.state);
        state.is_awaited = false;
        state.take()
    }

    /// Takes the batch of this number back if it has one look. `None`: others have come, or it was sent.
    fn take_back(&self, number: u64) -> Option<Batch> {
        let mut state = lock(&self.state);
        let is_alone = state.number == number && !state.is_awaited && state.batch.looks.len() == 1;
        is_alone.then(|| state.take())
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
    ) -> Result<Noted, Error> {
        layout.check(address)?;
        let mut state = lock(&connection.gather.state);
        if state.is_quiet() && connection.gather.under_way.load(Ordering::Relaxed) == 0 {
            drop(state);
            let mut command = command_for(1, layout, address);
            layout.add_data(&mut command, address);
            layout.add_generation(&mut command, address.cache());
            return Ok(Noted::Alone(Box::pin(ask_alone(command, connection.clone(), time))));
        }
        let (give, answer) = oneshot::channel();
        let expected = state.last;
        if state.batch.looks.is_empty() {
            state.batch.looks.reserve(expected);
            state.batch.command = command_for(expected, layout, address);
        }
        let generation = state.batch.add(layout, address);
        state.batch.looks.push(Look { give, generation });
        if state.batch.looks.len() == 1 && !state.is_awaited {
            let first = Some(First { connection: connection.clone(), number: state.number, time });
            return Ok(Noted::Among(Among { answer, first }));
        }
        let full = (state.batch.looks.len() >= MOST).then(|| state.take());
        let is_second = full.is_none() && !mem::replace(&mut state.is_awaited, true);
        drop(state);
        if let Some(batch) = full {
            runtime.spawn(batch.send(connection.clone(), time));
        } else if is_second {
            let flush = Flush(Some(connection.clone()));
            runtime.spawn(async move {
                if let Some((batch, connection)) = flush.take() {
                    batch.send(connection, time).await;
                }
            });
        }
        Ok(Noted::Among(Among { answer, first: None }))
    }
}

impl Batch {
    /// Adds the entry. Which of the generations is that of its cache?
    fn add(&mut self, layout: &Layout, address: &Address) -> usize {
        layout.add_data(&mut self.command, address);
        let is_of = |key: &String| layout.is_generation(key, address.cache());
        self.generations.iter().position(is_of).unwrap_or_else(|| {
            self.generations.push(layout.generation_of(address.cache()));
            self.generations.len() - 1
        })
    }

    /// Asks, and gives everyone his answer.
    async fn send(mut self, connection: Arc<Connection>, time: Duration) {
        if self.looks.is_empty() {
            return;
        }
        let limit = Limit::new(time);
        let looks = mem::take(&mut self.looks);
        let mut under_way = UnderWay::new(&connection.gather.under_way, looks.len());
        let kinds = self.generations.len();
        match ask(self.into_command(), &connection, limit, looks.len()).await {
            Ok((entries, generations)) if generations.len() == kinds => {
                let mut answers = looks.into_iter().zip(entries);
                loop {
                    for (look, entry) in answers.by_ref().take(under_way.next_portion()) {
                        let generation = generations.get(look.generation).copied().flatten();
                        // Who does not wait any more has gone.
                        let _ = look.give.send(Ok((entry, generation)));
                    }
                    if answers.len() == 0 {
                        break;
                    }
                    yield_once().await;
                }
            }
            answered => {
                let error = answered.err().unwrap_or_else(another_number);
                looks.into_iter().for_each(|look| _ = look.give.send(Err(error.clone())));
            }
        }
    }

    /// With the generations at its end.
    fn into_command(mut self) -> Cmd {
        for key in &self.generations {
            self.command.arg(key);
        }
        self.command
    }
}

/// One for so many looks, with nothing to look at yet.
fn command_for(looks: usize, layout: &Layout, address: &Address) -> Cmd {
    let mut command = Cmd::with_capacity(looks + 2, (looks + 1) * layout.length_of(address));
    command.arg("MGET");
    command
}

/// Asks, for the only one that looks.
async fn ask_alone(command: Cmd, connection: Arc<Connection>, time: Duration) -> Result<Seen, Error> {
    let _under_way = UnderWay::new(&connection.gather.under_way, 1);
    let answers = ask::list(connection.send(&command, Limit::new(time)).await?)?;
    let Ok([entry, generation]) = <[Value; 2]>::try_from(answers) else { return Err(another_number()) };
    Ok((entry, read_generation(generation)?))
}

/// What is at the entries, so many, and the generations.
async fn ask(command: Cmd, connection: &Connection, limit: Limit, entries: usize) -> Result<Answers, Error> {
    let mut answers = ask::list(connection.send(&command, limit).await?)?;
    if answers.len() <= entries {
        return Err(another_number());
    }
    let generations = answers.split_off(entries).into_iter().map(read_generation);
    Ok((answers, generations.collect::<Result<_, Error>>()?))
}

/// One that cannot be read is none: every entry is invalid then.
fn read_generation(digits: Value) -> Result<Option<u64>, Error> {
    Ok(ask::bytes(digits)?.and_then(|digits| fill::read_generation(&digits)))
}

fn another_number() -> Error {
    failures::senseless("another number of values than of keys")
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
fn abandoned() -> Error {
    failures::error(Failure::Unreachable, "the tokio runtime of the connection shuts down")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn portions_follow_what_is_under_way_and_end_it() {
        let all = AtomicUsize::new(0);
        let mut one = UnderWay::new(&all, 128);
        let mut other = UnderWay::new(&all, 24);
        // Of 152, then of what is left.
        assert_eq!([one.next_portion(), one.next_portion(), other.next_portion()], [46, 31, 21]);
        assert_eq!([other.next_portion(), other.next_portion()], [3, 0], "no more than there are");
        assert_eq!(all.load(Ordering::Relaxed), 128 - 77);
        drop(one);
        assert_eq!(all.load(Ordering::Relaxed), 0, "whoever is dropped takes his with him");
        assert_eq!([portion(1), portion(16), portion(64), portion(4_096)], [1, 1, 17, 48]);
    }
}
