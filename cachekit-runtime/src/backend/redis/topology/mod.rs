//! How a Redis is laid out: one server, a master that sentinels name, or a cluster. What asks for keys need not know which.

mod batch;
mod cluster;
mod dial;
mod flush;
mod judge;
mod map;
mod masters;
mod redirect;
mod refresher;
mod sentinel;
mod slots;

pub(super) use batch::Batch;
pub(super) use cluster::Cluster;
pub(super) use dial::Dial;
pub(super) use masters::{Master, Masters};
pub(super) use sentinel::{Resolver, Sentinel};
pub(super) use slots::SLOTS;

use super::{
    boot::Boot,
    connections::{Connections, Target},
    gather::Noted,
    layout::Layout,
};
use crate::{
    Error,
    backend::{Address, each},
};
use redis::{Client, Cmd, Pipeline, Value};
use std::{sync::Arc, time::Duration};

/// The servers of a backend, and the way from a key to one of them.
#[derive(Debug)]
pub(super) enum Topology {
    /// One server.
    Single(Single),
    /// A master that sentinels name.
    Sentinel(Sentinel),
    /// A cluster.
    Cluster(Cluster),
}

/// One server, which owns all slots.
#[derive(Debug)]
pub(super) struct Single {
    connections: Arc<Connections>,
    masters: Arc<Masters>,
}

impl Single {
    pub(super) fn new(
        client: Client,
        place: String,
        connect_timeout: Duration,
        response_timeout: Duration,
        boot: Boot,
    ) -> Self {
        let address = client.get_connection_info().addr().to_string().into();
        let target = Target::Server(Arc::new(client.clone()));
        let connections = Arc::new(Connections::new(target, place, connect_timeout, response_timeout, boot));
        let master = Master { address, client, connections: connections.clone(), judge: Arc::default() };
        Single { connections, masters: Arc::new(Masters::only(Arc::new(master), 0)) }
    }
}

impl Topology {
    /// The masters as they were last seen; none before the first use of a topology that has to be found.
    pub(super) fn masters(&self) -> Arc<Masters> {
        match self {
            Topology::Single(single) => single.masters.clone(),
            Topology::Sentinel(sentinel) => sentinel.masters(),
            Topology::Cluster(cluster) => cluster.masters(),
        }
    }

    /// As [`masters`](Self::masters), found out if they are not known.
    pub(super) async fn known_masters(&self) -> Result<Arc<Masters>, Error> {
        match self {
            Topology::Single(single) => Ok(single.masters.clone()),
            Topology::Sentinel(sentinel) => sentinel.known_masters().await,
            Topology::Cluster(cluster) => cluster.known_masters(cluster.limit()).await,
        }
    }

    /// Asks now who the masters are. Nothing to do for one server.
    ///
    /// Dropping the future leaves all as it was, or as it is found.
    pub(super) async fn refresh(&self) -> Result<(), Error> {
        match self {
            Topology::Single(_) => Ok(()),
            Topology::Sentinel(sentinel) => sentinel.refresh().await,
            Topology::Cluster(cluster) => cluster.refresh(cluster.limit()).await,
        }
    }

    /// As [`lineage`](Self::lineage), of a server that was perhaps not asked for anything yet.
    pub(super) async fn known_lineage(&self, key: &[u8]) -> Result<u64, Error> {
        match self.lineage(key) {
            0 => {
                // Any question makes the connection.
                self.send(key, redis::cmd("EXISTS").arg(key)).await?;
                Ok(self.lineage(key))
            }
            lineage => Ok(lineage),
        }
    }

    /// Of the data on the server that has the key; 0 before it was asked for anything.
    pub(super) fn lineage(&self, key: &[u8]) -> u64 {
        match self {
            Topology::Single(single) => single.connections.lineage(),
            Topology::Sentinel(sentinel) => sentinel.connections().lineage(),
            Topology::Cluster(cluster) => {
                let masters = cluster.masters();
                let owner = masters.owner(slots::slot(key)).and_then(|at| masters.nodes.get(at));
                owner.map_or(0, |owner| owner.connections.lineage())
            }
        }
    }

    /// By how many milliseconds the clock of the server that has the key is ahead of ours, as far as it was heard.
    pub(super) fn ahead(&self, key: &[u8]) -> i64 {
        match self {
            Topology::Single(single) => single.connections.clock().ahead(),
            Topology::Sentinel(sentinel) => sentinel.connections().clock().ahead(),
            Topology::Cluster(cluster) => {
                let masters = cluster.masters();
                let owner = masters.owner(slots::slot(key)).and_then(|at| masters.nodes.get(at));
                owner.map_or(0, |owner| owner.connections.clock().ahead())
            }
        }
    }

    /// What the clock of the one server says, if it was heard; `None` of several.
    pub(super) fn time(&self) -> Option<Duration> {
        match self {
            Topology::Single(single) => single.connections.clock().time(),
            Topology::Sentinel(sentinel) => sentinel.connections().clock().time(),
            Topology::Cluster(_) => None,
        }
    }

    /// The slot of a key in a cluster.
    pub(super) fn slot(key: &[u8]) -> u16 {
        slots::slot(key)
    }

    /// Are keys with different hash tags on different servers? Then no command may have both.
    pub(super) fn is_sharded(&self) -> bool {
        matches!(self, Topology::Cluster(_))
    }

    /// Does the server that has the key take entries, as far as is known? Of the only one there is, whoever has the backend knows.
    ///
    /// # Errors
    /// That it does not.
    pub(super) fn takes_fills(&self, key: &[u8]) -> Result<(), Error> {
        match self {
            Topology::Cluster(cluster) => cluster.takes_fills(slots::slot(key)),
            Topology::Single(_) | Topology::Sentinel(_) => Ok(()),
        }
    }

    /// Commands that are to be sent in one go.
    pub(super) fn batch(&self) -> Batch {
        Batch::new(self.is_sharded())
    }

    /// Sends a command, all of whose keys are in the slot of this one. The answer may be an error of the server.
    pub(super) async fn send(&self, key: impl AsRef<[u8]>, command: &Cmd) -> Result<Value, Error> {
        match self {
            Topology::Single(single) => single.connections.send(command, single.connections.limit()).await,
            Topology::Sentinel(sentinel) => {
                let connections = sentinel.connections();
                connections.send(command, connections.limit()).await
            }
            // Boxed, here and below: with what it does about redirects it is many times as large as what asks one server, and would be moved with that.
            Topology::Cluster(cluster) => Box::pin(cluster.send(slots::slot(key.as_ref()), command, false)).await,
        }
    }

    /// As [`send`](Self::send), whose answer is large: by a connection on which nothing small waits behind it.
    pub(super) async fn send_large(&self, key: impl AsRef<[u8]>, command: &Cmd) -> Result<Value, Error> {
        match self {
            Topology::Single(single) => {
                let connections = single.connections.large();
                connections.send(command, connections.limit()).await
            }
            Topology::Sentinel(sentinel) => {
                let connections = sentinel.connections().large();
                connections.send(command, connections.limit()).await
            }
            Topology::Cluster(cluster) => Box::pin(cluster.send(slots::slot(key.as_ref()), command, true)).await,
        }
    }

    /// Has a look asked together with others that begin now. `None` in a cluster, or before there is a connection.
    pub(super) fn gather(&self, layout: &Layout, address: &Address) -> Result<Option<Noted>, Error> {
        match self {
            Topology::Single(single) => single.connections.gather(layout, address),
            Topology::Sentinel(sentinel) => sentinel.connections().gather(layout, address),
            Topology::Cluster(_) => Ok(None),
        }
    }

    /// Sends the commands, to each node its own in one flush, to all nodes at once. The answers in the order of the commands, errors of the server
    /// among them; an error of a node is an error of all. All commands have been answered, or given up, when this ends.
    pub(super) async fn send_all(&self, batch: Batch) -> Result<Vec<Value>, Error> {
        match self {
            Topology::Single(single) => single.connections.send_all(&pipeline(batch), single.connections.limit()).await,
            Topology::Sentinel(sentinel) => {
                let connections = sentinel.connections();
                connections.send_all(&pipeline(batch), connections.limit()).await
            }
            Topology::Cluster(cluster) => Box::pin(cluster.send_each(batch)).await.into_iter().collect(),
        }
    }

    /// As [`send_all`](Self::send_all), but a node that fails takes only the answers to its own commands away.
    pub(super) async fn send_each(&self, batch: Batch) -> Vec<Result<Value, Error>> {
        if let Topology::Cluster(cluster) = self {
            return Box::pin(cluster.send_each(batch)).await;
        }
        let all = batch.len();
        match self.send_all(batch).await {
            Ok(answers) => answers.into_iter().map(Ok).collect(),
            Err(error) => (0..all).map(|_| Err(error.clone())).collect(),
        }
    }

    /// Sends the same command to all masters. The answers in the order of [`Masters::nodes`].
    pub(super) async fn send_to_all(&self, command: &Cmd) -> Result<Vec<Value>, Error> {
        let masters = self.known_masters().await?;
        let answers = masters.nodes.iter().map(|master| self.send_to(master, command));
        each(answers.map(Box::pin).collect()).await.into_iter().collect()
    }

    /// Sends a command that has no keys to this very node.
    pub(super) async fn send_to(&self, master: &Arc<Master>, command: &Cmd) -> Result<Value, Error> {
        let answer = master.connections.send(command, master.connections.limit()).await;
        if let Topology::Cluster(cluster) = self {
            cluster.notice(master, &answer);
        }
        answer
    }
}

fn pipeline(batch: Batch) -> Pipeline {
    let mut pipeline = Pipeline::with_capacity(batch.len());
    for (_, command) in batch.into_commands() {
        pipeline.add_command(command);
    }
    pipeline
}
