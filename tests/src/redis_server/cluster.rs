//! A real Redis Cluster of a test's own.

use super::{Options, Paused, RedisServer};
use crate::waiting::eventually_or;
use std::sync::atomic::{AtomicBool, Ordering};

/// How many slots there are.
const SLOTS: usize = 16_384;

/// How many keys move at once.
const KEYS: usize = 64;

/// A node that does not answer for so long, in milliseconds, has failed; while nobody has made one fail, what else the machine does must not look like it.
const QUICK: &str = "1000";
const PATIENT: &str = "30000";

/// The nodes of a cluster. Dropping it kills them.
#[derive(Debug)]
pub struct Cluster {
    nodes: Vec<RedisServer>,
    ids: Vec<String>,
    masters: usize,
    is_quick: AtomicBool,
}

impl Cluster {
    /// So many masters, which share all slots evenly, each with so many replicas; it works when this returns. Nodes 0 to `masters - 1` are the masters,
    /// node `masters + n` is a replica of master `n % masters`.
    ///
    /// # Panics
    /// Where `redis-server` is missing, or the nodes do not find each other.
    #[must_use]
    pub fn start(masters: usize, replicas: usize) -> Self {
        Self::with(Options::default(), masters, replicas)
    }

    /// As [`start`](Self::start), with nodes of these options.
    ///
    /// # Panics
    /// As there.
    #[must_use]
    pub fn with(options: Options, masters: usize, replicas: usize) -> Self {
        Self::with_spare(options, masters, replicas, 0)
    }

    /// As [`with`](Self::with), and so many masters beside, the last nodes, which have no slots yet.
    ///
    /// # Panics
    /// As there.
    #[must_use]
    pub fn with_spare(options: Options, masters: usize, replicas: usize, spare: usize) -> Self {
        let all = masters * (1 + replicas) + spare;
        let nodes: Vec<_> = (0..all).map(|_| options.clone().cluster().start()).collect();
        let ids = nodes.iter().map(|node| node.cli(&["CLUSTER", "MYID"])).collect();
        let cluster = Cluster { nodes, ids, masters, is_quick: AtomicBool::new(true) };
        for (at, node) in cluster.nodes.iter().enumerate() {
            cluster.tell(at, &["CLUSTER", "SET-CONFIG-EPOCH", &(at + 1).to_string()]);
            if at < masters {
                let (first, end) = (SLOTS * at / masters, SLOTS * (at + 1) / masters);
                cluster.tell(at, &["CLUSTER", "ADDSLOTSRANGE", &first.to_string(), &(end - 1).to_string()]);
            }
            if at > 0 {
                let (port, bus) = (node.public_port().to_string(), node.bus_port.to_string());
                cluster.tell(0, &["CLUSTER", "MEET", "127.0.0.1", &port, &bus]);
            }
        }
        cluster.wait("the nodes to know each other", || {
            (0..all).all(|at| {
                let known = cluster.nodes[at].cli(&["CLUSTER", "NODES"]);
                known.lines().count() == all && !known.contains("handshake")
            })
        });
        for at in masters..all - spare {
            let master = &cluster.ids[at % masters];
            cluster.wait("a replica to know its master", || {
                cluster.nodes[at].cli(&["CLUSTER", "REPLICATE", master]) == "OK"
            });
        }
        cluster.wait_until_well();
        cluster
    }

    /// `redis-cluster://` with all nodes; `rediss-cluster://` where they have TLS.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_of(&(0..self.nodes.len()).collect::<Vec<_>>())
    }

    /// `redis-cluster://` with these nodes.
    #[must_use]
    pub fn url_of(&self, nodes: &[usize]) -> String {
        let places: Vec<_> = nodes.iter().map(|at| format!("127.0.0.1:{}", self.nodes[*at].public_port())).collect();
        let Options { password, tls, .. } = &self.nodes[0].options;
        let user = password.as_ref().map(|password| format!(":{password}@")).unwrap_or_default();
        format!("{}-cluster://{user}{}", if tls.is_some() { "rediss" } else { "redis" }, places.join(","))
    }

    /// A node.
    #[must_use]
    pub fn node(&self, at: usize) -> &RedisServer {
        &self.nodes[at]
    }

    /// All nodes.
    #[must_use]
    pub fn nodes(&self) -> &[RedisServer] {
        &self.nodes
    }

    /// How many masters it was started with.
    #[must_use]
    pub fn masters(&self) -> usize {
        self.masters
    }

    /// The slot of a key, by the server.
    #[must_use]
    pub fn slot(&self, key: &str) -> usize {
        self.nodes
            .iter()
            .map(|node| node.cli(&["CLUSTER", "KEYSLOT", key]))
            .next()
            .and_then(|slot| slot.parse().ok())
            .expect("a slot")
    }

    /// The node that owns the slot, in the eyes of node `asked`. Waits for one: during a failover there may be none for a moment.
    ///
    /// # Panics
    /// If nobody does after a minute.
    #[must_use]
    pub fn owner_seen_by(&self, asked: usize, slot: usize) -> usize {
        let mut owner = None;
        self.wait(&format!("an owner of slot {slot}"), || {
            owner = self.find_owner(asked, slot);
            owner.is_some()
        });
        owner.expect("it was waited for")
    }

    /// As [`owner_seen_by`](Self::owner_seen_by), at once: none if there is none, or the node does not say.
    fn find_owner(&self, asked: usize, slot: usize) -> Option<usize> {
        let nodes = self.nodes[asked].try_cli(&["CLUSTER", "NODES"]).ok()?;
        nodes.lines().find_map(|line| {
            let mut words = line.split(' ');
            let id = words.next()?;
            words.skip(7).any(|range| has(range, slot)).then(|| self.ids.iter().position(|known| known == id))?
        })
    }

    /// Is it a master, as it says itself?
    #[must_use]
    pub fn is_master(&self, at: usize) -> bool {
        self.nodes[at].try_cli(&["ROLE"]).is_ok_and(|role| role.starts_with("master"))
    }

    /// `kill -9` of a node, which the others notice within seconds.
    pub fn kill(&mut self, at: usize) {
        self.be_quick();
        self.nodes[at].kill();
    }

    /// Starts a node again, with what it knew of the cluster.
    pub fn restart(&mut self, at: usize) {
        self.nodes[at].restart();
    }

    /// Stops a node in the middle of whatever it does, until the guard is dropped.
    pub fn pause(&self, at: usize) -> Paused<'_> {
        self.be_quick();
        self.nodes[at].pause()
    }

    /// From now on until the cluster is [well](Self::wait_until_well) again, a node fails that does not answer for a second.
    pub fn be_quick(&self) {
        // Not twice: a node that was stopped since answers nobody.
        if !self.is_quick.swap(true, Ordering::SeqCst) {
            self.set_patience(QUICK);
        }
    }

    fn set_patience(&self, milliseconds: &str) {
        for at in 0..self.nodes.len() {
            // One that is gone starts with the quick one.
            let _ = self.nodes[at].try_cli(&["CONFIG", "SET", "cluster-node-timeout", milliseconds]);
        }
    }

    /// Waits until a replica has taken over from the master, which is gone or paused, and all others know it. Which one?
    ///
    /// # Panics
    /// If none does.
    #[must_use]
    pub fn wait_for_failover(&mut self, of: usize) -> usize {
        let running: Vec<_> = (0..self.nodes.len()).filter(|at| *at != of && self.nodes[*at].is_running()).collect();
        let is_heir = |at: &usize| *at >= self.masters && at % self.masters == of % self.masters;
        let heirs: Vec<_> = running.iter().copied().filter(is_heir).collect();
        let slot = SLOTS * (of % self.masters) / self.masters;
        self.wait("a replica to take over", || {
            running
                .iter()
                .all(|at| self.find_owner(*at, slot).is_some_and(|owner| heirs.contains(&owner)) && self.is_well(*at))
        });
        self.owner_seen_by(running[0], slot)
    }

    /// Waits until every running node sees a cluster that works, in which no node has failed, and every replica has its master's data.
    pub fn wait_until_well(&self) {
        self.wait("the cluster to be well", || {
            (0..self.nodes.len()).all(|at| {
                // One that changes its role may close the connection.
                let Ok(nodes) = self.nodes[at].try_cli(&["CLUSTER", "NODES"]) else { return false };
                let Ok(role) = self.nodes[at].try_cli(&["ROLE"]) else { return false };
                // What replicates says how far it is.
                let is_in_sync = role.starts_with("master") || role.lines().nth(3) == Some("connected");
                self.is_well(at) && !nodes.contains("fail") && is_in_sync
            })
        });
        self.set_patience(PATIENT);
        self.is_quick.store(false, Ordering::SeqCst);
    }

    fn is_well(&self, at: usize) -> bool {
        self.nodes[at].try_cli(&["CLUSTER", "INFO"]).is_ok_and(|info| info.contains("cluster_state:ok"))
    }

    /// Moves a slot with its keys to another master, and tells all nodes.
    ///
    /// # Panics
    /// If a node refuses.
    pub fn move_slot(&self, slot: usize, to: usize) {
        let from = self.begin_move(slot, to);
        while self.move_keys(slot, from, to, KEYS) > 0 {}
        self.end_move(slot, from, to);
    }

    /// From now on the slot is on its way to another master, though no key has moved. From whom?
    pub fn begin_move(&self, slot: usize, to: usize) -> usize {
        let from = self.owner_seen_by(to, slot);
        let slot = slot.to_string();
        self.tell(to, &["CLUSTER", "SETSLOT", &slot, "IMPORTING", &self.ids[from]]);
        self.tell(from, &["CLUSTER", "SETSLOT", &slot, "MIGRATING", &self.ids[to]]);
        from
    }

    /// Moves some keys of a slot that is on its way. How many?
    pub fn move_keys(&self, slot: usize, from: usize, to: usize, at_most: usize) -> usize {
        let keys = self.nodes[from].cli(&["CLUSTER", "GETKEYSINSLOT", &slot.to_string(), &at_most.to_string()]);
        let keys: Vec<_> = keys.lines().filter(|key| !key.is_empty()).collect();
        if !keys.is_empty() {
            let port = self.nodes[to].public_port().to_string();
            let mut command = vec!["MIGRATE", "127.0.0.1", &port, "", "0", "5000"];
            if let Some(password) = &self.nodes[to].options.password {
                command.extend(["AUTH", password]);
            }
            command.push("KEYS");
            command.extend(&keys);
            let done = self.nodes[from].cli(&command);
            // They may have gone meanwhile.
            assert!(matches!(&*done, "OK" | "NOKEY"), "{done}");
        }
        keys.len()
    }

    /// The slot has arrived, as the two nodes are told; the others hear it from them.
    pub fn end_move(&self, slot: usize, from: usize, to: usize) {
        for at in [to, from] {
            self.tell(at, &["CLUSTER", "SETSLOT", &slot.to_string(), "NODE", &self.ids[to]]);
        }
    }

    fn tell(&self, at: usize, command: &[&str]) {
        let said = self.nodes[at].cli(command);
        assert_eq!(said, "OK", "{command:?}");
    }

    fn wait(&self, what: &str, ready: impl FnMut() -> bool) {
        eventually_or(what, || self.nodes[0].cli(&["CLUSTER", "NODES"]), ready);
    }
}

/// A slot, a range of slots, or one in motion (in brackets).
fn has(range: &str, slot: usize) -> bool {
    let (first, last) = range.split_once('-').unwrap_or((range, range));
    matches!((first.parse::<usize>(), last.parse::<usize>()), (Ok(first), Ok(last)) if (first..=last).contains(&slot))
}
