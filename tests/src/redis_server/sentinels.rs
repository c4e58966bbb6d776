//! A real master with replicas and the sentinels that watch over it, of a test's own.

use super::{Options, RedisServer};
use crate::waiting::eventually_or;
use std::collections::HashMap;

/// What the sentinels call the master.
const NAME: &str = "main";

/// How many sentinels there are, of which two have to agree.
const SENTINELS: usize = 3;

/// A master, its replicas and three sentinels. Dropping it kills them.
#[derive(Debug)]
pub struct Sentinels {
    servers: Vec<RedisServer>,
    sentinels: Vec<RedisServer>,
    /// The password of the sentinels themselves.
    password: Option<String>,
}

impl Sentinels {
    /// A master (server 0) with so many replicas; the sentinels know all of them, and one another, when this returns.
    ///
    /// # Panics
    /// Where `redis-server` is missing, or they do not find each other.
    #[must_use]
    pub fn start(replicas: usize) -> Self {
        Self::with(Options::default(), replicas, None)
    }

    /// As [`start`](Self::start), with servers of these options and sentinels of this password.
    ///
    /// # Panics
    /// As there.
    #[must_use]
    pub fn with(options: Options, replicas: usize, password: Option<&str>) -> Self {
        let servers: Vec<_> = (0..=replicas).map(|_| options.clone().start()).collect();
        let master = servers[0].public_port().to_string();
        for replica in &servers[1..] {
            assert_eq!(replica.cli(&["REPLICAOF", "127.0.0.1", &master]), "OK");
        }
        let start = |_| {
            let mut lines = format!(
                "sentinel monitor {NAME} 127.0.0.1 {master} 2\nsentinel down-after-milliseconds {NAME} 500\nsentinel failover-timeout {NAME} 3000\n"
            );
            if let Some(password) = &options.password {
                lines += &format!("sentinel auth-pass {NAME} {password}\n");
            }
            if let Some(password) = password {
                lines += &format!("requirepass {password}\nsentinel sentinel-pass {password}\n");
            }
            let mut watching = Options::default();
            watching.sentinel = Some(lines);
            watching.password = password.map(str::to_owned);
            watching.tls.clone_from(&options.tls);
            watching.start()
        };
        let sentinels = (0..SENTINELS).map(start).collect();
        let all = Sentinels { servers, sentinels, password: password.map(str::to_owned) };
        all.wait("the replicas to be in sync", || {
            all.servers[1..]
                .iter()
                .all(|replica| replica.try_cli(&["ROLE"]).is_ok_and(|role| role.lines().nth(3) == Some("connected")))
        });
        all.wait_until_known(replicas);
        all
    }

    /// `redis-sentinel://` with all sentinels; `rediss-sentinel://` where all have TLS.
    #[must_use]
    pub fn url(&self) -> String {
        let ports: Vec<_> = self.sentinels.iter().map(RedisServer::public_port).collect();
        self.url_with(&ports)
    }

    /// `redis-sentinel://` with sentinels at these ports, which need not be there.
    #[must_use]
    pub fn url_with(&self, ports: &[u16]) -> String {
        let places: Vec<_> = ports.iter().map(|port| format!("127.0.0.1:{port}")).collect();
        let Options { password, tls, .. } = &self.servers[0].options;
        let user = password.as_ref().map(|password| format!(":{password}@")).unwrap_or_default();
        let scheme = if tls.is_some() { "rediss" } else { "redis" };
        let query = self.password.as_ref().map(|password| format!("?sentinel_password={password}")).unwrap_or_default();
        format!("{scheme}-sentinel://{user}{}/{NAME}{query}", places.join(","))
    }

    /// The sentinels.
    #[must_use]
    pub fn sentinels(&self) -> &[RedisServer] {
        &self.sentinels
    }

    /// A sentinel, to be killed and started.
    #[must_use]
    pub fn sentinel_mut(&mut self, at: usize) -> &mut RedisServer {
        &mut self.sentinels[at]
    }

    /// A server.
    #[must_use]
    pub fn server(&self, at: usize) -> &RedisServer {
        &self.servers[at]
    }

    /// A server, to be killed and started.
    #[must_use]
    pub fn server_mut(&mut self, at: usize) -> &mut RedisServer {
        &mut self.servers[at]
    }

    /// The server that this sentinel names as the master.
    ///
    /// # Panics
    /// If it names none of ours.
    #[must_use]
    pub fn master_named_by(&self, at: usize) -> usize {
        let named = self.sentinels[at].cli(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME]);
        let port = named.lines().nth(1).and_then(|port| port.parse().ok());
        let server = self.servers.iter().position(|server| Some(server.public_port()) == port);
        server.unwrap_or_else(|| panic!("no server of ours: {named}"))
    }

    /// Has a replica take over from a master that is well, and waits until all agree. Which one?
    ///
    /// # Panics
    /// If the sentinels refuse.
    pub fn failover(&mut self) -> usize {
        let before = self.master_named_by(0);
        // They refuse while they believe that there is nobody who could take over.
        self.wait("the sentinels to begin", || self.sentinels[0].cli(&["SENTINEL", "FAILOVER", NAME]) == "OK");
        self.wait_for_failover(before)
    }

    /// Waits until all running sentinels name another master than this one, and it is one. Which?
    pub fn wait_for_failover(&mut self, of: usize) -> usize {
        let running: Vec<_> = (0..SENTINELS).filter(|at| self.sentinels[*at].is_running()).collect();
        self.wait("a failover", || {
            let named: Vec<_> = running.iter().map(|at| self.master_named_by(*at)).collect();
            let first = named[0];
            first != of
                && named.iter().all(|at| *at == first)
                && self.servers[first].try_cli(&["ROLE"]).is_ok_and(|role| role.starts_with("master"))
        });
        self.master_named_by(running[0])
    }

    /// From now on no master fails for being slow: what other tests do to the machine begins no failover.
    ///
    /// # Panics
    /// If a sentinel refuses.
    pub fn be_patient(&self) {
        for sentinel in &self.sentinels {
            assert_eq!(sentinel.cli(&["SENTINEL", "SET", NAME, "down-after-milliseconds", "60000"]), "OK");
        }
    }

    /// Makes another server the master by hand, behind the back of whoever is connected: connections to the old one stay.
    pub fn swap(&self, to: usize) {
        let before = self.master_named_by(0);
        let port = self.servers[to].public_port().to_string();
        // Else they would undo it, and end the connections.
        for sentinel in &self.sentinels {
            assert_eq!(sentinel.cli(&["SENTINEL", "REMOVE", NAME]), "OK");
        }
        assert_eq!(self.servers[to].cli(&["REPLICAOF", "NO", "ONE"]), "OK");
        assert_eq!(self.servers[before].cli(&["REPLICAOF", "127.0.0.1", &port]), "OK");
        for sentinel in &self.sentinels {
            assert_eq!(sentinel.cli(&["SENTINEL", "MONITOR", NAME, "127.0.0.1", &port, "2"]), "OK");
        }
    }

    /// Another server is the master for all sentinels, and the one of before has not heard of it: it goes on taking whatever it gets.
    ///
    /// # Panics
    /// If a server or a sentinel refuses.
    pub fn depose(&self, to: usize) {
        let port = self.servers[to].public_port().to_string();
        for sentinel in &self.sentinels {
            assert_eq!(sentinel.cli(&["SENTINEL", "REMOVE", NAME]), "OK");
        }
        assert_eq!(self.servers[to].cli(&["REPLICAOF", "NO", "ONE"]), "OK");
        for sentinel in &self.sentinels {
            assert_eq!(sentinel.cli(&["SENTINEL", "MONITOR", NAME, "127.0.0.1", &port, "2"]), "OK");
        }
    }

    /// A master that was [deposed](Self::depose) hears of it.
    ///
    /// # Panics
    /// If it refuses.
    pub fn step_down(&self, of: usize, to: usize) {
        let port = self.servers[to].public_port().to_string();
        assert_eq!(self.servers[of].cli(&["REPLICAOF", "127.0.0.1", &port]), "OK");
    }

    fn wait_until_known(&self, replicas: usize) {
        let expected = [("num-slaves", replicas), ("num-other-sentinels", SENTINELS - 1)];
        self.wait("the sentinels to know all", || {
            self.sentinels.iter().all(|sentinel| {
                let answer = sentinel.cli(&["SENTINEL", "MASTER", NAME]);
                let lines: Vec<_> = answer.lines().collect();
                let known: HashMap<_, _> = lines.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect();
                expected.iter().all(|(name, number)| known.get(name) == Some(&&*number.to_string()))
            })
        });
    }

    fn wait(&self, what: &str, ready: impl Fn() -> bool) {
        eventually_or(what, || self.sentinels[0].cli(&["INFO", "sentinel"]), ready);
    }
}
