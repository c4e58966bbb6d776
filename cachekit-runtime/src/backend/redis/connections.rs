//! The connections of a backend: one for each tokio runtime from which it is called.
//!
//! A connection's task runs on the runtime that opened it. If callers on another runtime used it, each answer would wait for two runtimes; and when
//! the runtime of its task is gone, so is the connection.

use super::{
    boot::Boot,
    connection::{Connection, Limit},
    failures,
    gather::{Gather, Noted},
    large::{self, LARGE},
    layout::Layout,
    server_clock::ServerClock,
    topology::Resolver,
};
use crate::{
    Error,
    backend::{Address, Failure},
    sync::lock,
};
use redis::{Client, Cmd, Pipeline, Value};
use std::{
    fmt,
    hash::{BuildHasher, RandomState},
    panic::catch_unwind,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    runtime::{Handle, Id},
    sync::watch,
    time::{Instant, timeout_at},
};

/// How long after a first failed attempt to connect nobody tries again; it doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(20);

/// The longest pause between two attempts: how long it may take until a server that is back is noticed.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

type Attempt = watch::Receiver<Option<Result<Arc<Connection>, Error>>>;

/// Where connections lead.
#[derive(Clone)]
pub(super) enum Target {
    /// To this very server.
    Server(Arc<Client>),
    /// To whom the sentinels name as the master, asked again for each connection.
    Master(Arc<Resolver>),
}

impl Target {
    async fn open(&self, timeout: Duration, boot: &Boot) -> Result<Connection, Error> {
        match self {
            Target::Server(client) => {
                Connection::open(client, timeout, boot).await.map_err(|said| failures::from_redis(&said))
            }
            Target::Master(resolver) => resolver.open(timeout, boot).await,
        }
    }
}

/// The connections to one place.
pub(super) struct Connections {
    target: Target,
    /// Where they lead, without secrets.
    place: String,
    connect_timeout: Duration,
    response_timeout: Duration,
    boot: Boot,
    /// Of the data, as the last connection found it.
    lineage: Arc<AtomicU64>,
    clock: Arc<ServerClock>,
    links: Arc<Mutex<Vec<Link>>>,
    /// For what is large; opened at its first use.
    large: OnceLock<Box<Connections>>,
    /// These are those.
    is_large: bool,
}

/// What there is for one runtime.
struct Link {
    runtime: Id,
    /// Seen to have them: without timers nothing can be waited for.
    has_timers: bool,
    /// Failed attempts in a row.
    failures: u32,
    state: State,
}

impl Link {
    /// Nobody tries again for a while.
    fn fail(&mut self, error: Error) {
        self.state = State::Down(Instant::now() + pause(self.failures), error);
        self.failures = self.failures.saturating_add(1);
    }
}

enum State {
    /// Connected, or was so until lately.
    Up(Arc<Connection>),
    /// One task of the runtime connects for all.
    Connecting(Attempt, Option<Error>),
    /// Nobody tries again before then.
    Down(Instant, Error),
}

impl State {
    /// Nothing is lost with it.
    fn is_over(&self) -> bool {
        match self {
            State::Up(connection) => !connection.is_usable(),
            // Without a sender and without a result: its task was dropped with its runtime, or panicked.
            State::Connecting(attempt, _) => attempt.has_changed().is_err(),
            State::Down(until, _) => *until < Instant::now(),
        }
    }
}

/// A connection, or the way to one.
enum Found {
    Ready(Arc<Connection>),
    Soon(Attempt),
}

impl Connections {
    pub(super) fn new(
        target: Target,
        place: String,
        connect_timeout: Duration,
        response_timeout: Duration,
        boot: Boot,
    ) -> Self {
        let (lineage, clock, links) = Default::default();
        let large = OnceLock::new();
        Connections {
            target,
            place,
            connect_timeout,
            response_timeout,
            boot,
            lineage,
            clock,
            links,
            large,
            is_large: false,
        }
    }

    /// Those for what is large, to the same place: they know of the same data.
    pub(super) fn large(&self) -> &Connections {
        self.large.get_or_init(|| {
            let (target, place, boot) = (self.target.clone(), self.place.clone(), self.boot.clone());
            let mut large = Connections::new(target, place, self.connect_timeout, self.response_timeout, boot);
            large.is_large = true;
            (large.lineage, large.clock) = (self.lineage.clone(), self.clock.clone());
            Box::new(large)
        })
    }

    /// Those for commands of so many bytes. What these themselves send, they send.
    fn of(&self, bytes: usize) -> &Connections {
        if bytes < LARGE || self.is_large { self } else { self.large() }
    }

    /// Of the data that the server has; 0 before the first connection. What was read by a connection that was replaced since was perhaps of another.
    pub(super) fn lineage(&self) -> u64 {
        self.lineage.load(Ordering::Acquire)
    }

    /// The clock of the server, as it was heard last.
    pub(super) fn clock(&self) -> &ServerClock {
        &self.clock
    }

    /// The time of a call that begins now.
    pub(super) fn limit(&self) -> Limit {
        Limit::new(self.response_timeout)
    }

    /// One command; its answer may be an error of the server.
    pub(super) async fn send(&self, command: &Cmd, limit: Limit) -> Result<Value, Error> {
        let connection = self.of(large::size(command)).connection(limit).await?;
        let answer = connection.send(command, limit).await?;
        self.judge(&connection, std::slice::from_ref(&answer));
        Ok(answer)
    }

    /// Has a look asked together with those that others begin now; its time ends at the response timeout, or earlier. `None`: there is no connection yet.
    pub(super) fn gather(&self, layout: &Layout, address: &Address) -> Result<Option<Noted>, Error> {
        let (found, runtime) = self.find()?;
        let Found::Ready(connection) = found else { return Ok(None) };
        Gather::look(&connection, &runtime, layout, address, self.response_timeout).map(Some)
    }

    /// Several commands in one go, with errors of the server among the answers.
    pub(super) async fn send_all(&self, commands: &Pipeline, limit: Limit) -> Result<Vec<Value>, Error> {
        if commands.is_empty() {
            return Ok(Vec::new());
        }
        let bytes = commands.cmd_iter().map(large::size).sum();
        let connection = self.of(bytes).connection(limit).await?;
        let answers = connection.send_all(commands, limit).await?;
        if answers.len() != commands.len() {
            return Err(failures::senseless("another number of answers than of questions"));
        }
        self.judge(&connection, &answers);
        Ok(answers)
    }

    /// Gives up what is connected: the next call connects anew.
    pub(super) fn give_up(&self) {
        for link in lock(&self.links).iter() {
            if let State::Up(connection) = &link.state {
                connection.give_up();
            }
        }
        if let Some(large) = self.large.get() {
            large.give_up();
        }
    }

    /// A master that takes no writes is none any more: who is it now?
    fn judge(&self, connection: &Connection, answers: &[Value]) {
        let is_deposed = |answer: &Value| matches!(answer, Value::ServerError(said) if said.code() == "READONLY");
        if matches!(self.target, Target::Master(_)) && answers.iter().any(is_deposed) {
            connection.give_up();
        }
    }

    /// A connection of this runtime.
    async fn connection(&self, limit: Limit) -> Result<Arc<Connection>, Error> {
        match self.find()?.0 {
            Found::Ready(connection) => Ok(connection),
            Found::Soon(mut attempt) => match timeout_at(limit.end(), attempt.wait_for(Option::is_some)).await {
                Ok(Ok(result)) => match &*result {
                    Some(Ok(connection)) => Ok(connection.clone()),
                    Some(Err(error)) => Err(error.clone()),
                    None => Err(self.abandoned()),
                },
                Ok(Err(_)) => Err(self.abandoned()),
                Err(_) => Err(limit.passed()),
            },
        }
    }

    fn find(&self) -> Result<(Found, Handle), Error> {
        let runtime = Handle::try_current().map_err(|_| {
            failures::error(Failure::Other, "it can only be reached from within a tokio runtime, and this is none")
        })?;
        let id = runtime.id();
        let mut links = lock(&self.links);
        let link = match links.iter().position(|link| link.runtime == id).and_then(|at| links.get_mut(at)) {
            Some(link) => link,
            None => {
                // Runtimes come and go; what was left by those that went is dropped when one comes.
                links.retain(|link| !link.state.is_over());
                let state = State::Down(Instant::now(), failures::error(Failure::Unreachable, "not connected yet"));
                links.push(Link { runtime: id, has_timers: false, failures: 0, state });
                match links.last_mut() {
                    Some(link) => link,
                    None => return Err(self.abandoned()),
                }
            }
        };
        let last = match &link.state {
            State::Up(connection) if connection.is_usable() => return Ok((Found::Ready(connection.clone()), runtime)),
            State::Up(_) => None,
            State::Connecting(attempt, last) if !link.state.is_over() => match last {
                // Whoever comes while it is being tried again does not wait: it has failed just now.
                Some(error) => return Err(error.clone()),
                None => return Ok((Found::Soon(attempt.clone()), runtime)),
            },
            State::Connecting(..) => {
                let error = self.abandoned();
                link.fail(error.clone());
                return Err(error);
            }
            State::Down(until, error) if Instant::now() < *until => return Err(error.clone()),
            State::Down(_, error) => (link.failures > 0).then(|| error.clone()),
        };
        link.has_timers = link.has_timers || has_timers();
        if !link.has_timers {
            let error = failures::error(Failure::Misconfigured, "the tokio runtime has no timers");
            link.state = State::Down(Instant::now() + LONGEST_PAUSE, error.clone());
            return Err(error);
        }
        let attempt = self.connect(&runtime);
        link.state = State::Connecting(attempt.clone(), last);
        Ok((Found::Soon(attempt), runtime))
    }

    /// Starts to connect, in a task of its own: a caller that gives up does not stop it for the others.
    fn connect(&self, runtime: &Handle) -> Attempt {
        let (give, attempt) = watch::channel(None);
        let (target, timeout, place) = (self.target.clone(), self.connect_timeout, self.place.clone());
        let (links, id) = (self.links.clone(), runtime.id());
        let (boot, lineage, clock) = (self.boot.clone(), self.lineage.clone(), self.clock.clone());
        runtime.spawn(async move {
            let opened = target.open(timeout, &boot).await.map(Arc::new).map_err(|error| match error {
                Error::Backend { backend, failure, message } => {
                    Error::Backend { backend, failure, message: format!("connecting to {place}: {message}") }
                }
                other => other,
            });
            if let Some(link) = lock(&links).iter_mut().find(|link| link.runtime == id) {
                match &opened {
                    Ok(connection) => {
                        // Before anyone can read by it.
                        lineage.store(connection.lineage(), Ordering::Release);
                        // Perhaps of another server, or of one that has started anew.
                        clock.begin_anew();
                        connection.ahead().into_iter().for_each(|ahead| clock.learn(ahead));
                        link.failures = 0;
                        link.state = State::Up(connection.clone());
                    }
                    Err(error) => link.fail(error.clone()),
                }
            }
            give.send_replace(Some(opened));
        });
        attempt
    }

    fn abandoned(&self) -> Error {
        let message =
            format!("connecting to {} was abandoned: the tokio runtime shuts down, or has no I/O driver", self.place);
        failures::error(Failure::Unreachable, message)
    }
}

/// Without secrets.
impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connections")
            .field("place", &self.place)
            .field("connect_timeout", &self.connect_timeout)
            .field("response_timeout", &self.response_timeout)
            .field("runtimes", &lock(&self.links).len())
            .finish_non_exhaustive()
    }
}

/// tokio has no way to ask, and panics when one is used where there are none. Asked once for each runtime that has them.
fn has_timers() -> bool {
    catch_unwind(|| drop(tokio::time::sleep(Duration::ZERO))).is_ok()
}

/// After so many failures before, ±20 %: programs that lost the same server do not come back all at once.
fn pause(failures: u32) -> Duration {
    let longest = FIRST_PAUSE.saturating_mul(1 << failures.min(16)).min(LONGEST_PAUSE);
    let part = (RandomState::new().hash_one(failures) % 401) as u32 + 800;
    longest * part / 1_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_second() {
        for (failures, expected) in [(0, 20), (1, 40), (5, 640), (6, 1_000), (40, 1_000), (u32::MAX, 1_000)] {
            let millis = pause(failures).as_millis();
            assert!((expected * 8 / 10..=expected * 12 / 10).contains(&millis), "{failures}: {millis}");
        }
        let all: std::collections::HashSet<_> = (0..20).map(|_| pause(9)).collect();
        assert!(all.len() > 1, "always the same pause");
    }
}
