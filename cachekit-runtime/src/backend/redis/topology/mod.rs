//! How a Redis is laid out: one server, a master that sentinels name, or a cluster. What asks for keys need not know which.

#![allow(dead_code, reason = "the connections that are pushed to will use it")]

mod masters;
mod slots;

pub(super) use masters::{Master, Masters};
pub(super) use slots::SLOTS;

use super::{boot::Boot, connections::Connections};
use crate::Error;
use redis::{Client, Cmd, Pipeline, Value};
use std::{sync::Arc, time::Duration};

/// The servers of a backend, and the way from a key to one of them.
#[derive(Debug)]
pub(super) enum Topology {
    /// One server.
    Single(Single),
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
        let connections = Arc::new(Connections::new(client.clone(), place, connect_timeout, response_timeout, boot));
        let master = Master { address, client, connections: connections.clone() };
        Single { connections, masters: Arc::new(Masters::only(Arc::new(master), 0)) }
    }
}

impl Topology {
    /// The masters as they were last seen; none before the first use of a topology that has to be found.
    pub(super) fn masters(&self) -> Arc<Masters> {
        match self {
            Topology::Single(single) => single.masters.clone(),
        }
    }

    /// Asks now who the masters are. Nothing to do for one server.
    ///
    /// Dropping the future stops nothing: the question goes on for the others who wait for its answer.
    pub(super) async fn refresh(&self) -> Result<(), Error> {
        match self {
            Topology::Single(_) => Ok(()),
        }
    }

    /// Of the data on the server that has the key.
    pub(super) fn lineage(&self, _key: &[u8]) -> u64 {
        match self {
            Topology::Single(single) => single.connections.lineage(),
        }
    }

    /// Are keys spread over several masters?
    pub(super) fn is_cluster(&self) -> bool {
        match self {
            Topology::Single(_) => false,
        }
    }

    /// The slot of a key in a cluster.
    pub(super) fn slot(key: &[u8]) -> u16 {
        slots::slot(key)
    }

    pub(super) async fn send(&self, command: &Cmd) -> Result<Value, Error> {
        match self {
            Topology::Single(single) => single.connections.send(command).await,
        }
    }

    pub(super) async fn send_all(&self, commands: &Pipeline) -> Result<Vec<Value>, Error> {
        match self {
            Topology::Single(single) => single.connections.send_all(commands).await,
        }
    }
}
