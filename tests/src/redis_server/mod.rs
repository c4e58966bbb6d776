//! A test's own real `redis-server`: a process on a free port of the loopback interface, with a folder of its own, that ends with the test.

mod cluster;
mod options;
mod ready;
mod sentinels;

pub use cluster::Cluster;
pub use options::{Options, Tls};
pub use sentinels::Sentinels;

use std::{
    collections::BTreeMap,
    io::Read,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// What installs the server where it is missing.
pub const INSTALL: &str = "apt-get install -y redis-server";

/// How long a server may take to start or to end. No test waits for it unless it fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// How many ports are tried: another process may take one between our finding it free and the server's opening it.
const PORTS: usize = 20;

/// A running `redis-server`, or one that was stopped and can be started again on the same port. Dropping it kills it and removes its folder.
#[derive(Debug)]
pub struct RedisServer {
    child: Option<Child>,
    options: Options,
    folder: TempDir,
    port: u16,
    tls_port: u16,
    /// For the bus of a cluster: without it the server would take the port plus 10000, which may be no port at all.
    bus_port: u16,
}

impl RedisServer {
    /// One without password and without persistence.
    ///
    /// # Panics
    /// Where `redis-server` is missing or does not start.
    #[must_use]
    pub fn start() -> Self {
        Options::default().start()
    }

    /// What to start it with.
    #[must_use]
    pub fn options() -> Options {
        Options::default()
    }

    pub(crate) fn with(options: Options) -> Self {
        let folder = tempfile::tempdir().expect("a folder for the server");
        let mut server = RedisServer { child: None, options, folder, port: 0, tls_port: 0, bus_port: 0 };
        for _ in 0..PORTS {
            server.port = free_port();
            server.tls_port = free_port();
            server.bus_port = free_port();
            if server.launch() {
                return server;
            }
        }
        panic!("no free port in {PORTS} tries");
    }

    /// The port of plain connections on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The port of TLS connections on 127.0.0.1.
    #[must_use]
    pub fn tls_port(&self) -> u16 {
        self.tls_port
    }

    /// The port that clients and other servers are to use: that of TLS, where it has one.
    #[must_use]
    pub fn public_port(&self) -> u16 {
        if self.options.tls.is_some() { self.tls_port } else { self.port }
    }

    /// The server's folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The Unix socket, for servers that were told to have one.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.folder().join("redis.sock")
    }

    /// `redis://127.0.0.1:port`, with the password if it has one.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_at(self.port)
    }

    /// As [`url`](Self::url) with another port, such as a proxy's.
    #[must_use]
    pub fn url_at(&self, port: u16) -> String {
        match &self.options.password {
            Some(password) => format!("redis://:{password}@127.0.0.1:{port}"),
            None => format!("redis://127.0.0.1:{port}"),
        }
    }

    /// The number of its process.
    ///
    /// # Panics
    /// If it does not run.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("a server that runs").id()
    }

    /// Is its process there?
    pub fn is_running(&mut self) -> bool {
        self.child.as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(None)))
    }

    /// Runs `redis-cli` with these arguments and gives what it printed.
    ///
    /// # Panics
    /// If `redis-cli` fails.
    pub fn cli(&self, arguments: &[&str]) -> String {
        self.try_cli(arguments).unwrap_or_else(|said| panic!("redis-cli {arguments:?}: {said}"))
    }

    /// As [`cli`](Self::cli), where the server may close the connection: one that changes its role does.
    ///
    /// # Errors
    /// What `redis-cli` printed.
    ///
    /// # Panics
    /// If there is no `redis-cli`.
    pub fn try_cli(&self, arguments: &[&str]) -> Result<String, String> {
        let mut command = Command::new("redis-cli");
        command.args(["-h", "127.0.0.1", "-p", &self.port.to_string()]);
        if let Some(password) = &self.options.password {
            // Not as an argument: those are for everyone to see.
            command.env("REDISCLI_AUTH", password);
        }
        let output = command.args(arguments).output().unwrap_or_else(|error| missing("redis-cli", &error));
        let text = String::from_utf8_lossy(&output.stdout).trim_end().to_owned();
        if output.status.success() {
            Ok(text)
        } else {
            Err(format!("{text} {}", String::from_utf8_lossy(&output.stderr)))
        }
    }

    /// Starts `redis-cli` with these arguments and does not wait for it: for commands that keep the server busy.
    ///
    /// # Panics
    /// If `redis-cli` cannot be started.
    pub fn cli_detached(&self, arguments: &[&str]) -> Detached {
        let mut command = Command::new("redis-cli");
        command.args(["-h", "127.0.0.1", "-p", &self.port.to_string()]).args(arguments);
        if let Some(password) = &self.options.password {
            command.env("REDISCLI_AUTH", password);
        }
        let command = command.stdout(Stdio::null()).stderr(Stdio::null());
        Detached(command.spawn().unwrap_or_else(|error| missing("redis-cli", &error)))
    }

    /// A figure of `INFO`, such as `total_connections_received`.
    ///
    /// # Panics
    /// If there is none of that name.
    #[must_use]
    pub fn info(&self, name: &str) -> String {
        let all = self.cli(&["INFO", "everything"]);
        let found = all.lines().find_map(|line| line.trim().strip_prefix(name)?.strip_prefix(':'));
        found.unwrap_or_else(|| panic!("no {name} in INFO")).to_owned()
    }

    /// How often each command was called, whatever became of it; of those with parts as in `cluster|info`. Who asks is counted as `info`.
    ///
    /// # Panics
    /// Where the server does not answer as it should.
    #[must_use]
    pub fn calls(&self) -> BTreeMap<String, u64> {
        calls_in(&self.cli(&["INFO", "commandstats"]))
    }

    /// How often it was called so; see [`calls`](Self::calls).
    #[must_use]
    pub fn calls_of(&self, command: &str) -> u64 {
        self.calls().get(command).copied().unwrap_or(0)
    }

    /// Asks it to end, as a service manager does, and waits until it has.
    pub fn stop(&mut self) {
        self.signal("TERM");
        self.ended();
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        if let Some(child) = &mut self.child {
            child.kill().ok();
        }
        self.ended();
    }

    /// Starts it again, on the same port and in the same folder, and waits until it answers.
    ///
    /// # Panics
    /// If the port was taken meanwhile.
    pub fn restart(&mut self) {
        self.kill();
        assert!(self.launch(), "port {} was taken meanwhile", self.port);
    }

    /// With further settings of `redis.conf` from its next start on.
    #[must_use]
    pub fn with_settings(mut self, settings: &[(&str, &str)]) -> Self {
        for (name, value) in settings {
            self.options = std::mem::take(&mut self.options).set(name, value);
        }
        self
    }

    /// Starts it again, and waits only until it accepts connections: it may be loading still.
    ///
    /// # Panics
    /// If the port was taken meanwhile.
    pub fn restart_loading(&mut self) {
        self.kill();
        self.spawn();
        assert!(self.listens(), "port {} was taken meanwhile", self.port);
    }

    /// A figure of `INFO` that may be missing, such as `errorstat_MOVED`, of which only what has occurred is there.
    #[must_use]
    pub fn info_if_any(&self, name: &str) -> Option<String> {
        let all = self.cli(&["INFO", "everything"]);
        all.lines().find_map(|line| line.trim().strip_prefix(name)?.strip_prefix(':')).map(str::to_owned)
    }

    /// Stops its process in the middle of whatever it does (`SIGSTOP`), until the guard is dropped. Connections stay open, and the kernel accepts
    /// new ones.
    pub fn pause(&self) -> Paused<'_> {
        self.signal("STOP");
        Paused(self)
    }

    fn signal(&self, signal: &str) {
        if let Some(child) = &self.child {
            let done = Command::new("kill").args([format!("-{signal}"), child.id().to_string()]).status();
            assert!(done.is_ok_and(|status| status.success()), "kill -{signal}");
        }
    }

    fn ended(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.wait().expect("the server's end");
        }
    }

    /// `false`: a port was taken.
    fn launch(&mut self) -> bool {
        self.spawn();
        self.listens() && self.answers()
    }

    fn spawn(&mut self) {
        let arguments = self.options.arguments(self.folder.path(), self.port, self.tls_port, self.bus_port);
        let mut command = Command::new("redis-server");
        command.args(&arguments).current_dir(self.folder.path()).stdin(Stdio::null()).stderr(Stdio::null());
        let log = std::fs::File::create(self.log()).expect("the server's log");
        self.child = Some(command.stdout(log).spawn().unwrap_or_else(|error| missing("redis-server", &error)));
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    fn listens(&mut self) -> bool {
        self.wait_for(|server| ready::listens(server.port))
    }

    fn answers(&mut self) -> bool {
        self.wait_for(|server| ready::answers(server.port))
    }

    fn wait_for(&mut self, ready: impl Fn(&Self) -> bool) -> bool {
        let deadline = Instant::now() + PATIENCE;
        while !ready(self) {
            if !self.is_running() {
                let mut log = String::new();
                std::fs::File::open(self.log()).and_then(|mut file| file.read_to_string(&mut log)).ok();
                self.ended();
                assert!(log.contains("Address already in use"), "redis-server did not start:\n{log}");
                return false;
            }
            assert!(Instant::now() < deadline, "redis-server takes too long to start");
            std::thread::sleep(Duration::from_millis(2)); // sleeps: another process has to start
        }
        // Somebody else's server on our port would answer too.
        self.is_running()
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A server that was stopped in the middle; dropping it lets it go on.
#[derive(Debug)]
pub struct Paused<'a>(&'a RedisServer);

impl Drop for Paused<'_> {
    fn drop(&mut self) {
        self.0.signal("CONT");
    }
}

/// A `redis-cli` in the background; dropping it ends it.
#[derive(Debug)]
pub struct Detached(Child);

impl Drop for Detached {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// As [`RedisServer::calls`], of a server of another process; and how often it has read from a connection.
///
/// # Panics
/// Where it does not answer as it should.
#[must_use]
pub fn calls_at(port: u16) -> (BTreeMap<String, u64>, u64) {
    let mut command = Command::new("redis-cli");
    command.args(["-h", "127.0.0.1", "-p", &port.to_string(), "INFO", "everything"]);
    let output = command.output().unwrap_or_else(|error| missing("redis-cli", &error));
    let all = String::from_utf8_lossy(&output.stdout);
    let reads = all.lines().find_map(|line| line.strip_prefix("total_reads_processed:")?.trim().parse().ok());
    (calls_in(&all), reads.expect("a number"))
}

fn calls_in(stats: &str) -> BTreeMap<String, u64> {
    let lines = stats.lines().filter_map(|line| line.trim().strip_prefix("cmdstat_")?.split_once(':'));
    let count = |(name, fields): (&str, &str)| {
        let counts = fields.split(',').filter_map(|field| field.split_once('='));
        let counts = counts.filter(|(field, _)| matches!(*field, "calls" | "rejected_calls"));
        (name.to_owned(), counts.map(|(_, count)| count.parse::<u64>().expect("a number")).sum())
    };
    lines.map(count).collect()
}

fn missing(program: &str, error: &std::io::Error) -> ! {
    panic!("`{program}` cannot be started ({error}); this installs it: {INSTALL}")
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("its number").port()
}
