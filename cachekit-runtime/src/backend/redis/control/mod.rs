//! What the servers push: every change of a key under `ck:<namespace>:s:`, on a connection of its own to each master.
//!
//! Per master one task keeps a *session*: it connects, asks to be told of all keys of the prefix (`CLIENT TRACKING ON BCAST PREFIX …`, RESP3), and from
//! then on asks twice a second for something, whose answer confirms that all that was pushed before it has been heard. `supervise` starts and ends the
//! sessions as masters come and go, `covered` adds up what they say, `news` reads what is pushed.
//!
//! Where the server refuses that, the session hears the channel on which whoever invalidates publishes the keys too. That is no promise: a publisher may not have the right, and
//! a proxy may lose what it does not know. So such a session begins anew every second, as after a gap: copies are compared before their next use, and are
//! never trusted for longer than that, or than the lease where this process is paused.
//!
//! The connection also subscribes to a channel that nobody uses: the server counts it among those whose output it bounds, so that one that is not read
//! is closed by the server instead of growing there without end.

mod covered;
mod news;
mod session;
mod supervise;

use super::{
    failures,
    layout::Layout,
    topology::{Master, Topology},
};
use crate::{
    Error,
    backend::{BackendFuture, Failure, News, Parts, Watcher, each},
    sync::lock,
};
use covered::Covered;
use redis::{AsyncConnectionConfig, RedisError, aio::MultiplexedConnection};
use std::{
    collections::HashMap,
    fmt,
    ops::RangeInclusive,
    sync::{Arc, Mutex, Weak},
    time::Duration,
};
use tokio::time::timeout;

/// Between two questions to a master that confirm what was pushed.
const BEAT: Duration = Duration::from_millis(500);

/// How long an answer on such a connection may take: after half of a lease without one, its time is better spent on a new connection.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long the answer to a `sync` may take: less than its caller waits, so that a master is given up before the caller is told.
const ANSWER: Duration = Duration::from_millis(900);

/// The sessions of a backend.
pub(super) struct Control {
    layout: Arc<Layout>,
    topology: Arc<Topology>,
    state: Mutex<State>,
    /// Held while what is covered changes and the watchers are told of it, so that they are told in the same order.
    telling: Mutex<()>,
}

#[derive(Default)]
struct State {
    watchers: Vec<Weak<dyn Watcher>>,
    is_started: bool,
    covered: Covered,
    connections: Vec<Heard>,
    /// The start of each server that is a master.
    runs: HashMap<Arc<str>, String>,
    had_masters: bool,
    has_warned: bool,
}

/// The connection on which a master is heard.
#[derive(Clone)]
struct Heard {
    address: Arc<str>,
    connection: MultiplexedConnection,
    /// It is sure to tell everything.
    is_tracked: bool,
    /// Of one session and no other.
    session: Arc<()>,
}

impl Control {
    pub(super) fn new(layout: Arc<Layout>, topology: Arc<Topology>) -> Self {
        Control { layout, topology, state: Mutex::default(), telling: Mutex::default() }
    }

    /// Tells the watcher from now on.
    pub(super) fn add(self: &Arc<Self>, watcher: &Arc<dyn Watcher>) {
        let _telling = lock(&self.telling);
        let is_first = {
            let mut state = lock(&self.state);
            state.watchers.retain(|watcher| watcher.strong_count() > 0);
            state.watchers.push(Arc::downgrade(watcher));
            !std::mem::replace(&mut state.is_started, true)
        };
        if is_first {
            crate::far::spawn_apart(supervise::run(Arc::downgrade(self)));
        } else {
            // It has missed what the others were told.
            let covered = lock(&self.state).covered.ranges();
            watcher.told(News::Begins(Parts::Some(&covered)));
        }
    }

    fn watchers(&self) -> Vec<Arc<dyn Watcher>> {
        lock(&self.state).watchers.iter().filter_map(Weak::upgrade).collect()
    }

    fn is_watched(&self) -> bool {
        lock(&self.state).watchers.iter().any(|watcher| watcher.strong_count() > 0)
    }

    fn tell(&self, news: News<'_>) {
        self.watchers().iter().for_each(|watcher| watcher.told(news));
    }

    /// The time of the watchers, who all have the same.
    fn now(&self) -> u64 {
        self.watchers().first().map_or(0, |watcher| watcher.now())
    }

    /// Ends when everything has been heard that was pushed before it began. A master that does not answer in time is not heard any more: what is known of its
    /// part is not used without asking.
    ///
    /// # Errors
    /// A master did not answer, or nobody says who they are.
    pub(super) async fn hear_out(self: &Arc<Self>) -> Result<(), Error> {
        let connections = lock(&self.state).connections.clone();
        let masters = timeout(ANSWER, self.topology.known_masters()).await.map_err(|_| too_late(ANSWER))??;
        let unheard =
            masters.nodes.iter().filter(|master| !connections.iter().any(|known| known.address == master.address));
        let there = unheard.map(|master| Box::pin(is_there(master)) as BackendFuture<'_, ()>);
        let heard = connections.iter().cloned().map(|heard| Box::pin(self.hear(heard)) as BackendFuture<'_, ()>);
        each(there.chain(heard).collect()).await.into_iter().collect()
    }

    async fn hear(self: &Arc<Self>, mut heard: Heard) -> Result<(), Error> {
        let (ping, since) = (redis::cmd("PING"), self.now());
        let answer = within(ANSWER, heard.connection.send_packed_command(&ping)).await;
        match answer {
            Err(_) => self.lose(&heard.address),
            // What was not told is found when it is compared.
            Ok(_) if !heard.is_tracked => self.cover_again(&heard, since),
            Ok(_) => {}
        }
        answer.map(drop)
    }

    /// Is this another start of a server than the last that was a master here, while there were masters? It may lack what that had acknowledged. A start that
    /// is not known is another.
    fn is_another(&self, address: &Arc<str>, run: Option<&str>) -> bool {
        let mut state = lock(&self.state);
        let known = match run {
            Some(run) => state.runs.insert(address.clone(), run.to_owned()),
            None => state.runs.remove(address),
        };
        std::mem::replace(&mut state.had_masters, true) && (known.is_none() || known.as_deref() != run)
    }

    /// It is no master any more: if it becomes one again, others have been meanwhile.
    fn forget(&self, address: &str) {
        lock(&self.state).runs.remove(address);
    }

    fn warn_once(&self, error: &Error) {
        if !std::mem::replace(&mut lock(&self.state).has_warned, true) {
            tracing::warn!(
                %error,
                "the server does not let its user watch keys (`+client|tracking`): changes by other processes are heard by a channel, and what is in memory is compared with the server once a second"
            );
        }
    }

    /// Nothing more is heard from that master.
    fn lose(&self, address: &str) {
        let _telling = lock(&self.telling);
        let ranges = {
            let mut state = lock(&self.state);
            state.connections.retain(|known| *known.address != *address);
            state.covered.remove(address)
        };
        if let Some(ranges) = ranges {
            self.tell(News::Ends(Parts::Some(&ranges)));
            self.confirm_rest();
        }
    }

    /// As after a gap, unless the session is over by now: nobody would confirm any more what such a master has told, and the time that all have confirmed would stand still.
    fn cover_again(&self, heard: &Heard, since: u64) {
        let _telling = lock(&self.telling);
        let is_there = |known: &Heard| Arc::ptr_eq(&known.session, &heard.session);
        if lock(&self.state).connections.iter().any(is_there) {
            self.cover_all(heard, since);
        }
    }

    /// Everything is heard from that master, about these slots.
    fn cover(&self, heard: &Heard, since: u64) {
        let _telling = lock(&self.telling);
        self.cover_all(heard, since);
    }

    /// With `telling` held.
    fn cover_all(&self, heard: &Heard, since: u64) {
        let ranges = self.topology.masters().ranges_of(&heard.address);
        {
            let mut state = lock(&self.state);
            state.connections.retain(|known| known.address != heard.address);
            state.connections.push(heard.clone());
            state.covered.put(&heard.address, ranges.clone(), since);
        }
        self.tell(News::Begins(Parts::Some(&ranges)));
        self.confirm_rest();
    }

    fn covered_ranges(&self, address: &str) -> Option<Vec<RangeInclusive<u16>>> {
        lock(&self.state).covered.ranges_of(address)
    }

    /// What was pushed by this master before then has been heard.
    fn confirm(&self, address: &str, since: u64) {
        lock(&self.state).covered.confirm(address, since);
        self.confirm_rest();
    }

    fn confirm_rest(&self) {
        let since = lock(&self.state).covered.since();
        if let Some(since) = since {
            self.tell(News::Holds(since));
        }
    }
}

/// Nothing is used of what is known of the part of a master that is not heard. But who waits is told whether it answers at all, by a connection that nobody else has or waits for.
async fn is_there(master: &Master) -> Result<(), Error> {
    let config = AsyncConnectionConfig::new().set_connection_timeout(Some(ANSWER)).set_response_timeout(None);
    let asking = async {
        let mut connection = master.client.get_multiplexed_async_connection_with_config(&config).await?;
        connection.send_packed_command(&redis::cmd("PING")).await
    };
    within(ANSWER, asking).await.map(drop)
}

async fn within<T>(limit: Duration, asked: impl Future<Output = Result<T, RedisError>>) -> Result<T, Error> {
    match timeout(limit, asked).await {
        Ok(answer) => answer.map_err(|said| failures::from_redis(&said)),
        Err(_) => Err(too_late(limit)),
    }
}

fn too_late(limit: Duration) -> Error {
    failures::error(Failure::Timeout, format_args!("within {limit:?}"))
}

impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = lock(&self.state);
        f.debug_struct("Control").field("masters", &state.connections.len()).finish_non_exhaustive()
    }
}
