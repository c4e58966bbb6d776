//! How to reach a Redis.

use super::{
    RedisBackend,
    boot::Boot,
    control::Control,
    failures,
    layout::Layout,
    topology::{Cluster, Dial, Sentinel, Single, Topology},
    url::{self, Servers},
};
use crate::{Error, backend::Failure};
use redis::{Client, ConnectionAddr, ConnectionInfo};
use std::{fmt, sync::Arc, time::Duration};

/// How to reach a Redis, and how long to wait for it.
///
/// Nothing is connected to before the first use.
///
/// ```no_run
/// use cachekit_runtime::backend::redis::Settings;
/// use std::time::Duration;
///
/// # fn main() -> Result<(), cachekit_runtime::Error> {
/// let backend = Settings::new("redis://app:secret@cache.example:6379/0")
///     .namespace("shop")
///     .response_timeout(Duration::from_millis(100))
///     .open()?;
/// # Ok(())
/// # }
/// ```
///
/// # The user in Redis
///
/// A user of its own needs the keys of the namespace and few commands:
///
/// ```text
/// ACL SETUSER app on >secret ~ck:shop:* &ck:quiet &ck:shop:n +publish +@connection +@read +@write +@scripting +subscribe +time -@dangerous +info
/// ```
///
/// Without `+info` a server that came back with older data is not noticed.
///
/// In a Cluster it also needs `+cluster|slots +cluster|info +cluster|nodes` (Redis 6: `+cluster`), behind sentinels `+role`.
#[derive(Clone)]
pub struct Settings {
    url: String,
    namespace: String,
    connect_timeout: Duration,
    response_timeout: Duration,
    #[cfg(feature = "redis-tls")]
    tls: super::tls::Tls,
}

impl Settings {
    /// For the Redis at this URL: `redis://[user:password@]host[:port][/database]`, `rediss://…` for TLS (feature `redis-tls`),
    /// `redis+unix:///path[?db=…&user=…&pass=…]` for a Unix socket.
    ///
    /// `redis-cluster://[user:password@]host[:port],host[:port]…` for a Cluster, of which some nodes are enough;
    /// `redis-sentinel://[user:password@]host[:port],host[:port]…/name[/database]` for the master that these sentinels know by that name. What stands
    /// before the `@` is for the servers; sentinels that want a login get `?sentinel_password=…` and `&sentinel_user=…`. Both also with TLS
    /// (`rediss-cluster`, `rediss-sentinel`), for sentinels too then.
    ///
    /// The URL is read by [`open`](Self::open).
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Settings {
            url: url.into(),
            namespace: "default".to_owned(),
            connect_timeout: Duration::from_secs(1),
            response_timeout: Duration::from_millis(250),
            #[cfg(feature = "redis-tls")]
            tls: super::tls::Tls::default(),
        }
    }

    /// What all keys begin with is `ck:<namespace>:`, so that several applications can share a server. Default: `default`.
    #[must_use]
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = namespace.into();
        self
    }

    /// How long an attempt to connect may take, TLS and authentication included. Default: 1 s. Callers do not wait so long: for them the
    /// [response timeout](Self::response_timeout) holds.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How long a call waits for an answer, a new connection included. Default: 250 ms. Calls that take several requests (many keys, a scan, a
    /// clear) wait so long for each.
    #[must_use]
    pub fn response_timeout(mut self, timeout: Duration) -> Self {
        self.response_timeout = timeout;
        self
    }

    /// The certificates, in PEM, of those whose signature under the server's certificate counts, instead of those that the system knows.
    #[cfg(feature = "redis-tls")]
    #[must_use]
    pub fn root_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.tls.roots = Some(pem.into());
        self
    }

    /// The certificate and its key, both in PEM, that are shown to a server that asks for one.
    #[cfg(feature = "redis-tls")]
    #[must_use]
    pub fn client_certificate(mut self, certificate: impl Into<Vec<u8>>, key: impl Into<Vec<u8>>) -> Self {
        self.tls.client = Some((certificate.into(), key.into()));
        self
    }

    /// The backend. It connects at its first use.
    ///
    /// # Errors
    /// [`Failure::Misconfigured`] if the URL, the namespace, a timeout or a certificate cannot be used.
    pub fn open(self) -> Result<RedisBackend, Error> {
        let layout = Layout::new(&self.namespace)?;
        if self.connect_timeout.is_zero() || self.response_timeout.is_zero() {
            return Err(failures::error(Failure::Misconfigured, "a timeout of zero leaves no time for an answer"));
        }
        let layout = Arc::new(layout);
        let topology = match url::parse(&self.url)? {
            Servers::Single(info) => {
                let (client, place, boot) = (self.client(info)?, url::redacted(&self.url), Boot::new(&layout, false));
                Topology::Single(Single::new(client, place, self.connect_timeout, self.response_timeout, boot))
            }
            Servers::Cluster(seeds) => {
                let clients = seeds.into_iter().map(|info| self.client(info)).collect::<Result<Vec<_>, _>>()?;
                let seeds: Vec<_> = clients.iter().filter_map(place).collect();
                let Some(first) = clients.first() else {
                    return Err(failures::error(Failure::Misconfigured, "no node of the cluster is named"));
                };
                Topology::Cluster(Cluster::new(self.dial(first, Boot::new(&layout, true)), &seeds)?)
            }
            Servers::Sentinel { sentinels, service, master } => {
                let sentinels = sentinels.into_iter().map(|info| self.client(info)).collect::<Result<_, _>>()?;
                let dial = self.dial(&self.client(master)?, Boot::new(&layout, false));
                Topology::Sentinel(Sentinel::new(dial, sentinels, service, url::redacted(&self.url)))
            }
        };
        let topology = Arc::new(topology);
        let control = Arc::new(Control::new(layout.clone(), topology.clone()));
        Ok(RedisBackend { layout, topology, control, large: Arc::default(), sweeps: Arc::default() })
    }

    fn client(&self, info: ConnectionInfo) -> Result<Client, Error> {
        #[cfg(feature = "redis-tls")]
        let client = self.tls.clone().client(info);
        #[cfg(not(feature = "redis-tls"))]
        let client = Client::open(info);
        client.map_err(|error| failures::from_redis(&error))
    }

    /// Reaches other nodes like this one.
    fn dial(&self, like: &Client, boot: Boot) -> Dial {
        Dial {
            like: like.get_connection_info().clone(),
            connect_timeout: self.connect_timeout,
            response_timeout: self.response_timeout,
            boot,
        }
    }
}

fn place(client: &Client) -> Option<(String, u16)> {
    match client.get_connection_info().addr() {
        ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } => Some((host.clone(), *port)),
        _ => None,
    }
}

/// Without the password.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("url", &url::redacted(&self.url))
            .field("namespace", &self.namespace)
            .field("connect_timeout", &self.connect_timeout)
            .field("response_timeout", &self.response_timeout)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_used_is_said_before_the_first_use() {
        for settings in [
            Settings::new("redis:/h"),
            Settings::new("redis://h").namespace("a:b"),
            Settings::new("redis://h").connect_timeout(Duration::ZERO),
            Settings::new("redis://h").response_timeout(Duration::ZERO),
            Settings::new("redis-cluster://h/1"),
            Settings::new("redis-sentinel://h"),
        ] {
            let error = settings.clone().open().unwrap_err();
            assert!(matches!(error, Error::Backend { failure: Failure::Misconfigured, .. }), "{settings:?}: {error}");
        }
    }

    #[test]
    fn nothing_shows_the_password() {
        for url in [
            "redis://app:hunter2@h:1/2",
            "redis-cluster://app:hunter2@h:1,i:2",
            "redis-sentinel://app:hunter2@h:1,i:2/main?sentinel_password=hunter2",
        ] {
            let settings = Settings::new(url);
            let backend = settings.clone().open().unwrap();
            for shown in [format!("{settings:?}"), format!("{backend:?}")] {
                assert!(!shown.contains("hunter2") && shown.contains("h:1"), "{shown}");
            }
            assert!(format!("{settings:?}").contains("app:***@h:1"), "{settings:?}");
        }
    }
}
