//! How the nodes of a topology are reached: all in the same way, each at its own address.

use super::{judge::Judge, masters::Master};
use crate::{
    Error,
    backend::redis::{
        NAME,
        boot::Boot,
        connections::{Connections, Target},
        failures,
    },
    breaker::Breaker,
    time::Clock,
};
use redis::{Client, ConnectionAddr, ConnectionInfo};
use std::{sync::Arc, time::Duration};

/// What is the same for all nodes.
pub(in crate::backend::redis) struct Dial {
    /// Credentials, TLS and settings; the address is that of one of them.
    pub(in crate::backend::redis) like: ConnectionInfo,
    pub(in crate::backend::redis) connect_timeout: Duration,
    pub(in crate::backend::redis) response_timeout: Duration,
    pub(in crate::backend::redis) boot: Boot,
}

impl Dial {
    pub(super) fn client(&self, host: &str, port: u16) -> Result<Client, Error> {
        let address = match self.like.addr() {
            ConnectionAddr::TcpTls { insecure, tls_params, .. } => ConnectionAddr::TcpTls {
                host: host.to_owned(),
                port,
                insecure: *insecure,
                tls_params: tls_params.clone(),
            },
            _ => ConnectionAddr::Tcp(host.to_owned(), port),
        };
        Client::open(self.like.clone().set_addr(address)).map_err(|said| failures::from_redis(&said))
    }

    pub(super) fn master(&self, host: &str, port: u16) -> Result<Arc<Master>, Error> {
        let client = self.client(host, port)?;
        let address = address(host, port);
        let target = Target::Server(Arc::new(client.clone()));
        let connections =
            Connections::new(target, address.clone(), self.connect_timeout, self.response_timeout, self.boot.clone());
        let breaker = Arc::new(Breaker::new(format!("{NAME} {address}"), Clock::system()));
        let judge = Arc::new(Judge::new(breaker));
        Ok(Arc::new(Master { address: address.into(), client, connections: Arc::new(connections), judge }))
    }
}

/// As it is written in messages, and as nodes are told apart.
pub(super) fn address(host: &str, port: u16) -> String {
    match host.contains(':') {
        true => format!("[{host}]:{port}"),
        false => format!("{host}:{port}"),
    }
}

/// Where a node is: host and port.
pub(super) fn place(info: &ConnectionInfo) -> (String, u16) {
    match info.addr() {
        ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } => (host.clone(), *port),
        ConnectionAddr::Unix(path) => (path.display().to_string(), 0),
        _ => (String::new(), 0),
    }
}
