//! Programs that others wrote and that take metrics: a Prometheus that scrapes, and what StatsD servers do.

use crate::waiting::eventually_or;
use statsdproxy::{
    config::AggregateMetricsConfig,
    middleware::{Middleware, aggregate::AggregateMetrics, server::Server},
    types::{Metric, MetricTag},
};
use std::{
    collections::BTreeMap,
    fs,
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream, UdpSocket},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
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
        Self::scraping_at(port, "/metrics", None)
    }

    /// As [`scraping`](Self::scraping), somewhere else, with a bearer's token.
    ///
    /// # Panics
    /// If it does not answer.
    #[must_use]
    pub fn scraping_at(port: u16, path: &str, token: Option<&str>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let config = folder.path().join("prometheus.yml");
        let credentials =
            token.map(|token| format!("    authorization:\n      credentials: '{token}'\n")).unwrap_or_default();
        let scrapes = format!(
            "global:\n  scrape_interval: 250ms\n  scrape_timeout: 250ms\nscrape_configs:\n  - job_name: cachekit\n    metrics_path: {path}\n{credentials}    static_configs:\n      - targets: ['127.0.0.1:{port}']\n"
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

/// A StatsD server that somebody else wrote: the one of `statsdproxy`, with its reading of lines and tags and its adding up; what would go on from it is kept.
pub struct StatsdServer {
    port: u16,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Debug, Default)]
struct Seen {
    /// As they came.
    lines: Vec<String>,
    /// What they come to, by name and tags.
    values: BTreeMap<String, f64>,
    refused: Vec<String>,
}

/// The first step behind the socket.
struct Arrived<M>(Arc<Mutex<Seen>>, M);

impl<M: Middleware> Middleware for Arrived<M> {
    fn poll(&mut self) {
        self.1.poll();
    }

    fn submit(&mut self, metric: &mut Metric) {
        lock(&self.0).lines.push(text(&metric.raw));
        self.1.submit(metric);
    }
}

/// The last step, in place of the next server.
struct Kept(Arc<Mutex<Seen>>);

impl Middleware for Kept {
    fn submit(&mut self, metric: &mut Metric) {
        let mut seen = lock(&self.0);
        if seen.take(metric).is_none() {
            seen.refused.push(text(&metric.raw));
        }
    }
}

impl Seen {
    fn take(&mut self, metric: &Metric) -> Option<()> {
        let mut name = text(metric.name()?);
        let tag = |tag: MetricTag<'_>| Some(format!(";{}={}", text(tag.name()), text(tag.value()?)));
        let mut tags = metric.tags_iter().map(tag).collect::<Option<Vec<String>>>()?;
        tags.sort();
        name.push_str(&tags.concat());
        match metric.ty()? {
            // An interval's sum; what comes next is the next one's.
            b"c" => *self.values.entry(name).or_default() += number(metric.value()?)?,
            b"g" => _ = self.values.insert(name, number(metric.value()?)?),
            // How often something took some time; since version 1.1 of the protocol of DogStatsD a line may have several values.
            b"h" | b"d" | b"ms" => {
                let values: Vec<&[u8]> = metric.name_and_value()?.split(|&byte| byte == b':').skip(1).collect();
                values.iter().try_for_each(|value| number(value).map(drop))?;
                *self.values.entry(name).or_default() += values.len() as f64;
            }
            _ => return None,
        }
        Some(())
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn number(bytes: &[u8]) -> Option<f64> {
    std::str::from_utf8(bytes).ok()?.parse().ok()
}

impl StatsdServer {
    /// One that keeps what it gets, to the end of the process.
    ///
    /// # Panics
    /// If there is no free port.
    #[must_use]
    pub fn start() -> Self {
        let seen = Arc::new(Mutex::new(Seen::default()));
        let sums = AggregateMetricsConfig {
            aggregate_counters: true,
            aggregate_gauges: true,
            flush_interval: Duration::from_millis(200),
            flush_offset: 0,
            max_map_size: None,
        };
        let steps = Arrived(seen.clone(), AggregateMetrics::new(sums, Kept(seen.clone())));
        let port = free_udp_port();
        let server = Server::new(format!("127.0.0.1:{port}"), steps).expect("a port that was free a moment ago");
        thread::spawn(move || server.run());
        StatsdServer { port, seen }
    }

    /// Where it listens for UDP.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The lines that it got.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        lock(&self.seen).lines.clone()
    }

    /// Those that it makes nothing of.
    #[must_use]
    pub fn refused(&self) -> Vec<String> {
        lock(&self.seen).refused.clone()
    }

    /// Waits until that name, with its tags in the order of the alphabet, has this value.
    ///
    /// # Panics
    /// If it has not after a minute.
    pub fn has(&self, name: &str, value: f64) {
        let instead = || format!("{:#?}", lock(&self.seen));
        eventually_or(name, instead, || lock(&self.seen).values.get(name) == Some(&value));
    }
}

/// The server takes a name, and does not say which port it got.
fn free_udp_port() -> u16 {
    let socket = UdpSocket::bind(("127.0.0.1", 0)).expect("a free port");
    socket.local_addr().expect("its number").port()
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}
