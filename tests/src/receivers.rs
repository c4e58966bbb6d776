//! Programs that others wrote and that take metrics: a Prometheus that scrapes, and a StatsD server.

use crate::waiting::eventually_or;
use std::{
    fs,
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
};
use tempfile::TempDir;

/// A process that ends with its test.
struct Running {
    child: Child,
    log: PathBuf,
    folder: TempDir,
}

impl Running {
    fn start(mut command: Command, install: &str, folder: TempDir) -> Self {
        let log = folder.path().join("log");
        let file = fs::File::create(&log).expect("a log");
        let errors = file.try_clone().expect("a log for errors too");
        let child = command.stdin(Stdio::null()).stdout(file).stderr(errors).spawn();
        let program = command.get_program().to_owned();
        let child = child.unwrap_or_else(|error| panic!("{program:?} cannot be started ({error}); {install}"));
        Running { child, log, folder }
    }

    fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
        let _ = self.folder.path();
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("its number").port()
}

/// What a server answers to some text; nothing if it does not.
fn ask(port: u16, text: &str, is_whole: impl Fn(&str) -> bool) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.write_all(text.as_bytes()).ok()?;
    let (mut answer, mut buffer) = (String::new(), [0; 4096]);
    loop {
        match stream.read(&mut buffer).ok()? {
            0 => return Some(answer),
            count => answer.push_str(&String::from_utf8_lossy(buffer.get(..count)?)),
        }
        if is_whole(&answer) {
            return Some(answer);
        }
    }
}

/// Prometheus itself.
pub struct PrometheusServer {
    port: u16,
    running: Running,
}

impl PrometheusServer {
    /// One that scrapes `/metrics` of this port of 127.0.0.1 four times a second, and answers.
    ///
    /// # Panics
    /// If it does not.
    #[must_use]
    pub fn scraping(port: u16) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let config = folder.path().join("prometheus.yml");
        let scrapes = format!(
            "global:\n  scrape_interval: 250ms\n  scrape_timeout: 250ms\nscrape_configs:\n  - job_name: cachekit\n    static_configs:\n      - targets: ['127.0.0.1:{port}']\n"
        );
        fs::write(&config, scrapes).expect("its configuration");
        let own = free_port();
        let mut command = Command::new("prometheus");
        command
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{own}"));
        let running = Running::start(command, "this installs it: apt-get install -y prometheus", folder);
        let server = PrometheusServer { port: own, running };
        let log = || server.running.log();
        eventually_or("Prometheus is ready", log, || {
            server.get("/-/ready").is_some_and(|answer| answer.contains(" 200 "))
        });
        server
    }

    fn get(&self, path: &str) -> Option<String> {
        ask(self.port, &format!("GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n"), |_| false)
    }

    /// Waits until a query, which has to be percent-encoded, has an answer with this text in it.
    ///
    /// # Panics
    /// If it has not after a minute.
    pub fn answers(&self, query: &str, with: &str) {
        let path = format!("/api/v1/query?query={query}");
        let instead = || format!("{:?}\n{}", self.get(&path), self.running.log());
        eventually_or(query, instead, || self.get(&path).is_some_and(|answer| answer.contains(with)));
    }
}

/// The StatsD server of the npm package `statsd`.
pub struct StatsdServer {
    port: u16,
    management: u16,
    running: Running,
}

impl StatsdServer {
    /// One that keeps what it gets.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let (port, management) = (free_port(), free_port());
        let config = folder.path().join("config.js");
        // An hour: what is flushed is forgotten.
        let said = format!(
            "{{ address: '127.0.0.1', port: {port}, mgmt_address: '127.0.0.1', mgmt_port: {management}, flushInterval: 3600000, backends: ['./backends/console'] }}"
        );
        fs::write(&config, said).expect("its configuration");
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/needs");
        let mut command = Command::new("node");
        command.arg(format!("{root}/node_modules/statsd/stats.js")).arg(&config);
        let install = "this installs it: npm install --ignore-scripts --prefix target/needs statsd@0.9.0";
        let running = Running::start(command, install, folder);
        let server = StatsdServer { port, management, running };
        let log = || format!("{}\n{install}", server.running.log());
        eventually_or("StatsD is ready", log, || server.list("health").is_some());
        server
    }

    /// Where it listens for UDP.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What it has, of `counters`, `gauges` or `timers`.
    #[must_use]
    pub fn list(&self, what: &str) -> Option<String> {
        ask(self.management, &format!("{what}\n"), |answer| answer.contains("END\n") || answer.contains("health:"))
    }

    /// Waits until that list has this text.
    ///
    /// # Panics
    /// If it has not after a minute.
    pub fn has(&self, what: &str, text: &str) {
        let instead = || format!("{:?}\n{}", self.list(what), self.running.log());
        eventually_or(text, instead, || self.list(what).is_some_and(|list| list.contains(text)));
    }
}
