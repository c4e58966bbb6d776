//! A Redis Cluster of the example's own: three masters, three replicas.

use anyhow::{Context, Result, bail, ensure};
use std::{
    io::ErrorKind,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

const MASTERS: usize = 3;

const NODES: usize = 2 * MASTERS;

const SLOTS: usize = 16_384;

const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Servers {
    nodes: Vec<Node>,
}

struct Node {
    child: Child,
    port: u16,
    bus: u16,
    folder: PathBuf,
}

impl Servers {
    /// `None`: Redis is not installed.
    pub(crate) fn start(folder: &Path) -> Result<Option<Self>> {
        for program in ["redis-server", "redis-cli"] {
            match Command::new(program).arg("--version").stdout(Stdio::null()).status() {
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
                result => _ = result.context(program)?,
            }
        }
        let nodes = (0..NODES).map(|at| Node::start(folder.join(format!("node-{at}")))).collect::<Result<_>>()?;
        let servers = Servers { nodes };
        servers.join()?;
        Ok(Some(servers))
    }

    pub(crate) fn url(&self) -> String {
        let places: Vec<_> = self.nodes.iter().map(|node| format!("127.0.0.1:{}", node.port)).collect();
        format!("redis-cluster://{}", places.join(","))
    }

    /// The masters divide the slots, all of them meet, and the others follow a master each.
    fn join(&self) -> Result<()> {
        let first = &self.nodes[0];
        for (at, node) in self.nodes.iter().enumerate() {
            self.until("a server answers", || Ok(node.cli(&["PING"])? == "PONG"))?;
            node.cli(&["CLUSTER", "SET-CONFIG-EPOCH", &(at + 1).to_string()])?;
            if at < MASTERS {
                let (begin, end) = (SLOTS * at / MASTERS, SLOTS * (at + 1) / MASTERS - 1);
                node.cli(&["CLUSTER", "ADDSLOTSRANGE", &begin.to_string(), &end.to_string()])?;
            }
            if at > 0 {
                first.cli(&["CLUSTER", "MEET", "127.0.0.1", &node.port.to_string(), &node.bus.to_string()])?;
            }
        }
        let ids = self.nodes.iter().map(|node| node.cli(&["CLUSTER", "MYID"])).collect::<Result<Vec<_>>>()?;
        for (at, node) in self.nodes.iter().enumerate().skip(MASTERS) {
            let master = &ids[at - MASTERS];
            self.until("a replica knows its master", || Ok(node.cli(&["CLUSTER", "REPLICATE", master])? == "OK"))?;
            self.until("a replica has its master's data", || {
                Ok(node.cli(&["ROLE"])?.lines().nth(3) == Some("connected"))
            })?;
        }
        self.until("the cluster works", || {
            let well = |node: &Node| node.cli(&["CLUSTER", "INFO"]).map(|info| info.contains("cluster_state:ok"));
            self.nodes.iter().try_fold(true, |all, node| Ok(all && well(node)?))
        })
    }

    fn until(&self, what: &str, mut holds: impl FnMut() -> Result<bool>) -> Result<()> {
        let start = Instant::now();
        while !holds()? {
            ensure!(start.elapsed() < PATIENCE, "in vain: {what}");
            thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// Moves some slots with their keys from the second master to the third, beside all the rest. How many?
    pub(crate) fn move_slots(&self, count: usize) -> JoinHandle<Result<usize>> {
        let (from, to) = (self.nodes[1].port, self.nodes[2].port);
        thread::spawn(move || move_slots(Place(from), Place(to), count))
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self, node: usize) {
        self.nodes[node].kill();
    }

    pub(crate) fn restart(&mut self, node: usize) -> Result<()> {
        self.nodes[node].launch()
    }
}

impl Node {
    fn start(folder: PathBuf) -> Result<Self> {
        std::fs::create_dir_all(&folder)?;
        let (port, bus) = (free_port()?, free_port()?);
        let child = launch(port, bus, &folder)?;
        Ok(Node { child, port, bus, folder })
    }

    fn launch(&mut self) -> Result<()> {
        self.child = launch(self.port, self.bus, &self.folder)?;
        Ok(())
    }

    fn kill(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }

    fn cli(&self, command: &[&str]) -> Result<String> {
        Place(self.port).cli(command)
    }
}

/// The port of a server.
#[derive(Clone, Copy)]
struct Place(u16);

impl Place {
    /// What a command gives; nothing while the server does not listen yet.
    fn cli(self, command: &[&str]) -> Result<String> {
        let port = self.0.to_string();
        let output = Command::new("redis-cli").args(["-p", &port]).args(command).output().context("redis-cli")?;
        let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        if text.starts_with("ERR") && !text.starts_with("ERR Unknown node") {
            bail!("{command:?}: {text}");
        }
        Ok(text)
    }
}

fn move_slots(from: Place, to: Place, count: usize) -> Result<usize> {
    let (from_id, to_id) = (from.cli(&["CLUSTER", "MYID"])?, to.cli(&["CLUSTER", "MYID"])?);
    // Those that have keys are worth it.
    let keys = from.cli(&["KEYS", "ck:*:d:*"])?;
    let mut slots = Vec::new();
    for key in keys.lines().take(count) {
        let slot = from.cli(&["CLUSTER", "KEYSLOT", key])?;
        if !slots.contains(&slot) {
            slots.push(slot);
        }
    }
    for slot in &slots {
        to.cli(&["CLUSTER", "SETSLOT", slot, "IMPORTING", &from_id])?;
        from.cli(&["CLUSTER", "SETSLOT", slot, "MIGRATING", &to_id])?;
        loop {
            let keys = from.cli(&["CLUSTER", "GETKEYSINSLOT", slot, "64"])?;
            let keys: Vec<_> = keys.lines().filter(|key| !key.is_empty()).collect();
            if keys.is_empty() {
                break;
            }
            let port = to.0.to_string();
            let mut migrate = vec!["MIGRATE", "127.0.0.1", &port, "", "0", "5000", "KEYS"];
            migrate.extend(keys);
            from.cli(&migrate)?;
        }
        for node in [to, from] {
            node.cli(&["CLUSTER", "SETSLOT", slot, "NODE", &to_id])?;
        }
    }
    Ok(slots.len())
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
    }
}

fn launch(port: u16, bus: u16, folder: &Path) -> Result<Child> {
    let (port, bus) = (port.to_string(), bus.to_string());
    let mut command = Command::new("redis-server");
    command.args([
        "--bind",
        "127.0.0.1",
        "--port",
        &port,
        "--save",
        "",
        "--appendonly",
        "no",
        "--cluster-enabled",
        "yes",
    ]);
    // Without a port of its own for the others it would take this one plus 10000, which may be none.
    command.args(["--cluster-port", &bus, "--cluster-node-timeout", "1000", "--repl-diskless-sync-delay", "0"]);
    command.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null());
    command.spawn().context("redis-server")
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
